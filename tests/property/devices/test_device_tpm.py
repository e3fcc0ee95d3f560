"""What a TPM says, whatever it is, is read as it was written or refused in words; and a changed statement proves nothing."""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.tpm_emulator import entry, head, secure_boot

from ostiary.devices.domain.tpm.attest import CERTIFY, MAGIC, QUOTE, require_certified, require_quoted
from ostiary.devices.domain.tpm.endorsement import Endorsement, judge_endorsement
from ostiary.devices.domain.tpm.event_log import read_log, require_replayed, secure_boot_of
from ostiary.devices.domain.tpm.public import (
    ATTESTATION,
    DEVICE,
    ENDORSEMENT_ECC,
    ENDORSEMENT_RSA,
    STORAGE,
    public_of,
    read_public,
)
from ostiary.devices.domain.tpm.wire import UnprovenTpm, UnreadableTpm, sized, u16, u32

KEY, DEVICES_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
BY = read_public(public_of(KEY.public_key(), ATTESTATION), ATTESTATION)
ONE = read_public(public_of(DEVICES_KEY.public_key(), DEVICE), DEVICE)
REGISTERS = tuple(bytes([number]) * 32 for number in range(8))
NONCE = b"n" * 32
KINDS = (ENDORSEMENT_RSA, ENDORSEMENT_ECC, STORAGE, ATTESTATION, DEVICE)


def statement(
    *, magic: int = MAGIC, kind: int = QUOTE, nonce: bytes = NONCE, selected: bytes = b"\xff\x00\x00", more: bytes = b""
) -> bytes:
    """Return what a TPM says, by itself or in some other way."""
    before = u32(magic) + u16(kind) + sized(b"s" * 34) + sized(nonce) + bytes(17) + bytes(8)
    if kind == CERTIFY:
        return before + sized(ONE.name) + sized(b"q" * 34) + more
    digest = hashlib.sha256(b"".join(REGISTERS)).digest()
    return before + u32(1) + u16(0x000B) + bytes([len(selected)]) + selected + sized(digest) + more


def signed(said: bytes) -> bytes:
    pair = decode_dss_signature(KEY.sign(said, ec.ECDSA(hashes.SHA256())))
    return u16(0x0018) + u16(0x000B) + b"".join(sized(number.to_bytes(32, "big")) for number in pair)


def quoted(said: bytes, signature: bytes | None = None) -> None:
    require_quoted(said, signed(said) if signature is None else signature, by=BY, registers=REGISTERS, nonce=NONCE)


def test_what_a_tpm_says_is_taken() -> None:
    quoted(statement())
    said = statement(kind=CERTIFY)
    require_certified(said, signed(said), by=BY, certified=ONE, nonce=NONCE)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (statement(magic=0), "by itself"),
        (statement(kind=CERTIFY), "something else"),
        (statement(nonce=b""), "another moment"),
        (statement(selected=b"\x7f\x00\x00"), "other registers"),
        (statement(selected=b"\xff\x01\x00"), "other registers"),
        (statement(selected=b"\xff\x00\x00\x01"), "other registers"),
        (statement(more=b"x"), "after its end"),
        (statement()[:-1], "cut off"),
    ],
)
def test_what_is_signed_by_the_right_key_and_says_something_else(said: bytes, words: str) -> None:
    with pytest.raises((UnprovenTpm, UnreadableTpm), match=words):
        quoted(said)


@settings(max_examples=25)
@given(st.data())
def test_a_changed_statement_proves_nothing(data: st.DataObject) -> None:
    said = statement()
    signature = signed(said)
    whole = said + signature
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    with pytest.raises((UnprovenTpm, UnreadableTpm)):
        quoted(changed[: len(said)], changed[len(said) :])


@settings(max_examples=25)
@given(st.binary(max_size=400))
def test_anything_else_is_refused_in_words(content: bytes) -> None:
    for read in (
        lambda: read_public(content, *KINDS),
        lambda: read_public(sized(DEVICE.head() + content), DEVICE),
        lambda: quoted(content),
        lambda: quoted(statement(), content),
        lambda: read_log(content),
        lambda: read_log(head() + content + b"\x00"),
    ):
        with pytest.raises((UnprovenTpm, UnreadableTpm)):
            read()
    assert not judge_endorsement(content, ONE, makers=(), now=datetime.now(UTC)).verified


@settings(max_examples=15)
@given(st.data())
def test_a_public_key_has_one_form(data: st.DataObject) -> None:
    whole = public_of(DEVICES_KEY.public_key(), DEVICE)
    assert read_public(whole, DEVICE).key == DEVICES_KEY.public_key()
    fixed = len(whole) - 68
    place = data.draw(st.integers(0, fixed - 1))
    changed = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    with pytest.raises((UnprovenTpm, UnreadableTpm)):
        read_public(changed, DEVICE)
    for other in (STORAGE, ATTESTATION, ENDORSEMENT_ECC, ENDORSEMENT_RSA):
        with pytest.raises(UnprovenTpm):
            read_public(whole, other)


