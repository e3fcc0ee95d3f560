"""A device's key in a TPM: what a real one (an emulator's) says is taken, and nothing else is that looks like it."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.device_tpm import TpmLaptop
from tests.identity_people import MACHINE, make_person
from tests.tpm_emulator import Chip, Factory, Firmware, entry, head, secure_boot

from ostiary.agent.tpm import Tpm, UnusableTpm
from ostiary.agent.tpm_commands import ENDORSEMENT, OWNER, activate_credential, certify_key, loaded, make_key, primary
from ostiary.agent.tpm_key import claim_of, make_tpm_keys
from ostiary.devices.domain.messages import Poll
from ostiary.devices.domain.tpm.attest import certified_nonce
from ostiary.devices.domain.tpm.credential import make_credential
from ostiary.devices.domain.tpm.public import (
    ATTESTATION,
    DEVICE,
    ENDORSEMENT_ECC,
    FIXED_PARENT,
    FIXED_TPM,
    STORAGE,
    read_public,
)
from ostiary.devices.facade import (
    Evidence,
    State,
    UnknownCode,
    describe_makers,
    doubts_about,
    get_device,
    get_posture,
    look_at_enrolment,
    ready_authority,
    report_lost,
)
from ostiary.devices.models import Enrolment, StoredDevice, UsedNonce
from ostiary.policy.identifiers import PersonId

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    with Factory(tmp_path_factory.mktemp("chips") / "factory") as factory:
        yield factory


@pytest.fixture(scope="module")
def chip(factory: Factory) -> Chip:
    return factory.make("laptop")


@pytest.fixture(scope="module")
def bare(factory: Factory) -> Chip:
    """Return a TPM for which nobody vouches."""
    return factory.make("bare", certified=False)


@pytest.fixture(autouse=True)
def _instance(settings: Any, factory: Factory) -> Iterator[None]:
    configured(settings)
    ready_authority(now=time.time())
    folder: Path = settings.INSTANCE.tpm_vendors
    factory.vouch(folder)
    yield
    for path in folder.iterdir():
        path.unlink()


def configured(settings: Any, **devices: object) -> None:
    instance = now_in_force.INSTANCE
    section = msgspec.structs.replace(instance.configuration.devices, **{"approval": "person", **devices})
    settings.INSTANCE = dataclasses.replace(
        instance, configuration=msgspec.structs.replace(instance.configuration, devices=section)
    )


@pytest.fixture
def laptop(chip: Chip) -> TpmLaptop:
    return TpmLaptop(chip)


def refused(answer: Any) -> str:
    """Return why it was refused; nothing waits, and nothing is enrolled."""
    assert answer.status_code in {400, 403}, answer.content
    assert not Enrolment.objects.exists()
    assert not StoredDevice.objects.exists()
    return str(answer.json()["message"])


def test_a_key_in_a_tpm_is_enrolled_and_its_maker_known(laptop: TpmLaptop) -> None:
    device = laptop.enrolled_for(make_person())
    assert device.key_protection == "tpm"
    assert device.tpm is not None
    assert "swtpm-localca" in device.tpm.maker
    chain = x509.load_pem_x509_certificates(laptop.renew().json()["chain"].encode())
    assert chain[0].public_key() == laptop.key.public_key()


def test_a_tpm_nobody_vouches_for_is_told_apart(bare: Chip, laptop: TpmLaptop, settings: Any) -> None:
    device = TpmLaptop(bare).enrolled_for(make_person())
    assert device.key_protection == "tpm_unverified"
    assert device.tpm is not None
    assert (device.tpm.maker, "no certificate" in device.tpm.why) == ("", True)
    (settings.INSTANCE.tpm_vendors / "maker.pem").write_text("not a certificate")
    assert [one.problem for one in describe_makers(settings.INSTANCE)] == ["holds no certificate that can be read"]
    other = laptop.enrolled_for(make_person("bo@example.test"))
    assert other.key_protection == "tpm_unverified"
    assert other.tpm is not None
    assert "swtpm-localca" in other.tpm.why, "whose certificate is missing is said"


def test_whoever_enrols_the_tpm_of_a_lost_device_waits_for_an_administrator(laptop: TpmLaptop, bare: Chip) -> None:
    lost = laptop.enrolled_for(make_person())
    report_lost(lost.id, actor=MACHINE)
    again = TpmLaptop(laptop.chip).enrolled_for(make_person("bo@example.test"))
    assert again.state is State.WAITING
    assert [one.id for one in doubts_about(again)] == [lost.id]
    assert TpmLaptop(bare).enrolled_for(make_person("cy@example.test")).state is State.ACTIVE


def test_an_instance_may_take_none_but_known_tpms(laptop: TpmLaptop, bare: Chip, settings: Any) -> None:
    configured(settings, tpm="verified")
    stranger = TpmLaptop(bare)
    assert "maker is known" in refused(stranger.start())
    in_a_file = Laptop()
    assert "security chip" in refused(in_a_file.start())
    assert laptop.enrolled_for(make_person()).key_protection == "tpm"


def test_nobody_confirms_it_before_its_tpm_is_proven(laptop: TpmLaptop) -> None:
    person = make_person()
    assert laptop.ask().status_code == 200
    assert laptop.started["user_code"] == "", "there is nothing to type yet"
    row = Enrolment.objects.get()
    assert row.key_protection == "unproven"
    with pytest.raises(UnknownCode):
        look_at_enrolment(row.user_code, person_id=PersonId(person), address="")
    assert laptop.poll().json()["status"] == "pending"
    secret = laptop.secret()
    stranger = ec.generate_private_key(ec.SECP256R1())
    mine, laptop.key = laptop.key, stranger
    assert laptop.prove(secret=secret).json()["error"] == "invalid_request", "another key tells the secret"
    laptop.key = mine
    assert laptop.prove(secret=secret).status_code == 200
    assert laptop.prove(secret=secret).json()["error"] == "expired", "it is asked for once"
    assert look_at_enrolment(laptop.started["user_code"], person_id=PersonId(person), address="")
    assert laptop.send("prove", laptop.said(Poll, device_code="x")).json()["error"] == "invalid_request"


def test_a_wrong_secret_ends_the_enrolment(laptop: TpmLaptop) -> None:
    assert laptop.ask().status_code == 200
    secret = laptop.secret()
    assert "not in one TPM" in refused(laptop.prove(secret=bytes(32)))
    assert laptop.prove(secret=secret).json()["error"] == "expired", "there is one try"


def test_another_tpms_endorsement_gets_its_secret_to_nobody(factory: Factory, laptop: TpmLaptop) -> None:
    """Somebody shows a good TPM's certificate with keys of their own: the secret is sealed to what they do not have."""
    good = TpmLaptop(factory.make("good"))
    theirs = claim_of(good.keys, "x")
    answer = laptop.ask(endorsement=theirs.endorsement, certificate=theirs.certificate)
    assert answer.status_code == 200, "what it says holds together"
    with pytest.raises(UnusableTpm, match="refuses"):
        laptop.secret()
    good.started = laptop.started
    with pytest.raises(UnusableTpm, match="refuses"):
        good.secret()


