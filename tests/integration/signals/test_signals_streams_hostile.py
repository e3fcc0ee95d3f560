"""Receivers that ask for what nobody can have, are slow, come back as somebody else, or were paused: nothing is lost or leaks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from tests.identity_people import MACHINE
from tests.running_upstreams import Server
from tests.signal_site import Program, make_plain_person, switch_on
from tests.signal_transmitter import SSF

from ostiary.identity.facade import disable_person, enable_person
from ostiary.signals.domain.errors import BadRequest
from ostiary.signals.facade import (
    Status,
    add_receiver,
    change_status_here,
    create_stream,
    deliver_signals,
    get_receiver,
    get_stream,
    list_streams,
    revoke_receiver,
)
from ostiary.signals.models import LeftOut, Outgoing, StoredReceiver, StoredStream
from ostiary.signals.services import delivery

pytestmark = pytest.mark.django_db
POLL = {"delivery": {"method": "urn:ietf:rfc:8936"}}
LATER = 10_000_000_000.0


@pytest.fixture(autouse=True)
def _on(monkeypatch: pytest.MonkeyPatch) -> None:
    switch_on(monkeypatch)


def receiver(name: str = "crm", **more: Any) -> Program:
    return Program(add_receiver(name, audience="https://crm.test", actor=MACHINE, **more).token)


def pushed(program: Program, server: Server) -> str:
    delivery = {"method": "urn:ietf:rfc:8935", "endpoint_url": f"http://127.0.0.1:{server.port}/in"}
    return str(program.ask("POST", "/ssf/streams", {"delivery": delivery}).json()["stream_id"])


def test_who_fetches_hears_that_the_stream_was_paused_and_of_verifications_and_nothing_else() -> None:
    crm = receiver()
    stream = crm.ask("POST", "/ssf/streams", POLL).json()["stream_id"]
    disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
    change_status_here(stream, Status.PAUSED, reason="night", actor=MACHINE)
    assert crm.ask("POST", "/ssf/verify", {"stream_id": stream}).status_code == 204
    sets = crm.ask("POST", f"/ssf/poll/{stream}", {}).json()["sets"]
    types = Outgoing.objects.filter(jti__in=sets).order_by("pk").values_list("event_type", flat=True)
    assert list(types) == [f"{SSF}stream-updated", f"{SSF}verification"]
    assert get_stream(stream).waiting == 4, "what was owed before waits"


def test_a_name_that_is_given_again_brings_no_address_back_that_is_not_allowed_any_more() -> None:
    before, after = (Server(lambda _path: (202, [], b"")) for _ in range(2))
    try:
        stream = pushed(receiver(push_to=f"http://127.0.0.1:{before.port}"), before)
        StoredReceiver.objects.update(expires_at=datetime.now(UTC) - timedelta(days=1))
        crm = receiver(push_to=f"http://127.0.0.1:{after.port}")
        disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
        assert deliver_signals(now=LATER) == 0
        assert before.asked == []
        assert "allows" in get_stream(stream).problem
        moved = {"method": "urn:ietf:rfc:8935", "endpoint_url": f"http://127.0.0.1:{after.port}/in"}
        assert crm.ask("PATCH", "/ssf/streams", {"stream_id": stream, "delivery": moved}).status_code == 200
        assert deliver_signals(now=LATER) == 2
        assert len(after.asked) == 2
    finally:
        before.stop()
        after.stop()


def test_what_happens_while_a_token_has_expired_waits_for_the_next_one() -> None:
    stream = receiver().ask("POST", "/ssf/streams", POLL).json()["stream_id"]
    StoredReceiver.objects.update(expires_at=datetime.now(UTC) - timedelta(days=1))
    disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
    found = get_stream(stream)
    assert (found.waiting, "has expired" in found.problem) == (2, True)
    crm = receiver()
    assert get_stream(stream).problem == ""
    assert len(crm.ask("POST", f"/ssf/poll/{stream}", {}).json()["sets"]) == 2


def test_what_no_database_can_hold_is_refused_or_means_nothing() -> None:
    crm = receiver()
    stream = crm.ask("POST", "/ssf/streams", POLL).json()["stream_id"]

    def post(path: str, text: str) -> int:
        body = text.replace("STREAM", stream).encode()
        return int(crm.client.generic("POST", path, body, content_type="application/json").status_code)

    at = '"stream_id": "STREAM", '
    for half in ("\\u0000", "\\ud800"):
        assert post("/ssf/verify", "{" + at + f'"state": "{half}"' + "}") == 400
        assert post("/ssf/verify", f'{{"stream_id": "{half}"}}') == 404
        assert post("/ssf/status", "{" + at + f'"status": "paused", "reason": "{half}"' + "}") == 400
        assert post(f"/ssf/poll/{stream}", f'{{"ack": ["{half}"], "setErrs": {{"{half}": {{}}}}}}') == 200
        for subject in (f'"format": "email", "email": "{half}"', f'"format": "iss_sub", "iss": "x", "sub": "{half}"'):
            assert post("/ssf/subjects/remove", "{" + at + '"subject": {' + subject + "}}") == 204
    assert not Outgoing.objects.exists()


def test_what_a_receiver_says_of_an_event_stops_nobody_and_is_shown_harmless() -> None:
    said = b'{"err": "invalid_request", "description": "no\\u0000\\ud800\\u001b[2J\\u202e"}'
    server = Server(lambda _path: (400, [], said))
    try:
        pushing = pushed(receiver(push_to=f"http://127.0.0.1:{server.port}"), server)
        fetching = receiver("siem")
        stream = fetching.ask("POST", "/ssf/streams", POLL).json()["stream_id"]
        disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
        assert deliver_signals(now=LATER) == 2
        first = next(iter(fetching.ask("POST", f"/ssf/poll/{stream}", {}).json()["sets"]))
        body = b'{"setErrs": {"%s": %s}}' % (first.encode(), said)
        refused = fetching.client.generic("POST", f"/ssf/poll/{stream}", body, content_type="application/json")
        assert refused.status_code == 200
        for one in (pushing, stream):
            assert "invalid_request: no\ufffd" in get_stream(one).problem
            assert get_stream(one).problem.isprintable()
    finally:
        server.stop()


def test_one_receiver_holds_up_the_others_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(lambda _path: (202, [], b""))
    try:
        monkeypatch.setattr(delivery, "STREAM_SECONDS", -1.0)
        for name in ("crm", "siem"):
            pushed(receiver(name, push_to=f"http://127.0.0.1:{server.port}"), server)
        disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
        assert deliver_signals(now=LATER) == 2, "one of each, though two wait for both"
        assert [one.waiting for one in list_streams()] == [1, 1]
        assert deliver_signals(now=LATER) == 2
    finally:
        server.stop()


def test_a_stream_that_is_deleted_while_it_is_sent_to_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_path: str) -> Any:
        return 202, [], b""

    server = Server(answer)
    ask = delivery.ask

    def ask_and_delete(*arguments: Any, **named: Any) -> Any:
        answered = ask(*arguments, **named)
        StoredStream.objects.filter(receiver_id="crm").delete()
        return answered

    try:
        for name in ("crm", "siem"):
            pushed(receiver(name, push_to=f"http://127.0.0.1:{server.port}"), server)
        disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
        monkeypatch.setattr(delivery, "ask", ask_and_delete)
        deliver_signals(now=LATER)
        assert [(one.receiver, one.waiting) for one in list_streams()] == [("siem", 0)]
    finally:
        server.stop()


def test_a_receiver_that_was_just_revoked_makes_no_stream() -> None:
    receiver()
    asking = get_receiver("crm")
    revoke_receiver("crm", actor=MACHINE)
    with pytest.raises(BadRequest):
        create_stream(asking, POLL, actor=MACHINE)
    assert not StoredStream.objects.exists()


def test_leaving_out_is_on_record_once_and_never_for_who_could_be_two() -> None:
    crm = receiver()
    stream = crm.ask("POST", "/ssf/streams", POLL).json()["stream_id"]
    for address in ("ada@example.test", "bo@example.test"):
        make_plain_person(address)
    ada, bo = ({"format": "email", "email": f"{one}@example.test"} for one in ("ada", "bo"))
    both = {"stream_id": stream, "subject": {"format": "aliases", "identifiers": [ada, bo]}}
    assert crm.ask("POST", "/ssf/subjects/remove", both).status_code == 204
    assert not LeftOut.objects.exists()

    def records() -> int:
        return sum(path.read_text().count("wanted") for path in (settings.INSTANCE.audit / "control").glob("*.jsonl"))

    before = records()
    for _ in range(3):
        assert crm.ask("POST", "/ssf/subjects/remove", {"stream_id": stream, "subject": ada}).status_code == 204
    assert LeftOut.objects.count() == 1
    once = records()
    assert once > before
    assert crm.ask("POST", "/ssf/subjects/remove", {"stream_id": stream, "subject": ada}).status_code == 204
    assert records() == once
    enable_person(person_id=LeftOut.objects.get().person_id, actor=MACHINE)
