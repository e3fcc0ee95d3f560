"""Receivers make, read, change and delete streams, and hear what happens: sent or fetched, in order, none lost and none twice."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from django.conf import settings
from tests.identity_people import MACHINE
from tests.running_upstreams import Server
from tests.signal_site import Program, make_plain_person, switch_on
from tests.signal_transmitter import CAEP, RISC, SSF

from ostiary.identity.client import Client
from ostiary.identity.domain.proofs import proof
from ostiary.identity.facade import (
    disable_person,
    enable_person,
    reset_sign_in,
    revoke_session,
    revoke_sessions_of,
    unsafe_provision_totp,
)
from ostiary.identity.services.authenticators import add_passkey, remove_authenticator
from ostiary.identity.services.sessions import add_proof, begin_session
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.signals.facade import (
    Status,
    add_receiver,
    change_status_here,
    deliver_signals,
    get_stream,
    list_streams,
    revoke_receiver,
    verify_stream,
)
from ostiary.signals.models import Outgoing, StoredStream

pytestmark = pytest.mark.django_db
AUDIENCE = "https://crm.example.com"
POLL = {"delivery": {"method": "urn:ietf:rfc:8936"}}
REVOKED = f"{CAEP}session-revoked"


class Endpoint(Server):
    """Where events are sent to: says what it is told to, and remembers what came."""

    def __init__(self) -> None:
        super().__init__(lambda _path: (202, [], b""))
        self.taken: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(autouse=True)
def _on(monkeypatch: pytest.MonkeyPatch) -> None:
    switch_on(monkeypatch, queue_events=5)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    yield server
    server.stop()


def receiver(name: str = "crm", **more: Any) -> Program:
    return Program(add_receiver(name, audience=AUDIENCE, actor=MACHINE, **more).token)


def made(program: Program, content: Any = POLL) -> dict[str, Any]:
    answer = program.ask("POST", "/ssf/streams", content)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def sign_in(person: PersonId, *methods: str) -> SessionId:
    now = time.time()
    proofs = tuple(proof(one, at=now) for one in methods or ("password", "totp"))
    return begin_session(person_id=person, authentications=proofs, client=Client("192.0.2.5", "x"), now=now).id


def polled(program: Program, stream: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    """Return the claims of what waits, by identifier, after their signature was checked with the published key."""
    path = "/ssf/poll/" + stream["stream_id"]
    assert stream["delivery"]["endpoint_url"].endswith(path)
    answer = program.ask("POST", path, {"returnImmediately": True, **more})
    assert answer.status_code == 200, answer.content
    return {jti: checked(token) for jti, token in answer.json()["sets"].items()}


def checked(token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("RS256", "secevent+jwt")
    keys = Program().ask("GET", "/ssf/jwks.json").json()["keys"]
    (key,) = [one for one in keys if one["kid"] == header["kid"]]
    return dict(jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience=AUDIENCE))


def types(claims: dict[str, dict[str, Any]]) -> list[str]:
    return [next(iter(one["events"])).rpartition("/")[2] for one in claims.values()]


def test_what_is_offered_can_be_found_by_anybody() -> None:
    found = Program().ask("GET", "/.well-known/ssf-configuration").json()
    base = settings.INSTANCE.url(settings.INSTANCE.identity_host, "")
    assert found["issuer"] == base
    assert found["spec_version"] == "1_0"
    assert {"urn:ietf:rfc:8935", "urn:ietf:rfc:8936"} == set(found["delivery_methods_supported"])
    assert {"spec_urn": "urn:ietf:rfc:6749"} in found["authorization_schemes"]
    for name in ("jwks_uri", "configuration_endpoint", "status_endpoint", "verification_endpoint"):
        assert found[name].startswith(f"{base}/ssf/"), name
    (key,) = Program().ask("GET", "/ssf/jwks.json").json()["keys"]
    assert (key["kty"], key["use"]) == ("RSA", "sig")
    assert len(base64.urlsafe_b64decode(key["n"] + "==")) * 8 >= 2048
    assert "d" not in key


def test_nothing_is_there_where_signals_are_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    crm = receiver()
    switch_on(monkeypatch)
    off = type(settings.INSTANCE.configuration.signals)()
    changed = type(settings.INSTANCE.configuration)(domain="example.test", signals=off)
    monkeypatch.setattr(settings, "INSTANCE", type(settings.INSTANCE)(settings.INSTANCE.home, changed))
    for path in ("/.well-known/ssf-configuration", "/ssf/jwks.json", "/ssf/streams"):
        assert crm.ask("GET", path).status_code == 404
    assert crm.send("okta", "a.b.c").status_code == 404
    disable_person(person_id=make_plain_person("ada@example.test"), reason="left", actor=MACHINE)
    assert not Outgoing.objects.exists()


def test_a_stream_is_made_read_changed_replaced_and_deleted() -> None:
    crm = receiver(push_to="https://crm.example.com")
    assert crm.ask("GET", "/ssf/streams").json() == []
    push = {
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": "https://crm.example.com/in",
        "authorization_header": "Bearer s3cret",
    }
    stream = made(crm, {"delivery": push, "events_requested": [REVOKED, "urn:example:other"], "description": "CRM"})
    assert stream["events_delivered"] == [REVOKED]
    assert stream["aud"] == AUDIENCE
    assert "s3cret" not in json.dumps(crm.ask("GET", "/ssf/streams").json()), "what was entrusted is not told back"
    assert "s3cret" not in StoredStream.objects.get().sealed_header
    place = f"/ssf/streams?stream_id={stream['stream_id']}"
    assert crm.ask("GET", place).json() == stream
    changed = crm.ask(
        "PATCH", "/ssf/streams", {"stream_id": stream["stream_id"], "iss": stream["iss"], "description": "New"}
    )
    assert changed.json() == {**stream, "description": "New"}
    wrong = crm.ask("PATCH", "/ssf/streams", {"stream_id": stream["stream_id"], "aud": "https://other.test"})
    assert wrong.status_code == 400
    replaced = crm.ask("PUT", "/ssf/streams", {"stream_id": stream["stream_id"], **POLL}).json()
    assert not {"events_requested", "description"} & replaced.keys()
    assert len(replaced["events_delivered"]) == 5
    assert crm.ask("DELETE", place).status_code == 204
    assert crm.ask("DELETE", place).status_code == 404
    wrong_way = crm.ask("FROB", "/ssf/streams")
    assert (wrong_way.status_code, wrong_way["Allow"]) == (405, "GET, POST, PATCH, PUT, DELETE")


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/in", "https://crm.example.com.evil.test/in", "https://crm.example.com@evil.test/",
        "https://evil.test/", "https://169.254.169.254/", "http://127.0.0.1:8080/", "file:///etc/passwd", "https://",
        "https://crm.example.com:444/in", "https://crm.example.com/in#x", "https://crm.example.com/\r\nHost: x", 7, None,
    ],
)  # fmt: skip
def test_events_are_sent_where_an_administrator_allowed_it_and_nowhere_else(url: Any) -> None:
    crm = receiver(push_to="https://crm.example.com/anything")
    delivery = {"method": "urn:ietf:rfc:8935", "endpoint_url": url}
    assert crm.ask("POST", "/ssf/streams", {"delivery": delivery}).status_code == 400
    siem = receiver("siem")
    assert (
        siem.ask(
            "POST", "/ssf/streams", {"delivery": {**delivery, "endpoint_url": "https://crm.example.com/in"}}
        ).status_code
        == 400
    )


@pytest.mark.parametrize(
    "body",
    [
        {"delivery": {}},
        {"delivery": "x"},
        {"events_requested": "x"},
        {"events_requested": [1]},
        {"events_requested": ["\x00"]},
        {"events_requested": ["x" * 501]},
        {"description": "\x00"},
    ],
)
def test_what_cannot_be_read_is_refused(body: Any) -> None:
    crm = receiver()
    assert crm.ask("POST", "/ssf/streams", body).status_code == 400
    for path in ("/ssf/status", "/ssf/verify", "/ssf/subjects/add"):
        assert crm.ask("POST", path, {}).status_code == 400
        assert crm.ask("POST", path, {"stream_id": "none", "status": "paused"}).status_code == 404
    for text in (b"[", b"[" * 100_000, b'{"description": "\\ud800"}', b'{"events_requested": ["\\ud800"]}'):
        assert crm.client.generic("POST", "/ssf/streams", text, content_type="application/json").status_code == 400


def test_nobody_without_a_token_and_nobody_elses_stream() -> None:
    crm, siem = receiver(), receiver("siem")
    stream = made(crm)
    place = f"/ssf/streams?stream_id={stream['stream_id']}"
    for stranger in (Program(), Program("ostiary_x"), Program("a~b~c")):
        for method, path in (("GET", place), ("POST", "/ssf/streams"), ("POST", f"/ssf/poll/{stream['stream_id']}")):
            assert stranger.ask(method, path).status_code == 401, (method, path)
    assert siem.ask("GET", place).status_code == 404
    assert siem.ask("DELETE", place).status_code == 404
    assert siem.ask("POST", f"/ssf/poll/{stream['stream_id']}", {}).status_code == 404
    revoke_receiver("crm", actor=MACHINE)
    assert crm.ask("GET", place).status_code == 401
    assert not StoredStream.objects.exists()


def test_a_token_for_an_hour_is_given_for_name_and_token() -> None:
    added = add_receiver("crm", audience=AUDIENCE, actor=MACHINE)
    asking = Program().client
    form = {"grant_type": "client_credentials", "client_id": "crm", "client_secret": added.token}
    given = asking.post("/ssf/token", form).json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
    assert Program(given["access_token"]).ask("GET", "/ssf/streams").status_code == 200
    pair = base64.b64encode(f"crm:{added.token}".encode()).decode()
    basic = asking.post("/ssf/token", {"grant_type": "client_credentials"}, HTTP_AUTHORIZATION=f"Basic {pair}")
    assert basic.status_code == 200
    assert asking.post("/ssf/token", {**form, "client_secret": "x"}).status_code == 401
    assert asking.post("/ssf/token", {**form, "grant_type": "password"}).status_code == 400
    revoke_receiver("crm", actor=MACHINE)
    assert Program(given["access_token"]).ask("GET", "/ssf/streams").status_code == 401


def test_what_happens_to_somebody_is_told_each_in_its_event() -> None:
    crm = receiver()
    stream, ada = made(crm), make_plain_person("ada@example.test")
    base = settings.INSTANCE.url(settings.INSTANCE.identity_host, "")
    session = sign_in(ada)
    revoke_session(session_id=session, reason="lost laptop", actor=MACHINE)
    ((jti, told),) = polled(crm, stream).items()
    assert told["jti"] == jti
    assert told["iss"] == base
    assert told["sub_id"] == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": base, "sub": ada},
        "session": {"format": "opaque", "id": session},
    }
    assert told["events"][REVOKED]["reason_admin"] == {"en": "lost laptop"}
    assert not {"exp", "sub"} & told.keys()

    def after(*, acknowledged: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return polled(crm, stream, ack=list(acknowledged))

    sign_in(ada)
    revoke_sessions_of(person_id=ada, reason="", actor=MACHINE)
    all_of_them = after(acknowledged={jti: told})
    ((_, told),) = all_of_them.items()
    assert told["sub_id"] == {"format": "iss_sub", "iss": base, "sub": ada}
    assert told["events"][REVOKED]["reason_admin"]["en"]
    disable_person(person_id=ada, reason="left", actor=MACHINE)
    seen = after(acknowledged=all_of_them)
    assert types(seen) == ["account-disabled", "session-revoked"]
    assert len({one["txn"] for one in seen.values()}) == 1
    enable_person(person_id=ada, actor=MACHINE)
    seen = after(acknowledged=seen)
    assert types(seen) == ["account-enabled"]
    unsafe_provision_totp(person_id=ada, actor=MACHINE)
    row = add_passkey(person_id=ada, credential={}, name="Key", actor=MACHINE)
    remove_authenticator(person_id=ada, authenticator_id=str(row.pk), actor=MACHINE)
    seen = after(acknowledged=seen)
    changes = [one["events"][f"{CAEP}credential-change"] for one in seen.values()]
    assert [(one["credential_type"], one["change_type"]) for one in changes] == [
        ("app", "create"), ("fido2-roaming", "create"), ("fido2-roaming", "delete"),
    ]  # fmt: skip
    reset_sign_in(person_id=ada, reason="lost telephone", actor=MACHINE)
    assert types(after(acknowledged=seen)) == ["credential-change", "session-revoked"]


def test_proving_more_in_a_sign_in_is_told() -> None:
    crm = receiver(subject_format="email")
    stream, ada = made(crm), make_plain_person("ada@example.test")
    unsafe_provision_totp(person_id=ada, actor=MACHINE)
    Outgoing.objects.all().delete()
    session = sign_in(ada)
    now = time.time()
    for method in ("totp", "webauthn", "totp"):
        add_proof(session_id=session, authentication=proof(method, at=now), client=Client("192.0.2.5", "x"))
    (told,) = polled(crm, stream).values()
    event = told["events"][f"{CAEP}assurance-level-change"]
    assert (event["previous_level"], event["current_level"], event["change_direction"]) == ("otp", "pop", "increase")
    assert told["sub_id"]["user"] == {"format": "email", "email": "ada@example.test"}


def test_who_is_left_out_is_not_told_of_until_they_are_added_again() -> None:
    crm = receiver()
    stream, ada = made(crm), make_plain_person("ada@example.test")
    about = {"stream_id": stream["stream_id"], "subject": {"format": "email", "email": "ada@example.test"}}
    assert crm.ask("POST", "/ssf/subjects/remove", about).status_code == 204
    disable_person(person_id=ada, reason="", actor=MACHINE)
    assert polled(crm, stream) == {}
    assert crm.ask("POST", "/ssf/subjects/add", about).status_code == 200
    enable_person(person_id=ada, actor=MACHINE)
    assert types(polled(crm, stream)) == ["account-enabled"]
    nobody = {**about, "subject": {"format": "email", "email": "nobody@example.test"}}
    assert crm.ask("POST", "/ssf/subjects/remove", nobody).status_code == 204, "who there is, is not told"
    assert crm.ask("POST", "/ssf/subjects/remove", {**about, "subject": "ada"}).status_code == 400


def test_a_paused_stream_keeps_a_disabled_one_forgets_and_a_full_one_says_what_it_dropped() -> None:
    crm = receiver(events=("account-enabled", "account-disabled"))
    stream, ada = made(crm), make_plain_person("ada@example.test")
    at = {"stream_id": stream["stream_id"]}
    assert crm.ask("POST", "/ssf/status", {**at, "status": "paused", "reason": "moving"}).json() == {
        **at, "status": "paused", "reason": "moving",
    }  # fmt: skip
    for _ in range(4):
        disable_person(person_id=ada, reason="", actor=MACHINE)
        enable_person(person_id=ada, actor=MACHINE)
    assert polled(crm, stream) == {}
    (kept,) = list_streams()
    assert (kept.waiting, kept.dropped) == (5, 3)
    assert crm.ask("POST", "/ssf/status", {**at, "status": "enabled"}).status_code == 200
    seen = polled(crm, stream, maxEvents=2)
    assert types(seen) == ["account-disabled", "account-enabled"] or types(seen) == [
        "account-enabled",
        "account-disabled",
    ]
    crm.ask("POST", "/ssf/status", {**at, "status": "disabled"})
    disable_person(person_id=ada, reason="", actor=MACHINE)
    assert get_stream(stream["stream_id"]).waiting == 0
    assert crm.ask("GET", f"/ssf/status?stream_id={stream['stream_id']}").json()["status"] == "disabled"
    assert crm.ask("POST", "/ssf/status", {**at, "status": "asleep"}).status_code == 400


def test_what_a_receiver_cannot_use_goes_and_is_counted() -> None:
    crm = receiver()
    stream, ada = made(crm), make_plain_person("ada@example.test")
    disable_person(person_id=ada, reason="", actor=MACHINE)
    first, second = polled(crm, stream)
    left = polled(crm, stream, ack=[first], setErrs={second: {"err": "invalid_request", "description": "no"}})
    assert left == {}
    found = get_stream(stream["stream_id"])
    assert (found.delivered, found.refused) == (1, 1)
    assert "no" in found.problem
    for wrong in ({"ack": "x"}, {"setErrs": []}, {"maxEvents": -1}):
        assert crm.ask("POST", f"/ssf/poll/{stream['stream_id']}", wrong).status_code == 400


def test_a_verification_is_owed_and_its_acknowledgement_noted() -> None:
    crm = receiver()
    stream = made(crm)
    ask = {"stream_id": stream["stream_id"], "state": "aGVsbG8="}
    assert crm.ask("POST", "/ssf/verify", ask).status_code == 204
    assert crm.ask("POST", "/ssf/verify", ask).status_code == 429
    ((jti, told),) = polled(crm, stream).items()
    assert told["events"] == {f"{SSF}verification": {"state": "aGVsbG8="}}
    assert told["sub_id"] == {"format": "opaque", "id": stream["stream_id"]}
    assert get_stream(stream["stream_id"]).verified_at is None
    polled(crm, stream, ack=[jti])
    assert get_stream(stream["stream_id"]).verified_at is not None


def test_events_are_sent_in_order_and_again_until_they_are_taken(endpoint: Endpoint) -> None:
    crm = receiver(push_to=endpoint.url)
    delivery = {
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": f"{endpoint.url}/in",
        "authorization_header": "Bearer theirs",
    }
    stream, ada = made(crm, {"delivery": delivery}), make_plain_person("ada@example.test")
    endpoint.answer = lambda _path: (503, [], b"")
    disable_person(person_id=ada, reason="", actor=MACHINE)
    now = time.time()
    assert deliver_signals(now=now) == 0
    found = get_stream(stream["stream_id"])
    assert (found.waiting, len(endpoint.asked), found.problem) == (2, 1, "It answers 503.")
    assert deliver_signals(now=now + 1) == 0, "not at once"
    assert len(endpoint.asked) == 1
    endpoint.answer = lambda _path: (302, [("location", f"{endpoint.url}/elsewhere")], b"")
    assert deliver_signals(now=now + 60) == 0
    assert endpoint.asked == ["/in", "/in"], "a redirect leads nowhere"
    endpoint.answer = lambda _path: (202, [], b"")
    assert deliver_signals(now=now + 600) == 2
    found = get_stream(stream["stream_id"])
    assert (found.waiting, found.delivered, found.problem) == (0, 2, "")
    endpoint.answer = lambda _path: (400, [], b'{"err": "invalid_request", "description": "what?"}')
    enable_person(person_id=ada, actor=MACHINE)
    assert deliver_signals(now=now + 700) == 1
    assert get_stream(stream["stream_id"]).refused == 1
    endpoint.answer = lambda _path: (202, [], b"")
    change_status_here(stream["stream_id"], Status.PAUSED, reason="night", actor=MACHINE)
    disable_person(person_id=ada, reason="", actor=MACHINE)
    verify_stream(stream["stream_id"], actor=MACHINE)
    assert deliver_signals(now=now + 800) == 2, "what is about the stream itself is sent all the same"
    assert get_stream(stream["stream_id"]).waiting == 2
    assert f"{RISC}account-disabled" in set(Outgoing.objects.values_list("event_type", flat=True))