def test_a_secret_for_an_elliptic_curves_endorsement_key_is_read_by_its_tpm(chip: Chip, bare: Chip) -> None:
    """Some chips have no other; which kind the agent finds depends on the chip."""
    keys, secret = make_tpm_keys(chip.address), b"s" * 32
    name = read_public(keys.attestation.public, ATTESTATION).name
    opened = []
    for one in (chip, bare):
        with Tpm(one.address) as tpm, primary(tpm, ENDORSEMENT, ENDORSEMENT_ECC) as (endorsement, public):
            area = read_public(public, ENDORSEMENT_ECC)
            key = ec.generate_private_key(ec.SECP256R1())
            sealed = make_credential(area, name=name, secret=secret, seed=b"", ephemeral=key)
        with (
            Tpm(chip.address) as tpm,
            primary(tpm, ENDORSEMENT, ENDORSEMENT_ECC) as (endorsement, _public),
            primary(tpm, OWNER, STORAGE) as (parent, _),
            loaded(tpm, parent, keys.attestation) as attestation,
        ):
            held = {"attestation": attestation, "endorsement": endorsement}
            try:
                opened.append(activate_credential(tpm, blob=sealed.blob, seed=sealed.seed, **held))
            except UnusableTpm:
                opened.append(b"refused")
    assert opened == [secret, b"refused"]


def test_what_a_tpm_did_not_say_is_refused(laptop: TpmLaptop, chip: Chip, bare: Chip) -> None:
    other = make_tpm_keys(bare.address)
    earlier = claim_of(laptop.keys, "an earlier number")
    theirs = claim_of(other, "x")
    for what, words in (
        ({"attestation": theirs.attestation}, "Another key"),
        ({"device": theirs.device}, "not the one that signed"),
        ({"certified": earlier.certified, "signature": earlier.signature}, "another moment"),
        ({"certified": theirs.certified}, "Another key"),
        ({"certificate": claim_of(laptop.keys, "x").certificate, "endorsement": theirs.endorsement}, "for another key"),
        ({"endorsement": earlier.attestation}, "endorsement key"),
        ({"attestation": earlier.device}, "signs whatever it is given"),
        ({"device": b"\x00"}, "cut off"),
        ({"device": earlier.device + b"\x00"}, "after its end"),
    ):
        assert words in refused(laptop.ask(**what)), what


