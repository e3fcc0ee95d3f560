"""Sign-ins to apps that ask the sign-in host: decided by the same rules, on record, refused with the gateway's own page."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from tests.decider_company import ANNA, APPS, BEN, CARA, House, app, company, open_house, session

from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.sign_in_question import SignInQuestion, SignInReply
from ostiary.policy.decision import Allow, Deny, ReasonCode
from ostiary.policy.identifiers import AppId, SessionId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.policy.snapshot import AppFact, PersonFact
from ostiary.visibility.adapters.audit_log import RecordUnavailable

RULES = """\
version: 1
rules:
  - name: staff-use-the-cloud
    allow: group:staff
    to: app:cloud
    do: [view]
  - name: staff-see-the-books-with-a-passkey
    allow: group:staff
    to: app:books
    do: [view]
    when: {mfa: phishing-resistant}
"""
CLOUD = AppFact(id=AppId("cloud"), host="", name="Cloud")
BOOKS = AppFact(id=AppId("books"), host="", name="Books")
FACTS = company(
    rules=RULES,
    apps=(*APPS, CLOUD, BOOKS),
    sessions=(session(ANNA), session(BEN), session(CARA), session(ANNA, seconds=-1, name="over")),
)


@pytest.fixture
def house() -> Iterator[House]:
    with open_house(FACTS) as opened:
        yield opened


def post(house: House, body: bytes, method: str = "POST") -> Answer:
    async def parts() -> AsyncIterator[bytes]:
        yield body

    assert house.parts is not None
    return house.loop.run_until_complete(house.parts.sign_ins.answer(method, parts()))


def question(who: PersonFact, to: str, **more: Any) -> SignInQuestion:
    given = {"session": SessionId(f"s-{who.id}"), "path": "/oidc/authorize", "host": "id.example.test", **more}
    return SignInQuestion(app=AppId(to), person=who.id, **given)


def ask(house: House, who: PersonFact, to: str, **more: Any) -> SignInReply:
    answer = post(house, msgspec.json.encode(question(who, to, **more)))
    assert answer.status == 200, answer.body
    return msgspec.json.decode(answer.body, type=SignInReply)


def test_who_may_sign_in_may_and_it_is_on_record(house: House) -> None:
    reply = ask(house, ANNA, "cloud", address="192.0.2.9", page=True)
    assert isinstance(reply.decision, Allow)
    assert (reply.allowed, reply.status, reply.body) == (True, 200, b"")
    (event,) = house.events()
    assert event["metadata"]["uid"] == reply.reference
    assert event["action"] == "Allowed"
    asked = event["unmapped"]["ostiary"]["request"]
    assert (asked["resource"]["app"], asked["subject"]["person"]) == ("cloud", ANNA.id)
    assert asked["context"]["address"] == "192.0.2.9"
    assert event["http_request"]["url"]["path"] == "/oidc/authorize"


def test_who_may_not_gets_the_page_that_the_gateway_shows(house: House) -> None:
    reply = ask(house, BEN, "cloud", page=True)
    assert isinstance(reply.decision, Deny)
    assert (reply.allowed, reply.status) == (False, 403)
    page = reply.body.decode()
    assert "Cloud is not open to you" in page
    assert reply.reference in page
    assert '"/static/ostiary/tokens.css' in page
    assert house.events()[-1]["action"] == "Denied"


def test_what_a_step_up_would_lift_leads_there_and_back(house: House) -> None:
    reply = ask(house, ANNA, "books", page=True, return_path="/oidc/authorize?state=1")
    assert reply.status == 302
    location = dict(reply.headers)["location"]
    assert location.startswith("https://id.example.test/step-up?need=phishing-resistant")
    assert location.endswith("&app=books&return=%2Foidc%2Fauthorize%3Fstate%3D1")


def test_nobody_is_sent_in_circles(house: House) -> None:
    statuses = [ask(house, ANNA, "books", page=True).status for _ in range(3)]
    assert statuses == [302, 302, 403]


def test_a_program_gets_the_decision_without_a_page_and_counts_as_nobodys_use(house: House) -> None:
    reply = ask(house, ANNA, "books", asked_by="oidc:books")
    assert (reply.allowed, reply.status, reply.body) == (False, 403, b"")
    assert isinstance(reply.decision, Deny)
    assert reply.decision.reason is ReasonCode.CONDITIONS_UNMET
    assert house.events()[-1]["actor"]["app_name"] == "oidc:books"


@pytest.mark.parametrize(
    ("who", "to", "more", "reason"),
    [
        (CARA, "cloud", {}, ReasonCode.PERSON_DISABLED),
        (ANNA, "cloud", {"session": SessionId("over")}, ReasonCode.SESSION_ENDED),
        (ANNA, "cloud", {"session": SessionId("never-was")}, ReasonCode.SESSION_ENDED),
        (ANNA, "cloud", {"session": SessionId(f"s-{BEN.id}")}, ReasonCode.SESSION_ENDED),
        (ANNA, "nothing", {}, ReasonCode.UNKNOWN_RESOURCE),
    ],
)
def test_what_does_not_hold_is_refused(
    house: House, who: PersonFact, to: str, more: dict[str, Any], reason: ReasonCode
) -> None:
    reply = ask(house, who, to, page=True, **more)
    assert isinstance(reply.decision, Deny)
    assert (reply.decision.reason, reply.allowed) == (reason, False)
    assert house.events()[-1]["action"] == "Denied"


@pytest.mark.parametrize("limits", [{"longest_seconds": 3600}, {"idle_seconds": 3600}])
def test_an_apps_own_limits_hold_for_signing_in_to_it(house: House, limits: dict[str, int]) -> None:
    """The last proof is older than the app takes; nobody may sign in, and a program may not go on, without a new one."""
    limited = msgspec.structs.replace(CLOUD, **limits)
    old, new = session(ANNA, name="old"), session(ANNA, name="new")
    at = {"old": time.time() - 3601, "new": time.time() - 60}
    old, new = (
        msgspec.structs.replace(
            one, authentications=(Authentication("totp", AuthStrength.OTP, at[one.id]),), created_at=at["old"]
        )
        for one in (old, new)
    )
    house.publish(company(2, rules=RULES, apps=(limited,), sessions=(old, new)))
    refused = ask(house, ANNA, "cloud", session=old.id, page=True)
    assert isinstance(refused.decision, Deny)
    assert refused.decision.reason in {ReasonCode.PROOF_TOO_OLD, ReasonCode.SESSION_IDLE}
    assert b"/step-up?need=any" in refused.body
    assert not ask(house, ANNA, "cloud", session=old.id, asked_by="oidc:cloud").allowed
    allowed = ask(house, ANNA, "cloud", session=new.id, page=True).decision
    assert isinstance(allowed, Allow)
    assert allowed.valid_until is not None
    assert allowed.valid_until <= at["new"] + 3600


def test_rules_that_cannot_be_used_let_nobody_in() -> None:
    with open_house(company(rules="version: 1\nrules: [", apps=(CLOUD,))) as house:
        assert not ask(house, ANNA, "cloud", page=True).allowed


def test_what_cannot_be_recorded_is_not_answered(house: House) -> None:
    assert house.parts is not None
    with patch.object(house.parts.audit, "append", side_effect=RecordUnavailable("full")):
        answer = post(house, msgspec.json.encode(question(ANNA, "cloud")))
    assert answer.status == 503


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"app":1,"person":"x","session":"y"}', b"\xff"])
def test_nonsense_is_no_question(house: House, body: bytes) -> None:
    assert post(house, body).status == 400
    assert house.events() == []


def test_only_questions_of_a_length_are_read(house: House) -> None:
    assert post(house, b" " * 70_000).status == 413
    assert post(house, b"", "GET").status == 405


def test_an_app_elsewhere_has_no_host_at_the_gateway(house: House) -> None:
    """A request whose host cannot be read must not become one for an app that has none."""
    for host in ("", "cloud.example.test"):
        reply = house.send("/check/", [("host", host), ("sec-fetch-mode", "navigate"), ("accept", "text/html")])
        assert reply.status == 404


def test_an_emergency_sign_in_opens_no_app(house: House) -> None:
    proofs = (Authentication(method="break_glass", strength=AuthStrength.SINGLE, at=session(ANNA).created_at),)
    emergency = msgspec.structs.replace(session(ANNA, name="glass"), authentications=proofs)
    house.publish(company(2, rules=RULES, apps=(CLOUD, app("wiki")), sessions=(emergency,)))
    assert not ask(house, ANNA, "cloud", session=SessionId("glass")).allowed
