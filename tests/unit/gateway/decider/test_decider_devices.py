"""Devices in decisions: which certificate makes one, what is bound to it, and what ends with it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import msgspec
import pytest
from tests.decider_company import ANNA, BEN, House, company, open_house
from tests.device_material import device_fact, make_leaf

from ostiary.config.secrets import read_secret
from ostiary.gateway.decider.proven_device import active_device, certificates_of, proven_device
from ostiary.gateway.decider.streams import incoming_of
from ostiary.gateway.sign_in_question import SignInQuestion, SignInReply
from ostiary.gateway.tokens import InvalidToken, SessionClaims, read_session, sign_session
from ostiary.gateway.under_way import UnderWay, read_report
from ostiary.policy.decision import Allow
from ostiary.policy.given import GivenCertificates
from ostiary.policy.identifiers import AppId, SessionId
from ostiary.policy.snapshot import DeviceFact, Devices, Snapshot

RULES = """\
version: 1
rules:
  - name: staff-use-wiki
    allow: anyone
    to: app:wiki
    do: [view]
  - name: staff-see-payroll-on-managed-devices
    allow: anyone
    to: app:payroll
    do: [view]
    when: {device: {managed: true}}
  - name: staff-see-files-on-their-own
    allow: anyone
    to: app:files
    do: [view]
    when: {device: {own: true}}