def test_a_key_that_can_leave_its_tpm_is_refused(laptop: TpmLaptop, chip: Chip) -> None:
    """A real TPM makes it and truthfully certifies it: its name says that it can leave."""
    loose = msgspec.structs.replace(DEVICE, attributes=DEVICE.attributes & ~(FIXED_TPM | FIXED_PARENT))
    nonce = laptop.nonce()
    with Tpm(chip.address) as tpm, primary(tpm, OWNER, STORAGE) as (parent, _public):
        made = make_key(tpm, parent, loose)
        with loaded(tpm, parent, laptop.keys.attestation) as by, loaded(tpm, parent, made) as key:
            said, signature = certify_key(tpm, key, by=by, nonce=certified_nonce(nonce))
    claim = msgspec.structs.replace(
        claim_of(laptop.keys, nonce), device=made.public, certified=said, signature=signature
    )
    assert "not fixed to its TPM" in refused(laptop.ask(claim))


def test_a_key_another_attestation_key_vouches_for_is_refused(laptop: TpmLaptop, chip: Chip) -> None:
    """Both lie in the same TPM; the one that is named is not the one that signed."""
    with Tpm(chip.address) as tpm, primary(tpm, OWNER, STORAGE) as (parent, _public):
        another = make_key(tpm, parent, ATTESTATION)
    assert "Another key" in refused(laptop.ask(attestation=another.public))


def test_nothing_is_claimed_without_its_proof(laptop: TpmLaptop) -> None:
    in_a_file = Laptop()
    assert "brings its proof" in refused(in_a_file.start(key_protection="tpm"))
    nonce = laptop.nonce()
    answer = Laptop.start(laptop, key_protection="file", tpm=claim_of(laptop.keys, nonce), nonce=nonce)
    assert "A key in a file is in no TPM" in refused(answer)


def test_a_tpm_may_speak_for_a_computer_whose_key_lies_in_a_file(chip: Chip, settings: Any) -> None:
    laptop = TpmLaptop(chip, key_in_file=True)
    device = laptop.enrolled_for(make_person())
    assert device.key_protection == "file", "that is what rules read"
    assert device.tpm is not None
    assert "swtpm-localca" in device.tpm.maker
    answer = laptop.quote(Firmware(chip).log)
    assert (answer.status_code, answer.json()["vouched"]) == (200, True)
    (said,) = get_posture(laptop.device, now=time.time()).known["secure_boot"].said
    assert said.evidence is Evidence.HARDWARE_ATTESTED
    configured(settings, tpm="verified")
    other = TpmLaptop(chip, key_in_file=True)
    assert "takes only keys that lie in a security chip" in other.ask().json()["message"]


def test_a_tpm_that_is_elsewhere_speaks_for_no_computer(chip: Chip, bare: Chip) -> None:
    """The secret is sealed to the TPM whose keys were shown; one that holds others cannot read it."""
    laptop = TpmLaptop(chip, key_in_file=True)
    theirs = make_tpm_keys(bare.address, device_too=False)
    assert laptop.ask(attestation=theirs.attestation.public).status_code == 200
    with pytest.raises(UnusableTpm):
        laptop.secret()
    assert laptop.prove(secret=b"x" * 32).json()["error"] == "tpm_unproven"
    assert not Enrolment.objects.exists()


