"""How a device comes in: what asks, who says yes, what talks somebody into it, and what nobody can do without its key."""

import dataclasses
import re
import time
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as now_in_force
from django.core import mail
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, Browser, make_person, make_person_with_app

from ostiary.devices.domain.certificates import fingerprint_of
from ostiary.devices.domain.keys import jwk_of
from ostiary.devices.domain.messages import Enrol, Leave, Poll, Renew
from ostiary.devices.facade import (
    State,
    UnknownCode,
    UnusableDevice,
    approve_device,
    confirm_enrolment,
    deny_device,
    get_device,
    list_devices,
    look_at_enrolment,
    ready_authority,
    refuse_enrolment,
    tend_devices,
)
from ostiary.devices.facts import read_devices
from ostiary.devices.models import Enrolment, UsedNonce
from ostiary.policy.identifiers import PersonId

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _authority(settings: Any) -> None:
    configured(settings, approval="person")
    ready_authority(now=time.time())


def configured(settings: Any, **devices: object) -> None:
    instance = now_in_force.INSTANCE
    section = msgspec.structs.replace(instance.configuration.devices, **devices)
    settings.INSTANCE = dataclasses.replace(
        instance, configuration=msgspec.structs.replace(instance.configuration, devices=section)
    )


@pytest.fixture
def ada() -> tuple[Browser, PersonId]:
    person, secret = make_person_with_app("ada@example.test")
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    return browser, person


def test_a_person_types_the_code_looks_and_says_yes(ada: tuple[Browser, PersonId]) -> None:
    browser, person = ada
    laptop = Laptop(name="Ada's laptop")
    started = laptop.start().json()
    assert started["verification_uri"].endswith("/devices/enrol")
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", started["user_code"])
    assert laptop.poll().json()["status"] == "pending"
    assert "in front of you" in browser.get("/devices/enrol").content.decode()
    page = browser.post("/devices/enrol", code=f" {started['user_code'].lower()} ").content.decode()
    assert "Ada&#x27;s laptop" in page
    assert "192.0.2.7" in page
    assert "another network" not in page
    assert not list_devices(), "looking is not saying yes"
    (seen,) = re.findall(r'name="seen" value="([\w-]+)"', page)
    answer = browser.post("/devices/enrol", code=started["user_code"], seen=seen, answer="yes")
    assert answer["Location"] == "/devices"
    (device,) = list_devices(owner=person)
    assert (device.state, device.name, device.approved_by) == (State.ACTIVE, "Ada's laptop", "ada@example.test")
    Enrolment.objects.update(polled_at=None)
    told = laptop.poll().json()
    assert (told["status"], told["device"], told["owner"]) == ("enrolled", device.id, "ada@example.test")
    (letter,) = mail.outbox
    assert letter.to == ["ada@example.test"]
    assert "Ada's laptop" in letter.subject
    laptop.device = device.id
    chain = x509.load_pem_x509_certificates(laptop.renew().json()["chain"].encode())
    assert chain[0].public_key() == laptop.key.public_key()
    fact = read_devices().devices[device.id]
    assert list(fact.certificates) == [fingerprint_of(chain[0])]
    assert (fact.active, fact.owner, fact.key_protection) == (True, person, "file")
    page = browser.get("/devices").content.decode()
    assert "Ada&#x27;s laptop" in page
    assert browser.post("/devices/enrol", code=started["user_code"]).status_code == 422, "a code is good once"


def test_a_no_is_a_no(ada: tuple[Browser, PersonId]) -> None:
    browser, person = ada
    laptop = Laptop()
    code = laptop.start().json()["user_code"]
    seen = Enrolment.objects.get().thumbprint
    browser.post("/devices/enrol", code=code, seen=seen, answer="no")
    assert laptop.poll().json()["status"] == "denied"
    assert not list_devices()
    with pytest.raises(UnknownCode):
        confirm_enrolment(code, seen, person_id=person, address="192.0.2.7", actor=MACHINE)


def test_a_yes_from_another_network_waits_for_an_administrator(ada: tuple[Browser, PersonId]) -> None:
    """Somebody sends their own code: the person is where they are, and the computer is somewhere else."""
    browser, person = ada
    theirs = Laptop(address="203.0.113.66", name="Ada's laptop")
    code = theirs.start().json()["user_code"]
    page = browser.post("/devices/enrol", code=code).content.decode()
    assert "another network" in page
    assert "203.0.113.66" in page
    seen = Enrolment.objects.get().thumbprint
    device = confirm_enrolment(code, seen, person_id=person, address="192.0.2.7", actor=MACHINE)
    assert device.state is State.WAITING
    theirs.device = device.id
    assert (theirs.renew().status_code, theirs.renew().json()["error"]) == (403, "waiting")
    assert not read_devices().devices
    assert "has yet to approve" in mail.outbox[-1].body
    approve_device(device.id, actor=MACHINE)
    assert theirs.renew().status_code == 200


def test_an_administrator_has_the_last_word_unless_people_may_approve(settings: Any) -> None:
    configured(settings, approval="administrator", max_per_person=2)
    person = make_person()
    waiting = Laptop().enrolled_for(person)
    assert waiting.state is State.WAITING
    deny_device(waiting.id, actor=MACHINE)
    assert not list_devices()
    Laptop().enrolled_for(person)
    Laptop().enrolled_for(person)
    with pytest.raises(UnusableDevice):
        Laptop().enrolled_for(person)
    configured(settings, enabled=False)
    assert Laptop().post("nonce", {}).json()["error"] == "switched_off"
    assert not read_devices().devices