"""
AUTHORITY = make_leaf("authority", authority=True)
FIRST, RENEWED, ANOTHER = (make_leaf(name, signed_by=AUTHORITY) for name in ("first", "renewed", "another"))
STRANGER = make_leaf("stranger")
LAPTOP = device_fact(ANNA.id, [FIRST, RENEWED])
OTHERS = device_fact(BEN.id, [ANOTHER])


def facts(*devices: DeviceFact, generation: int = 1) -> Snapshot:
    return msgspec.structs.replace(
        company(generation, rules=RULES), devices=Devices(devices={one.id: one for one in devices})
    )


@pytest.fixture(scope="module")
def running_house() -> Iterator[House]:
    with open_house(facts(LAPTOP, OTHERS)) as house:
        yield house


@pytest.fixture
def house(running_house: House) -> House:
    generation = running_house.parts.decider.follower.basis.generation
    running_house.publish(facts(LAPTOP, OTHERS, generation=generation + 1))
    return running_house


def publish(house: House, *devices: DeviceFact) -> None:
    house.publish(facts(*devices, generation=house.parts.decider.follower.basis.generation + 1))


def cookie(house: House, app: str, device: DeviceFact | None = None) -> str:
    claims = SessionClaims(
        app=AppId(app), person=ANNA.id, session=SessionId(f"s-{ANNA.id}"), device=device.id if device else None
    )
    key = read_secret(house.instance.secrets, "session.key").reveal()
    return f"__Host-ostiary-session={sign_session(key, claims, now=time.time())}"


def ask(house: House, app: str, *, certificate: str = "", bound: DeviceFact | None = None, **more: Any) -> Any:
    headers = {"x_ostiary_device": certificate} if certificate else {}
    return house.ask(app, cookies=cookie(house, app, bound), **headers, **more)


def grant_of(reply: Any) -> dict[str, Any] | None:
    for line in reply.all("set-cookie"):
        name, _, rest = line.partition("=")
        if name == "__Host-ostiary-grant" and "Max-Age=0" not in rest:
            found: dict[str, Any] = jwt.decode(rest.partition(";")[0], options={"verify_signature": False})
            return found
    return None


class TestRules:
    @pytest.mark.parametrize(
        ("certificate", "status"),
        [
            (FIRST.fingerprint, 200),
            (RENEWED.fingerprint, 200),
            (ANOTHER.fingerprint, 200),
            ("", 403),
            (STRANGER.fingerprint, 403),
            (FIRST.fingerprint.upper(), 403),
            (FIRST.fingerprint[:-1], 403),
            ("-", 403),
            (f"{FIRST.fingerprint},{ANOTHER.fingerprint}", 403),
        ],
        ids=["own", "renewed", "another", "none", "stranger", "upper", "short", "dash", "two"],
    )
    def test_only_the_exact_certificate_makes_a_managed_device(self, house: House, certificate: str, status: int):
        assert ask(house, "payroll", certificate=certificate).status == status

    def test_whose_it_is_counts(self, house: House):
        assert ask(house, "files", certificate=FIRST.fingerprint).status == 200
        assert ask(house, "files", certificate=ANOTHER.fingerprint).status == 403

    def test_a_quarantined_device_is_known_and_not_managed(self, house: House):
        publish(house, msgspec.structs.replace(LAPTOP, active=False))
        reply = ask(house, "payroll", certificate=FIRST.fingerprint)
        assert reply.status == 403
        (unmet,) = reply.problem["unmet"]
        assert (unmet["condition"], unmet["seen"]) == ("device.managed", "false")
        seen = house.events()[-1]["unmapped"]["ostiary"]["request"]["device"]
        assert (seen["id"], seen["managed"]) == (LAPTOP.id, False)

    def test_a_quarantined_device_is_nobodys_whichever_fact_a_rule_asks_for(self, house: House):
        assert ask(house, "files", certificate=FIRST.fingerprint).status == 200
        publish(house, msgspec.structs.replace(LAPTOP, active=False))
        assert ask(house, "files", certificate=FIRST.fingerprint).status == 403
        seen = house.events()[-1]["unmapped"]["ostiary"]["request"]["device"]
        assert "key_protection" not in json.dumps(seen)

    def test_a_page_from_ones_own_device_wants_a_sign_in_that_is_bound_to_it(self, house: House):
        asked = {
            (certificate, browser): ask(house, "wiki", certificate=certificate, browser=browser).status
            for certificate in (FIRST.fingerprint, ANOTHER.fingerprint, STRANGER.fingerprint, "")
            for browser in (True, False)
        }
        assert [one for one, status in asked.items() if status != 200] == [(FIRST.fingerprint, True)]
        assert ask(house, "wiki", certificate=FIRST.fingerprint, bound=LAPTOP, browser=True).status == 200
        publish(house, msgspec.structs.replace(LAPTOP, active=False))
        assert ask(house, "wiki", certificate=FIRST.fingerprint, browser=True).status == 200, "it proves nothing"

    def test_a_device_that_nobody_knows_may_only_have_to_be_enrolled(self, house: House):
        found = {}
        for known in (LAPTOP, msgspec.structs.replace(LAPTOP, active=False)):
            publish(house, known)
            for certificate in ("", FIRST.fingerprint):
                bound = known if known.active and certificate else None
                page = ask(house, "payroll", certificate=certificate, bound=bound, browser=True)
                found[known.active, bool(certificate)] = page.status, "https://id.example.test/devices?" in page.text
        assert found == {
            (True, False): (403, True),
            (True, True): (200, False),
            (False, False): (403, True),
            (False, True): (403, False),
        }

    def test_a_certificate_is_worth_nothing_from_its_end_on(self, house: House):
        now = time.time()
        publish(house, msgspec.structs.replace(LAPTOP, certificates={FIRST.fingerprint: now - 0.001}))
        assert ask(house, "payroll", certificate=FIRST.fingerprint).status == 403
        publish(house, msgspec.structs.replace(LAPTOP, certificates={FIRST.fingerprint: now + 30}))
        reply = ask(house, "payroll", certificate=FIRST.fingerprint)
        assert reply.status == 200
        assert grant_of(reply)["exp"] <= now + 30

    def test_a_certificate_that_two_devices_claim_is_nobodys(self):
        twice = msgspec.structs.replace(OTHERS, certificates=LAPTOP.certificates)
        assert certificates_of([LAPTOP, twice]).good == {}
        assert set(certificates_of([LAPTOP, OTHERS]).good) == {*LAPTOP.certificates, *OTHERS.certificates}

    def test_one_that_ran_out_counts_while_its_device_has_a_good_one(self):
        """A browser that was not closed since shows what it chose first; the key is the one that the newest is for."""
        given = GivenCertificates.of([(STRANGER.fingerprint, LAPTOP.id), ("00" * 32, "dev-of-nobody0")])
        known = certificates_of([LAPTOP, OTHERS], given)
        ends = sorted(LAPTOP.certificates.values())
        proven = proven_device(STRANGER.fingerprint, known, ends[0] - 1)
        assert proven is not None
        assert (proven.fact, proven.ends_at) == (LAPTOP, ends[-1]), "until the newest is over"
        assert proven_device(STRANGER.fingerprint, known, ends[-1]) is None, "nobody renewed"
        assert proven_device("00" * 32, known, ends[0] - 1) is None
        quarantined = certificates_of([msgspec.structs.replace(LAPTOP, active=False)], given)
        assert active_device(STRANGER.fingerprint, quarantined, ends[0] - 1) is None
        assert proven_device(STRANGER.fingerprint, certificates_of([OTHERS], given), ends[0] - 1) is None, "lost"

    def test_the_record_names_the_device(self, house: House):
        assert ask(house, "payroll", certificate=FIRST.fingerprint).status == 200
        event = house.events()[-1]
        assert event["device"]["uid"] == LAPTOP.id
        assert event["unmapped"]["ostiary"]["request"]["device"]["attributes"] == [
            ["key_protection", "file"],
            ["own", True],
        ]

    def test_another_proxy_cannot_say_that_there_is_a_device(self, house: House):
        items = [
            ("cookie", cookie(house, "payroll")),
            ("x-ostiary-device", FIRST.fingerprint),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-host", "payroll.example.test"),
            ("x-forwarded-uri", "/"),
            ("x-forwarded-for", "192.0.2.7"),
        ]
        assert house.send("/forward-auth/caddy", items, proxy=True).status == 403


class TestBoundSessions:
    def test_it_is_good_on_the_device_by_any_of_its_certificates_and_nowhere_else(self, house: House):
        for certificate in (FIRST.fingerprint, RENEWED.fingerprint):
            assert ask(house, "wiki", certificate=certificate, bound=LAPTOP).status == 200
        for certificate in ("", STRANGER.fingerprint, ANOTHER.fingerprint):
            reply = ask(house, "wiki", certificate=certificate, bound=LAPTOP)
            assert reply.problem["reason"] == "other_device"
            assert reply.status == 401
            event = house.events()[-1]
            assert (event["status_code"], event["actor"]["user"]["uid"]) == ("other_device", ANNA.id)

    def test_a_browser_elsewhere_is_sent_to_sign_in(self, house: House):
        reply = ask(house, "wiki", bound=LAPTOP, browser=True)
        assert reply.status == 302
        assert "/continue?" in reply.one("location")

    @pytest.mark.parametrize(
        "left", [(), (msgspec.structs.replace(LAPTOP, active=False),)], ids=["lost", "quarantined"]
    )
    def test_it_ends_with_the_device(self, house: House, left: tuple[DeviceFact, ...]):
        assert ask(house, "wiki", certificate=FIRST.fingerprint, bound=LAPTOP).status == 200
        publish(house, *left)
        assert ask(house, "wiki", certificate=FIRST.fingerprint, bound=LAPTOP).problem["reason"] == "other_device"

    def test_the_callback_binds_where_a_device_is_proven(self, house: House):
        key = read_secret(house.instance.secrets, "session.key").reveal()
        begin, found = "b" * 43, {}
        for number, certificate in enumerate((FIRST.fingerprint, STRANGER.fingerprint, "")):
            query = f"/.ostiary/callback?code={house.code(ANNA, 'wiki', begin, jti=f'device-{time.time()}-{number}')}"
            more = {"x_ostiary_device": certificate} if certificate else {}
            reply = house.own("wiki", query, cookies=f"__Host-ostiary-begin={begin}", **more)
            assert reply.status == 303
            line = next(one for one in reply.all("set-cookie") if one.startswith("__Host-ostiary-session"))
            found[certificate] = read_session(key, line.partition("=")[2].partition(";")[0]).device
        assert found == {FIRST.fingerprint: LAPTOP.id, STRANGER.fingerprint: None, "": None}

    @pytest.mark.parametrize("claim", ["", 7, None, ["dev-1"]])
    def test_a_binding_that_cannot_be_read_is_no_session(self, claim: object):
        token = jwt.encode(
            {"iss": "ostiary-gateway", "aud": "wiki", "sub": "p", "sid": "s", "dev": claim},
            b"k" * 32,
            algorithm="HS256",
        )
        with pytest.raises(InvalidToken):
            read_session(b"k" * 32, token)


class TestGrants:
    def test_a_grant_names_the_certificate_of_its_connection(self, house: House):
        plain = grant_of(ask(house, "wiki"))
        assert (plain["aud"], "dev" in plain) == ("wiki", False)
        for leaf in (FIRST, RENEWED):
            bound = grant_of(ask(house, "wiki", certificate=leaf.fingerprint))
            assert (bound["aud"], bound["dev"]) == ("wiki@device", leaf.fingerprint)

    def test_a_rule_about_the_device_leaves_room_for_a_grant(self, house: House):
        assert grant_of(ask(house, "payroll", certificate=FIRST.fingerprint))["dev"] == FIRST.fingerprint

    def test_a_certificate_that_proves_no_active_device_gets_none(self, house: House):
        assert grant_of(ask(house, "wiki", certificate=STRANGER.fingerprint)) is None
        publish(house, msgspec.structs.replace(LAPTOP, active=False))
        reply = ask(house, "wiki", certificate=FIRST.fingerprint)
        assert reply.status == 200
        assert grant_of(reply) is None

    def test_the_app_is_told_of_a_managed_device_and_of_no_other(self, house: House):
        told = {}
        for certificate in (FIRST.fingerprint, STRANGER.fingerprint, "", FIRST.fingerprint):
            reply = ask(house, "wiki", certificate=certificate)
            claims = jwt.decode(reply.one("x-ostiary-assertion"), options={"verify_signature": False})
            told[certificate] = claims.get("dev"), reply.all("x-ostiary-from")
        assert told == {
            FIRST.fingerprint: (LAPTOP.id, [LAPTOP.id]),
            STRANGER.fingerprint: (None, []),
            "": (None, []),
        }
        publish(house, msgspec.structs.replace(LAPTOP, active=False))
        reply = ask(house, "wiki", certificate=FIRST.fingerprint)
        assert "dev" not in jwt.decode(reply.one("x-ostiary-assertion"), options={"verify_signature": False})
        assert reply.all("x-ostiary-from") == []


class TestUnderWay:
    REPORT = UnderWay(
        request="r1",
        method="GET",
        host="wiki.example.test",
        path="/big",
        peer="192.0.2.7:50112",
        local="192.0.2.1:443",
    )

    def verdict(self, house: House, **reported: str) -> Any:
        line = msgspec.json.encode(msgspec.structs.replace(self.REPORT, **reported))
        report = read_report(line)
        return house.parts.decider.decide_again(incoming_of(report), time.time()).decision

    def test_what_a_device_was_let_in_with_ends_with_the_device(self, house: House):
        session, proven = f"s-{ANNA.id}", FIRST.fingerprint
        on_grant = {"grant_session": session, "certificate": proven}
        decided = {"decision_session": session, "certificate": proven, "decision_device": LAPTOP.id}
        without = {"decision_session": session, "certificate": STRANGER.fingerprint}
        for one in (on_grant, decided, without, {"grant_session": session}):
            assert isinstance(self.verdict(house, **one), Allow), one
        publish(house)
        for one in (on_grant, decided):
            assert self.verdict(house, **one).reason == "other_device", one
        for one in (without, {"grant_session": session}):
            assert isinstance(self.verdict(house, **one), Allow), one


class TestSignInElsewhere:
    def reply(self, house: House, certificate: str) -> SignInReply:
        question = SignInQuestion(
            app=AppId("payroll"), person=ANNA.id, session=SessionId(f"s-{ANNA.id}"), certificate=certificate
        )
        answer = house.loop.run_until_complete(
            house.parts.sign_ins.answer("POST", body_of(msgspec.json.encode(question)))
        )
        return msgspec.json.decode(answer.body, type=SignInReply)

    def test_the_device_counts_for_apps_that_ask_the_sign_in_host(self, house: House):
        assert self.reply(house, FIRST.fingerprint).allowed
        assert not self.reply(house, "").allowed
        assert not self.reply(house, STRANGER.fingerprint).allowed


async def body_of(content: bytes) -> Any:
    yield content