def endorsed(
    *,
    uses: tuple[str, ...] = ("2.23.133.8.1",),
    ca: bool = False,
    days: int = 1,
    name: str = "Chips",
    of: object = None,
) -> tuple[bytes, x509.Certificate]:
    """Return a certificate for the key `ONE`, and that of the authority that signed it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    maker = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def made(subject: x509.Name, public: Any, *, authority: bool, last: int) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(maker).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=9))
        builder = builder.not_valid_after(now + timedelta(days=last))
        return builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)

    root = made(maker, key.public_key(), authority=of is None, last=1).sign(key, hashes.SHA256())
    one = made(x509.Name([]), DEVICES_KEY.public_key(), authority=ca, last=days)
    if uses:
        one = one.add_extension(x509.ExtendedKeyUsage(list(map(x509.ObjectIdentifier, uses))), critical=False)
    return one.sign(key, hashes.SHA256()).public_bytes(Encoding.DER), root


def judged(content: bytes, *makers: x509.Certificate) -> Endorsement:
    return judge_endorsement(content, ONE, makers=makers, now=datetime.now(UTC))


def test_a_maker_is_known_by_the_very_certificate_that_signed() -> None:
    content, maker = endorsed()
    stranger, same_name = endorsed()
    assert judged(content, same_name, maker) == Endorsement(verified=True, maker="CN=Chips")
    for unverified, makers, words in (
        (content, (), "said to be CN=Chips"),
        (content, (same_name,), "said to be CN=Chips"),
        (stranger, (maker,), "said to be"),
        (endorsed(name="Ev\x01il\u202e")[0], (maker,), "CN=Ev?il?"),
        (b"", (maker,), "no certificate"),
    ):
        found = judged(unverified, *makers)
        assert (found.verified, words in found.why) == (False, True), found
    for wrong, words in (
        ({"uses": ()}, "does not say"),
        ({"uses": ("1.3.6.1.5.5.7.3.2",)}, "does not say"),
        ({"ca": True}, "authority's"),
        ({"days": -1}, "is over"),
        ({"of": "no authority"}, "Nobody trusted"),
    ):
        content, maker = endorsed(**wrong)
        found = judged(content, maker)
        assert (found.verified, words in found.why) == (False, True), found
    with pytest.raises(UnprovenTpm, match="another key"):
        judge_endorsement(endorsed()[0], BY, makers=(), now=datetime.now(UTC))


CERTIFICATE, MAKER = endorsed()
SIGNED = x509.load_der_x509_certificate(CERTIFICATE).tbs_certificate_bytes
BEGINS = CERTIFICATE.index(SIGNED)


@pytest.mark.filterwarnings("ignore:Parsed a serial number:cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=100)
@given(st.integers(BEGINS, BEGINS + len(SIGNED) - 1), st.integers(1, 255))
@example(BEGINS + 10, 128)
def test_what_is_changed_of_what_was_signed_is_nobodys(place: int, change: int) -> None:
    """How the signature itself is written may vary without harm: nothing is known by the certificate's fingerprint."""
    changed = CERTIFICATE[:place] + bytes([CERTIFICATE[place] ^ change]) + CERTIFICATE[place + 1 :]
    with suppress(UnprovenTpm):
        assert not judged(changed, MAKER).verified


ENTRIES = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([1, 4, 8, 0x8000_0001]), st.binary(max_size=20)), max_size=12
)


@settings(max_examples=25)
@given(ENTRIES, st.booleans(), st.integers(0, 4))
def test_a_log_is_borne_out_by_the_registers_it_makes_and_by_no_others(
    told: list[tuple[int, int, bytes]], on: bool, locality: int
) -> None:
    first = secure_boot(bytes([on]))
    whole = head() + entry(0, 3, b"StartupLocality\x00" + bytes([locality]), bytes(32)) + entry(7, 0x8000_0001, first)
    values = [bytes(32)] * 8
    values[0] = bytes(31) + bytes([locality])
    values[7] = hashlib.sha256(bytes(32) + hashlib.sha256(first).digest()).digest()
    for register, kind, content in told:
        whole += entry(register, kind, content)
        if register < 8:
            values[register] = hashlib.sha256(values[register] + hashlib.sha256(content).digest()).digest()
    entries = read_log(whole)
    assert len(entries) == len(told) + 2
    require_replayed(entries, tuple(values))
    assert secure_boot_of(entries) is on
    for register in range(8):
        wrong = tuple(bytes(32) if at == register else value for at, value in enumerate(values))
        if wrong != tuple(values):
            with pytest.raises(UnprovenTpm, match=f"register {register}"):
                require_replayed(entries, wrong)


@pytest.mark.parametrize(
    "first",
    [
        entry(7, 0x8000_0001, secure_boot(b"\x02")),
        entry(7, 0x8000_0001, secure_boot(b"")),
        entry(7, 0x8000_0001, secure_boot(b"\x01\x01")),
        entry(7, 0x8000_0001, secure_boot(b"\x01", name="SecureBoo2")),
        entry(7, 0x8000_0001, secure_boot(b"\x01") + b"\x00"),
        entry(7, 0x8000_0001, b"\x01"),
        entry(7, 0x8000_0001, secure_boot(b"\x01"), digest=bytes(32)),
        entry(7, 4, bytes(4)) + entry(7, 0x8000_0001, secure_boot(b"\x01")),
        entry(6, 0x8000_0001, secure_boot(b"\x01")),
    ],
)
def test_secure_boot_is_what_the_first_entry_says_or_not_known(first: bytes) -> None:
    assert secure_boot_of(read_log(head() + first)) is None