def test_where_no_more_may_wait_nothing_dear_is_looked_at(laptop: TpmLaptop, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    monkeypatch.setattr("ostiary.devices.services.tpm.read_makers", lambda instance: read.append(instance) or ())
    monkeypatch.setattr("ostiary.devices.services.enrolling.MAX_WAITING_OF_NETWORK", 0)
    answer = laptop.start()
    assert (answer.status_code, answer.json()["error"]) == (429, "too_many")
    assert not read


@pytest.fixture
def enrolled(laptop: TpmLaptop) -> TpmLaptop:
    laptop.start_again()
    laptop.enrolled_for(make_person())
    return laptop


def test_a_quote_with_the_firmwares_log_says_whether_secure_boot_was_on(enrolled: TpmLaptop) -> None:
    for secure in (True, False):
        enrolled.start_again()
        firmware = Firmware(enrolled.chip, secure=secure)
        answer = enrolled.quote(firmware.log)
        assert answer.json() == {"secure_boot": secure, "why": "", "vouched": True}
        known = get_device(enrolled.device).tpm
        assert known is not None
        assert known.secure_boot is secure
        fact = get_posture(enrolled.device, now=time.time()).known["secure_boot"].counts
        assert (fact.value, fact.source, fact.evidence) == (secure, "tpm", Evidence.HARDWARE_ATTESTED)
    assert enrolled.quote().json()["secure_boot"] is None, "without the log nothing is known"
    known = get_device(enrolled.device).tpm
    assert known is not None
    assert known.secure_boot is None, "what was known before is not kept"
    assert "secure_boot" not in get_posture(enrolled.device, now=time.time()).known


def test_a_tpm_nobody_vouches_for_attests_nothing_by_hardware(bare: Chip) -> None:
    laptop = TpmLaptop(bare)
    laptop.enrolled_for(make_person())
    answer = laptop.quote(Firmware(bare).log).json()
    assert (answer["secure_boot"], answer["vouched"]) == (True, False)
    assert get_posture(laptop.device, now=time.time()).known["secure_boot"].counts.evidence is Evidence.SELF_REPORTED


def test_quotes_that_are_not_of_this_tpm_this_moment_and_these_values(enrolled: TpmLaptop, bare: Chip) -> None:
    firmware = Firmware(enrolled.chip)
    nonce = enrolled.nonce()
    before, used = enrolled.quoted(nonce), UsedNonce.objects.count()
    assert enrolled.quote(firmware.log, quoted=before, nonce=nonce).status_code == 200
    assert UsedNonce.objects.count() == used, "each comes after the one before: nothing has to be kept of them"
    known = get_device(enrolled.device)
    foreign = TpmLaptop(bare)
    foreign.device = enrolled.device
    other = make_tpm_keys(enrolled.chip.address)
    for answer, words in (
        (enrolled.quote(firmware.log, quoted=before), "another moment"),
        (enrolled.quote(firmware.log, quoted=before, nonce=nonce), "sent before"),
        (enrolled.quote(firmware.log, quoted=foreign.quoted(nonce)), "Another key"),
        (enrolled.quote(firmware.log, registers=tuple(bytes(32) for _ in range(8))), "other values"),
        (enrolled.quote(firmware.log, registers=()), "not eight"),
        (enrolled.quote(firmware.log, said=claim_of(enrolled.keys, "x").certified), "Another key"),
    ):
        assert (answer.status_code, words in answer.json()["message"]) in {(403, True), (401, True), (400, True)}, words
    assert foreign.quote(firmware.log).status_code == 401, "its message is another key's"
    mine, enrolled.keys = enrolled.keys, msgspec.structs.replace(enrolled.keys, attestation=other.attestation)
    assert "Another key" in enrolled.quote(firmware.log).json()["message"]
    enrolled.keys = mine
    nonce = enrolled.nonce()
    early = enrolled.quoted(nonce)
    enrolled.chip.extend(4, bytes(32))
    late = enrolled.quoted(nonce)
    mixed = msgspec.structs.replace(early, registers=late.registers)
    assert "other values" in enrolled.quote(firmware.log, quoted=mixed, nonce=nonce).json()["message"]
    assert get_device(enrolled.device) == known, "nothing was changed"
    answer = enrolled.quote(firmware.log).json()
    assert (answer["secure_boot"], "register 4" in answer["why"]) == (None, True), "something else ran meanwhile"


def test_a_log_says_no_more_than_the_registers_bear_out(enrolled: TpmLaptop) -> None:
    """Secure Boot was off, and whoever has the computer would have it on."""
    firmware = Firmware(enrolled.chip, secure=False)
    on = secure_boot(b"\x01")
    pretended = firmware.log.replace(secure_boot(b"\x00"), on)
    hidden = firmware.log.replace((0x8000_0001).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    firmware.say(7, 0x8000_0001, on)
    added = entry(7, 0x8000_0001, on)
    for log, expected in (
        (firmware.log, False),
        (pretended + added, None),
        (hidden + added, None),
        (head() + added + firmware.log[len(head()) :], None),
        (head(), None),
        (b"\x00" * 40, None),
        (firmware.log[:-1], None),
    ):
        answer = enrolled.quote(log)
        assert (answer.status_code, answer.json()["secure_boot"]) == (200, expected), answer.content


def test_a_device_that_ended_or_has_no_tpm_quotes_nothing(enrolled: TpmLaptop) -> None:
    nonce = enrolled.nonce()
    quoted = enrolled.quoted(nonce)
    plain = Laptop()
    plain.enrolled_for(make_person("bo@example.test"))
    enrolled.key, enrolled.device, mine = plain.key, plain.device, (enrolled.key, enrolled.device)
    assert "No TPM was enrolled" in enrolled.quote(quoted=quoted, nonce=nonce).json()["message"]
    enrolled.key, enrolled.device = mine
    report_lost(enrolled.device, actor=MACHINE, sign_out=False)
    assert enrolled.quote().json()["error"] == "ended"
