"""Signals of a trusted transmitter: checked, taken once, acted on as far as it may; all at once is held."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from tests.identity_people import MACHINE
from tests.signal_site import Program, make_plain_person, switch_on
from tests.signal_transmitter import AUDIENCE, CAEP, RISC, SSF, TOKEN, ForeignTransmitter, by_account, by_email

from ostiary.identity.client import Client
from ostiary.identity.domain.proofs import proof
from ostiary.identity.facade import disable_person, enable_person, get_person, list_sessions
from ostiary.identity.models import DirectoryLink, DirectoryProvider, Person
from ostiary.identity.services.sessions import begin_session
from ostiary.policy.identifiers import PersonId
from ostiary.signals.adapters.keys import forget_documents
from ostiary.signals.facade import (
    NothingHeld,
    Outcome,
    UnusableTransmitter,
    add_transmitter,
    ask_for_verification,
    create_stream_there,
    discard_signals,
    get_transmitter,
    list_signals,
    poll_transmitters,
    release_signals,
    tell_administrators,
)
from ostiary.signals.models import Received, ShutAccount, StoredTransmitter

pytestmark = pytest.mark.django_db
REVOKED = f"{CAEP}session-revoked"
NEWEST = {"page_size": 1}


@pytest.fixture(scope="module")
def foreign() -> Iterator[ForeignTransmitter]:
    there = ForeignTransmitter()
    yield there
    there.stop()


@pytest.fixture(autouse=True)
def _on(monkeypatch: pytest.MonkeyPatch, foreign: ForeignTransmitter) -> None:
    switch_on(monkeypatch)
    forget_documents()
    foreign.queue, foreign.acknowledged, foreign.errors = {}, [], {}


def trust(foreign: ForeignTransmitter, *, may: str = "disable", **more: Any) -> Program:
    added = add_transmitter(
        "okta",
        issuer=foreign.issuer,
        audience=AUDIENCE,
        may=may,
        email_domains=("example.test",),
        actor=MACHINE,
        **more,
    )
    return Program(added.token)


def signed_in(address: str, *, groups: tuple[str, ...] = (), times: int = 1) -> PersonId:
    person, now = make_plain_person(address, *groups), time.time()
    for _ in range(times):
        proofs = (proof("password", at=now), proof("totp", at=now))
        begin_session(person_id=person, authentications=proofs, client=Client("192.0.2.5", "x"), now=now)
    return person


def sign_ins(person: PersonId) -> int:
    return list_sessions(person_id=person).total


def newest() -> Any:
    return list_signals(**NEWEST).items[0]


def test_a_revoked_session_ends_here_and_the_same_signal_is_taken_once(foreign: ForeignTransmitter) -> None:
    okta, ada = trust(foreign, may="end-sessions"), signed_in("ada@example.test", times=2)
    event = foreign.event(REVOKED, by_email("ADA@example.test"), {"reason_admin": {"en": "stolen laptop"}})
    assert okta.send("okta", event).status_code == 202
    assert sign_ins(ada) == 0
    assert (newest().outcome, newest().email, newest().words) == (
        Outcome.SESSIONS_ENDED,
        "ada@example.test",
        "stolen laptop",
    )
    now = time.time()
    begin_session(person_id=ada, authentications=(proof("password", at=now),), client=Client("192.0.2.5", "x"), now=now)
    assert okta.send("okta", event).status_code == 202
    assert (sign_ins(ada), list_signals().total) == (1, 1), "a replay is acknowledged, and does nothing"


def test_a_single_session_of_ours_ends_alone(foreign: ForeignTransmitter) -> None:
    okta, ada = trust(foreign), signed_in("ada@example.test", times=2)
    one = list_sessions(person_id=ada).items[0].id
    subject = {"format": "complex", "user": by_email("ada@example.test"), "session": {"format": "opaque", "id": one}}
    assert okta.send("okta", foreign.event(REVOKED, subject)).status_code == 202
    assert sign_ins(ada) == 1
    assert one not in {each.id for each in list_sessions(person_id=ada).items}
    theirs = {**subject, "session": {"format": "opaque", "id": "dMTlD|1600802906337.16"}}
    assert okta.send("okta", foreign.event(REVOKED, theirs)).status_code == 202
    assert sign_ins(ada) == 0, "a session that only they know may be any of ours"


def test_a_linked_account_names_somebody_and_another_issuers_does_not(foreign: ForeignTransmitter) -> None:
    okta, ada = trust(foreign), signed_in("ada@elsewhere.test")
    there = DirectoryProvider.objects.create(
        id="work",
        preset="oidc",
        name="Work",
        issuer=f"{foreign.issuer}/",
        client_id="x",
        created_at="2026-01-01T00:00Z",
    )
    more = {"provider": there, "person_id": ada, "linked_at": "2026-01-01T00:00Z"}
    DirectoryLink.objects.create(issuer=f"{foreign.issuer}/", subject="00u1", **more)
    other = signed_in("bo@elsewhere.test")
    DirectoryLink.objects.create(issuer="https://other.test", subject="00u1", **{**more, "person_id": other})
    for subject in (
        by_account("https://other.test", "00u1"),
        by_account(foreign.issuer, "00u2"),
        {"format": "opaque", "id": "x"},
    ):
        assert okta.send("okta", foreign.event(REVOKED, subject)).status_code == 202, "unknown ones are acknowledged"
        assert newest().outcome is Outcome.UNKNOWN_SUBJECT
    assert okta.send("okta", foreign.event(REVOKED, by_account(foreign.issuer, "00u1"))).status_code == 202
    assert (sign_ins(ada), sign_ins(other)) == (0, 1)


def test_an_address_names_nobody_outside_its_domains_or_unconfirmed(foreign: ForeignTransmitter) -> None:
    okta, far, near = trust(foreign), signed_in("far@elsewhere.test"), signed_in("near@example.test")
    Person.objects.filter(pk=near).update(email_confirmed_at=None)
    for address in ("far@elsewhere.test", "near@example.test"):
        assert okta.send("okta", foreign.event(REVOKED, by_email(address))).status_code == 202
    assert (sign_ins(far), sign_ins(near)) == (1, 1)


@pytest.mark.parametrize(
    ("event", "payload", "ends"),
    [
        ("credential-change", {"credential_type": "password", "change_type": "update"}, True),
        ("credential-change", {"credential_type": "fido2-roaming", "change_type": "create"}, False),
        ("credential-change", {"credential_type": "x509", "change_type": "revoke"}, True),
        ("device-compliance-change", {"previous_status": "compliant", "current_status": "not-compliant"}, True),
        ("device-compliance-change", {"previous_status": "not-compliant", "current_status": "compliant"}, False),
        ("assurance-level-change", {"namespace": "NIST-AAL", "current_level": "nist-aal1", "change_direction": "decrease"}, True),
        ("assurance-level-change", {"namespace": "NIST-AAL", "current_level": "nist-aal2", "change_direction": "increase"}, False),
        ("session-established", {"ips": ["192.0.2.1"]}, False),
    ],
)  # fmt: skip
def test_what_each_event_brings_about(foreign: ForeignTransmitter, event: str, payload: Any, ends: bool) -> None:
    okta, ada = trust(foreign, may="end-sessions"), signed_in("ada@example.test")
    subject = {
        "format": "complex", "user": by_email("ada@example.test"), "device": by_account(foreign.issuer, "laptop-1"),
    }  # fmt: skip
    assert okta.send("okta", foreign.event(f"{CAEP}{event}", subject, payload)).status_code == 202
    assert sign_ins(ada) == (0 if ends else 1)
    assert newest().outcome is (Outcome.SESSIONS_ENDED if ends else Outcome.RECORDED)


def test_an_account_is_disabled_and_enabled_by_whom_it_was_disabled(foreign: ForeignTransmitter) -> None:
    okta, ada, bo = trust(foreign), signed_in("ada@example.test"), signed_in("bo@example.test")
    off, on = f"{RISC}account-disabled", f"{RISC}account-enabled"
    assert (
        okta.send("okta", foreign.event(off, by_email("ada@example.test"), {"reason": "hijacking"})).status_code == 202
    )
    assert (get_person(ada).active, sign_ins(ada)) == (False, 0)
    assert okta.send("okta", foreign.event(on, by_email("ada@example.test"))).status_code == 202
    assert (get_person(ada).active, newest().outcome) == (True, Outcome.ENABLED)
    disable_person(person_id=bo, reason="by hand", actor=MACHINE)
    assert okta.send("okta", foreign.event(on, by_email("bo@example.test"))).status_code == 202
    assert get_person(bo).active is False, "whom somebody else disabled stays disabled"
    assert okta.send("okta", foreign.event(off, by_email("ada@example.test"))).status_code == 202
    enable_person(person_id=ada, actor=MACHINE)
    assert not ShutAccount.objects.exists()


def test_it_does_no_more_than_it_may(foreign: ForeignTransmitter) -> None:
    okta, ada = trust(foreign, may="record"), signed_in("ada@example.test")
    off = f"{RISC}account-disabled"
    for event in (REVOKED, off):
        assert okta.send("okta", foreign.event(event, by_email("ada@example.test"))).status_code == 202
    assert (sign_ins(ada), newest().outcome) == (1, Outcome.RECORDED)
    StoredTransmitter.objects.update(may="end-sessions")
    assert okta.send("okta", foreign.event(off, by_email("ada@example.test"))).status_code == 202
    assert (get_person(ada).active, sign_ins(ada)) == (True, 0)


def test_administrators_are_signed_out_and_not_disabled_unless_that_is_allowed(foreign: ForeignTransmitter) -> None:
    okta = trust(foreign)
    root = signed_in("root@example.test", groups=("administrators",))
    second = signed_in("second@example.test", groups=("administrators",))
    off = f"{RISC}account-disabled"
    assert okta.send("okta", foreign.event(off, by_email("root@example.test"))).status_code == 202
    assert (get_person(root).active, sign_ins(root)) == (True, 0)
    StoredTransmitter.objects.update(may_disable_administrators=True)
    assert okta.send("okta", foreign.event(off, by_email("root@example.test"))).status_code == 202
    assert get_person(root).active is False
    assert okta.send("okta", foreign.event(off, by_email("second@example.test"))).status_code == 202
    assert (get_person(second).active, sign_ins(second)) == (True, 0), "the last administrator stays"


def test_too_many_at_once_are_held_told_and_let_through_or_thrown_away(foreign: ForeignTransmitter) -> None:
    okta = trust(foreign)
    signed_in("root@example.test", groups=("administrators",))
    people = [signed_in(f"p{number}@example.test") for number in range(6)]

    def revoke(number: int) -> None:
        event = foreign.event(REVOKED, by_email(f"p{number}@example.test"))
        assert okta.send("okta", event).status_code == 202

    for number in range(6):
        revoke(number)
    assert [sign_ins(one) for one in people] == [0, 0, 0, 1, 1, 1], "three are never too many"
    revoke(0)
    assert (get_transmitter("okta").held, newest().outcome) == (4, Outcome.HELD)
    mail.outbox.clear()
    assert (tell_administrators(), tell_administrators()) == (1, 0), "once"
    (letter,) = mail.outbox
    assert letter.to == ["root@example.test"]
    assert "/signals/transmitters/okta/" in letter.body
    assert release_signals("okta", actor=MACHINE) == 4
    assert [sign_ins(one) for one in people] == [0] * 6
    with pytest.raises(NothingHeld):
        release_signals("okta", actor=MACHINE)
    others = [signed_in(f"q{number}@example.test") for number in range(4)]
    for number in range(4):
        event = foreign.event(REVOKED, by_email(f"q{number}@example.test"))
        assert okta.send("okta", event).status_code == 202
    assert discard_signals("okta", actor=MACHINE) == 1
    assert [sign_ins(one) for one in others] == [0, 0, 0, 1]


def bottomless(signed: str) -> str:
    """Return a token whose header is nested deeper than anybody can read, with the claims and a signature of another."""
    header = base64.urlsafe_b64encode(b'{"alg": "RS256", "x": ' + b"[" * 20_000).decode().rstrip("=")
    return f"{header}.{signed.split('.')[1]}.AAAA"


def nested(depth: int) -> dict[str, Any]:
    return {"x": nested(depth - 1)} if depth else {}


def bad_tokens(foreign: ForeignTransmitter) -> dict[str, tuple[str, str]]:
    about, now = by_email("ada@example.test"), int(time.time())
    good = foreign.claims(REVOKED, about)
    other = ForeignTransmitter()
    other.stop()
    short = foreign.sign(good).rsplit(".", 1)
    return {
        "another issuer": ("invalid_issuer", foreign.event(REVOKED, about, iss="https://evil.test")),
        "another audience": ("invalid_audience", foreign.event(REVOKED, about, aud="https://other.test")),
        "no audience": ("invalid_audience", foreign.event(REVOKED, about, aud=None)),
        "an end": ("invalid_request", foreign.event(REVOKED, about, exp=now + 60)),
        "a sub": ("invalid_request", foreign.event(REVOKED, about, sub="ada")),
        "no identifier": ("invalid_request", foreign.event(REVOKED, about, jti=None)),
        "no subject": ("invalid_request", foreign.event(REVOKED, None)),
        "from the future": ("invalid_request", foreign.event(REVOKED, about, iat=now + 3600)),
        "too old": ("invalid_request", foreign.event(REVOKED, about, iat=now - 90 * 86400)),
        "two events": ("invalid_request", foreign.event(REVOKED, about, events={REVOKED: {}, f"{CAEP}x": {}})),
        "no event": ("invalid_request", foreign.event(REVOKED, about, events={})),
        "an ID token": ("invalid_request", foreign.sign(good, typ="JWT")),
        "no type": ("invalid_request", foreign.sign(good, typ=None)),
        "another key": ("invalid_key", foreign.sign(good, key=other.keys[other.kid])),
        "an unknown key": ("invalid_key", foreign.sign(good, key=other.keys[other.kid], kid=other.kid)),
        "a shared secret": ("invalid_key", foreign.sign(good, key="x" * 40, algorithm="HS256")),
        "cut": ("invalid_key", f"{short[0]}.{short[1][:-8]}AAAAAAAA"),
        "garbage": ("invalid_request", "a.b.c"),
        "nothing": ("invalid_request", ""),
        "half a character": ("invalid_request", foreign.event(REVOKED, about, {"reason_admin": {"en": "\ud800"}})),
        "no character": ("invalid_request", foreign.event(REVOKED, by_email("a\x00@example.test"))),
        "an event that is none": ("invalid_request", foreign.event(f"{CAEP}\x00", about)),
        "a header to be understood": ("invalid_request", foreign.sign(good, crit=["exp"], exp=now + 60)),
        "a bottomless header": ("invalid_request", bottomless(short[0])),
        "a bottomless event": ("invalid_request", foreign.event(REVOKED, about, nested(40))),
        "a wrong change": ("invalid_request", foreign.event(f"{CAEP}credential-change", about, {"change_type": "eat"})),
    }


def test_what_is_not_as_it_must_be_is_refused_and_does_nothing(foreign: ForeignTransmitter) -> None:
    okta, ada = trust(foreign), signed_in("ada@example.test")
    for what, (code, token) in bad_tokens(foreign).items():
        answer = okta.send("okta", token)
        assert (answer.status_code, answer.json()["err"]) == (400, code), what
    assert (sign_ins(ada), Received.objects.count()) == (1, 0)
    assert "refused" in get_transmitter("okta").problem
    good = foreign.event(REVOKED, by_email("ada@example.test"))
    for stranger in (Program(), Program("ostiary_wrong")):
        assert stranger.send("okta", good).status_code == 401
    assert okta.send("another", good).status_code == 401
    wrong_kind = okta.client.generic("POST", "/ssf/events/okta", good, content_type="application/jwt")
    assert wrong_kind.status_code == 400
    assert okta.send("okta", good).status_code == 202
    assert get_transmitter("okta").problem == ""


def test_a_new_key_is_found_and_an_old_one_counts_no_more(foreign: ForeignTransmitter) -> None:
    okta = trust(foreign)
    about = by_email("ada@example.test")
    assert okta.send("okta", foreign.event(REVOKED, about)).status_code == 202
    before = foreign.keys[foreign.kid], foreign.kid
    foreign.change_key()
    forget_documents()
    assert okta.send("okta", foreign.event(REVOKED, about)).status_code == 202
    old = foreign.sign(foreign.claims(REVOKED, about), key=before[0], kid=before[1])
    assert okta.send("okta", old).json()["err"] == "invalid_key"


def test_older_tokens_are_taken_where_that_is_said(foreign: ForeignTransmitter) -> None:
    okta, ada = trust(foreign, older_form=True, by_signature=True), signed_in("ada@example.test")
    subject = {"subject_type": "email", "email": "ada@example.test"}
    claims = foreign.claims(f"{RISC}sessions-revoked", None, {"subject": subject})
    assert Program().send("okta", foreign.sign(claims, typ="JWT")).status_code == 202
    assert sign_ins(ada) == 0
    del okta


def test_events_are_fetched_acknowledged_and_refused(foreign: ForeignTransmitter) -> None:
    trust(foreign, management_token=TOKEN)
    ada = signed_in("ada@example.test")
    made = create_stream_there("okta", delivery="poll", actor=MACHINE)
    assert (made.stream_id, made.delivery) == ("stream-1", "poll")
    assert f"{CAEP}device-compliance-change" in foreign.stream["events_requested"]
    good = foreign.told(REVOKED, by_email("ada@example.test"))
    foreign.queue["bad"] = foreign.event(REVOKED, None)
    assert poll_transmitters(now=time.time()) == 1
    assert sign_ins(ada) == 0
    assert foreign.acknowledged == [good]
    assert foreign.errors["bad"]["err"] == "invalid_request"
    assert foreign.queue == {}
    assert poll_transmitters(now=time.time()) == 0, "not before its time"
    with pytest.raises(UnusableTransmitter):
        create_stream_there("okta", delivery="push", actor=MACHINE)


def test_a_verification_arrives_with_the_state_that_was_asked_for(foreign: ForeignTransmitter) -> None:
    trust(foreign, management_token=TOKEN)
    create_stream_there("okta", delivery="push", actor=MACHINE)
    delivery = foreign.stream["delivery"]
    assert delivery["endpoint_url"].endswith("/ssf/events/okta")
    okta = Program(delivery["authorization_header"].removeprefix("Bearer "))
    ask_for_verification("okta", actor=MACHINE)
    (asked,) = foreign.verifications
    stream = {"format": "opaque", "id": "stream-1"}
    wrong = foreign.event(f"{SSF}verification", stream, {"state": "something else"})
    assert okta.send("okta", wrong).json()["err"] == "invalid_state"
    assert get_transmitter("okta").verified_at is None
    assert okta.send("okta", foreign.event(f"{SSF}verification", stream, {"state": asked["state"]})).status_code == 202
    assert get_transmitter("okta").verified_at is not None
    paused = foreign.event(f"{SSF}stream-updated", stream, {"status": "paused"})
    assert okta.send("okta", paused).status_code == 202
    assert get_transmitter("okta").status == "paused"
