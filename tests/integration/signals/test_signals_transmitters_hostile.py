"""Transmitters that name addresses of others, answer with what was not asked for, or tell of whom they may not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core.mail import EmailMessage
from tests.identity_people import MACHINE
from tests.signal_site import Program, make_plain_person, switch_on
from tests.signal_transmitter import AUDIENCE, CAEP, RISC, SSF, TOKEN, ForeignTransmitter, by_email

from ostiary.identity.facade import get_person
from ostiary.identity.models import Person
from ostiary.outgoing import asking as wire
from ostiary.outgoing.addresses import Unreachable
from ostiary.policy.identifiers import PersonId
from ostiary.signals.adapters import keys
from ostiary.signals.adapters.keys import forget_documents
from ostiary.signals.facade import (
    Outcome,
    UnusableTransmitter,
    add_transmitter,
    allow_transmitter,
    ask_for_verification,
    create_stream_there,
    get_transmitter,
    list_signals,
    poll_transmitters,
    release_signals,
    tell_administrators,
)
from ostiary.signals.services import asking, receiving

pytestmark = pytest.mark.django_db
REVOKED = f"{CAEP}session-revoked"
STREAM = {"format": "opaque", "id": "stream-1"}


@pytest.fixture(scope="module")
def foreign() -> Iterator[ForeignTransmitter]:
    there = ForeignTransmitter()
    yield there
    there.stop()


@pytest.fixture(autouse=True)
def _on(monkeypatch: pytest.MonkeyPatch, foreign: ForeignTransmitter) -> Iterator[None]:
    switch_on(monkeypatch)
    forget_documents()
    foreign.asked.clear()
    foreign.verifications.clear()
    yield
    forget_documents()


def trust(foreign: ForeignTransmitter, **more: Any) -> Program:
    settled = {"audience": AUDIENCE, "may": "disable", "email_domains": ("example.test",), "management_token": TOKEN}
    return Program(add_transmitter("okta", issuer=foreign.issuer, actor=MACHINE, **(settled | more)).token)


def newest() -> Any:
    return list_signals(page_size=1).items[0]


def elsewhere(foreign: ForeignTransmitter, path: str) -> str:
    """Return an address of this machine under a name that the transmitter does not go by."""
    return foreign.issuer.replace("127.0.0.1", "localhost") + path


def test_a_transmitter_cannot_have_other_machines_of_the_house_asked(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    okta = trust(foreign)
    described = foreign.metadata()
    named = {"jwks_uri": "/jwks", "configuration_endpoint": "/streams", "verification_endpoint": "/verify"}
    moved = {name: elsewhere(foreign, path) for name, path in named.items()}
    monkeypatch.setattr(foreign, "metadata", lambda: {**described, **moved})
    forget_documents()
    foreign.asked.clear()
    event = foreign.event(REVOKED, by_email("ada@example.test"))
    assert okta.send("okta", event).status_code == 503
    with pytest.raises(Unreachable, match="no public address"):
        create_stream_there("okta", delivery="push", actor=MACHINE)
    assert set(foreign.asked) == {"/.well-known/ssf-configuration"}
    monkeypatch.setattr(foreign, "metadata", lambda: described)
    make = foreign.make_stream

    def fetched_elsewhere(body: Any) -> dict[str, Any]:
        made = make(body)
        made["delivery"]["endpoint_url"] = elsewhere(foreign, "/poll")
        return made

    monkeypatch.setattr(foreign, "make_stream", fetched_elsewhere)
    create_stream_there("okta", delivery="poll", actor=MACHINE)
    assert poll_transmitters(now=10_000_000_000.0) == 0
    assert "no public address" in get_transmitter("okta").problem
    assert "/poll" not in foreign.asked


def test_keys_that_cannot_be_had_are_not_asked_for_with_each_signal(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    okta = trust(foreign)
    monkeypatch.setattr(foreign, "key_set", list)
    for _ in range(3):
        assert okta.send("okta", foreign.event(REVOKED, by_email("ada@example.test"))).status_code == 503
    assert foreign.asked.count("/jwks") == 1
    monkeypatch.undo()
    switch_on(monkeypatch)
    forget_documents()
    assert okta.send("okta", foreign.event(REVOKED, by_email("ada@example.test"))).status_code == 202


def test_documents_of_no_more_addresses_are_kept_than_transmitters_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "read_document", lambda url, **_named: {"url": url})
    for number in range(keys.MAX_KEPT + 50):
        keys._document(f"https://example.test/{number}", at_most=600)
    assert len(keys._kept) == keys.MAX_KEPT


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://another.test"},
        {"iss": None},
        {"stream_id": "a\x00b"},
        {"delivery": {"method": "urn:ietf:rfc:8936", "endpoint_url": "https://x.test/"}},
        {"aud": "https://another.test"},
    ],
)
def test_a_stream_that_is_not_what_was_asked_for_is_none_and_the_token_before_still_works(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    okta = trust(foreign)
    make = foreign.make_stream
    monkeypatch.setattr(foreign, "make_stream", lambda body: {**make(body), **changed})
    with pytest.raises(UnusableTransmitter):
        create_stream_there("okta", delivery="push", actor=MACHINE)
    assert get_transmitter("okta").stream_id == ""
    assert okta.send("okta", foreign.event(REVOKED, by_email("ada@example.test"))).status_code == 202


def test_a_stream_to_fetch_that_says_not_from_where_is_none(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(foreign)
    make = foreign.make_stream

    def nowhere(body: Any) -> dict[str, Any]:
        made = make(body)
        del made["delivery"]["endpoint_url"]
        return made

    monkeypatch.setattr(foreign, "make_stream", nowhere)
    with pytest.raises(UnusableTransmitter, match="fetched"):
        create_stream_there("okta", delivery="poll", actor=MACHINE)


def test_nobody_else_touches_the_emergency_account(foreign: ForeignTransmitter) -> None:
    okta = trust(foreign, may_disable_administrators=True)
    person = make_plain_person("emergency@example.test", "administrators")
    make_plain_person("second@example.test", "administrators")
    Person.objects.filter(pk=person).update(emergency=True)
    for event in (REVOKED, f"{RISC}account-disabled"):
        assert okta.send("okta", foreign.event(event, by_email("emergency@example.test"))).status_code == 202
        assert (newest().outcome, "emergency" in newest().words) == (Outcome.RECORDED, True)
    assert get_person(person).active


def test_a_verification_nobody_asked_for_leaves_the_one_that_was_asked_for(foreign: ForeignTransmitter) -> None:
    trust(foreign)
    create_stream_there("okta", delivery="push", actor=MACHINE)
    okta = Program(foreign.stream["delivery"]["authorization_header"].removeprefix("Bearer "))
    ask_for_verification("okta", actor=MACHINE)
    verification = f"{SSF}verification"
    another = {"format": "opaque", "id": "stream-2"}
    state = {"state": foreign.verifications[-1]["state"]}
    assert okta.send("okta", foreign.event(verification, another, state)).status_code == 202
    assert get_transmitter("okta").verified_at is None, "it is about another stream"
    assert okta.send("okta", foreign.event(f"{SSF}stream-updated", another, {"status": "disabled"})).status_code == 202
    assert get_transmitter("okta").status == "enabled"
    assert okta.send("okta", foreign.event(verification, STREAM)).status_code == 202
    assert okta.send("okta", foreign.event(verification, STREAM, state)).status_code == 202
    assert newest().outcome is Outcome.VERIFIED
    assert okta.send("okta", foreign.event(verification, STREAM, state)).json()["err"] == "invalid_state"


def test_what_has_to_be_understood_and_is_not_is_not_acted_on(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = foreign.metadata()
    monkeypatch.setattr(foreign, "metadata", lambda: {**described, "critical_subject_members": ["tenant", "user"]})
    okta, ada = trust(foreign), make_plain_person("ada@example.test")
    user = by_email("ada@example.test")
    with_tenant = {"format": "complex", "user": user, "tenant": {"format": "opaque", "id": "1"}}
    off = f"{RISC}account-disabled"
    assert okta.send("okta", foreign.event(off, with_tenant)).status_code == 202
    assert (newest().outcome, "tenant" in newest().words) == (Outcome.RECORDED, True)
    assert get_person(ada).active
    with_device = {"format": "complex", "user": user, "device": {"format": "opaque", "id": "1"}}
    assert okta.send("okta", foreign.event(off, with_device)).status_code == 202
    assert not get_person(ada).active, "what need not be understood does not matter"


def test_no_more_is_held_than_somebody_can_look_at(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MAX_HELD", 2)
    okta = trust(foreign)
    people = [f"p{number}@example.test" for number in range(6)]
    for address in people:
        make_plain_person(address)
    off = f"{RISC}account-disabled"
    answers = [okta.send("okta", foreign.event(off, by_email(address))).status_code for address in people]
    assert answers == [202] * 5 + [429]
    assert get_transmitter("okta").held == 2
    assert okta.send("okta", foreign.event(f"{CAEP}x", by_email(people[0]))).status_code == 202, (
        "what harms nobody comes"
    )


def hold_one(foreign: ForeignTransmitter) -> PersonId:
    """Return whom a signal is about that is held, because four people at once are too many."""
    okta = trust(foreign)
    people = [make_plain_person(f"p{number}@example.test") for number in range(4)]
    for number in range(4):
        event = foreign.event(f"{RISC}account-disabled", by_email(f"p{number}@example.test"))
        assert okta.send("okta", event).status_code == 202
    return people[3]


def test_what_it_may_not_do_any_more_is_not_let_through(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = hold_one(foreign)
    allow_transmitter("okta", may="record", actor=MACHINE)
    assert release_signals("okta", actor=MACHINE) == 1
    assert (get_person(person).active, newest().outcome) == (True, Outcome.RECORDED)


def test_an_administrator_who_cannot_be_written_to_keeps_nobody_from_being_told_nor_has_them_told_again(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "root"):
        make_plain_person(f"{name}@example.test", "administrators")
    hold_one(foreign)
    send, told = EmailMessage.send, []

    def refusing(letter: EmailMessage) -> int:
        if letter.to == ["first@example.test"]:
            raise SMTPRecipientsRefused({})
        told.append(letter.to)
        return send(letter)

    monkeypatch.setattr(EmailMessage, "send", refusing)
    assert (tell_administrators(), tell_administrators()) == (1, 0)
    assert told == [["root@example.test"]]


def test_one_transmitter_is_asked_for_a_moment_only(
    foreign: ForeignTransmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(foreign)
    create_stream_there("okta", delivery="poll", actor=MACHINE)
    monkeypatch.setattr(asking, "POLL_SECONDS", -1.0)
    foreign.told(REVOKED, by_email("ada@example.test"))
    assert poll_transmitters(now=10_000_000_000.0) == 1
    assert foreign.asked.count("/poll") == 1
    foreign.queue.clear()


def test_an_address_without_tls_is_this_machine_whatever_its_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_look_up", lambda _host, _port: ("192.0.2.7",))
    with pytest.raises(Unreachable, match="without TLS"):
        wire.ask("GET", "http://anything.localhost/")


def test_time_that_ran_out_while_it_was_reached_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is slow to be reached, and then never ends what it says, each byte in time, is left all the same."""
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.2)
    over, sent = threading.Event(), []
    cut, connect = wire._Connection.cut, socket.create_connection
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _address = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(500):
                connection.sendall(b"x")
                sent.append(1)
                threading.Event().wait(0.02)

    def cutting(connection: wire._Connection) -> None:
        cut(connection)
        over.set()

    def reach(*arguments: Any, **named: Any) -> socket.socket:
        assert over.wait(60)
        return connect(*arguments, **named)

    monkeypatch.setattr(wire._Connection, "cut", cutting)
    monkeypatch.setattr(socket, "create_connection", reach)
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(Unreachable, match="too long"):
            wire.ask("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/")
    finally:
        thread.join(60)
        listening.close()
    assert len(sent) < 500, "before the last byte"