def test_what_was_seen_is_what_is_confirmed() -> None:
    person, laptop = make_person(), Laptop()
    code = laptop.start().json()["user_code"]
    for act in (
        lambda: confirm_enrolment(code, "x" * 43, person_id=person, address="", actor=MACHINE),
        lambda: refuse_enrolment(code, "x" * 43, actor=MACHINE),
    ):
        with pytest.raises(UnknownCode):
            act()
    assert laptop.poll().json()["status"] == "pending"


def test_codes_are_not_guessed() -> None:
    person, laptop = make_person(), Laptop()
    code = laptop.start().json()["user_code"]
    for guess in ("", "hello", "BBBB-BBBB", *["BCDF-GHJK"] * 8):
        with pytest.raises(UnknownCode):
            look_at_enrolment(guess, person_id=person, address="")
    with pytest.raises(UnknownCode, match="Too many"):
        look_at_enrolment(code, person_id=person, address="")
    assert look_at_enrolment(code, person_id=make_person("bo@example.test"), address="").name == "Laptop"


def test_a_fresh_proof_is_asked_for(ada: tuple[Browser, PersonId], monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _person = ada
    monkeypatch.setattr("ostiary.web.signin.prove.FRESH_SECONDS", -60.0)
    assert browser.get("/devices/enrol")["Location"].startswith("/prove")
    assert browser.post("/devices/enrol", code="BBBB-BBBB")["Location"].startswith("/prove")


def test_strangers_fill_neither_the_disk_nor_the_list() -> None:
    for _ in range(10):
        assert Laptop(address="198.51.100.1").start().status_code == 200
    refused = Laptop(address="198.51.100.1").start()
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many")
    assert Laptop(address="198.51.100.2").start().status_code == 200
    assert not UsedNonce.objects.exists(), "nothing is kept of who proved only a key of their own"
    assert tend_devices(now=time.time() + 601) == 11
    laptop = Laptop(address="198.51.100.1")
    assert laptop.start().status_code == 200
    assert laptop.post("start", "x" * 20_000).status_code == 400


def test_a_crowd_shuts_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all the room is taken, the oldest of the network that takes most of it makes way."""
    monkeypatch.setattr("ostiary.devices.services.enrolling.MAX_WAITING", 4)
    patient = Laptop(address="192.0.2.1")
    crowd = [Laptop(address="198.51.100.1") for _ in range(3)]
    for one in (patient, *crowd, newcomer := Laptop(address="203.0.113.1")):
        assert one.start().status_code == 200
    assert crowd[0].poll().json()["error"] == "expired"
    assert [one.poll().json()["status"] for one in (patient, *crowd[1:], newcomer)] == ["pending"] * 4


def test_messages_that_are_not_as_they_must_be() -> None:
    laptop, stranger = Laptop(), ec.generate_private_key(ec.SECP256R1())
    assert laptop.start().status_code == 200
    good = {"device_code": laptop.started["device_code"]}
    now = int(time.time())
    for kind, wrong, error in (
        (Poll, {"audience": "https://id.evil.test"}, "other_instance"),
        (Poll, {"at": now - 900}, "wrong_clock"),
        (Poll, {"at": now + 900}, "wrong_clock"),
        (Poll, {"nonce": "A" * 54}, "stale_nonce"),
        (Poll, {"nonce": ""}, "stale_nonce"),
        (Poll, {"device_code": "guessed"}, "expired"),
    ):
        assert laptop.send("poll", laptop.said(kind, **{**good, **wrong})).json()["error"] == error, wrong
    assert laptop.send("poll", laptop.said(Poll, **good), stranger).json()["error"] == "invalid_request"
    for purpose in (Renew, Leave):
        answer = laptop.send("poll", laptop.said(purpose, device="dev-1"))
        assert answer.json()["error"] == "invalid_request", "each message is for one purpose"
        assert laptop.send(purpose.__name__.lower(), laptop.said(purpose, device="dev-1")).status_code == 401
    for body in ("", "[]", "{", '{"message": 1}', '{"message": "a.b.c"}', '{"message": "x", "more": 1}', b"\xff"):
        assert laptop.post("start", body).json()["error"] == "invalid_request", body
    other = Laptop()
    answer = other.send(
        "start", other.said(Enrol, name="x", platform="y", key_protection="file", key=jwk_of(stranger.public_key()))
    )
    assert answer.json()["error"] == "invalid_request", "a key that does not sign its own message"
    assert laptop.send("poll", laptop.said(Poll, **good, at=10**400)).json()["error"] == "invalid_request"
    for claimed in ("tpm", "keystore"):
        answer = Laptop().start(key_protection=claimed)
        assert answer.json()["error"] == "invalid_request", "rules read it, and nobody can check it"
    assert laptop.browser.client.get("/devices/agent/start").status_code == 405
    assert laptop.browser.client.post("/devices/agent/start", {"message": "x"}).status_code == 400


def test_a_replayed_message_is_refused_and_its_answer_is_nobody_elses() -> None:
    laptop = Laptop()
    laptop.start()
    assert laptop.start().json()["error"] == "key_known", "it waits already"
    Enrolment.objects.all().delete()
    laptop.enrolled_for(make_person())
    assert laptop.start().json()["error"] == "key_known"
    message = laptop.said(Renew, device=laptop.device)
    assert laptop.send("renew", message).status_code == 200
    assert laptop.send("renew", message).json()["error"] == "stale_nonce"
    assert get_device(laptop.device).generation == 1
