"""Keys in a TPM: made there, used there, proven to the instance. What is kept of them on disk works in that TPM alone.

`tpm.json` says where the TPM is and holds the attestation key, and the device's where that lies there too, encrypted by the TPM for itself. For
other programs `device.key` then holds the device's key in their form (TSS2 PRIVATE KEY), encrypted likewise.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ostiary.agent.tpm import Tpm, UnusableTpm
from ostiary.agent.tpm_commands import (
    ENDORSEMENT,
    OWNER,
    Made,
    activate_credential,
    certify_key,
    loaded,
    make_key,
    primary,
    quote_registers,
    read_public,
    read_registers,
    read_stored,
    sign_digest,
)
from ostiary.devices.domain.answers import Challenge
from ostiary.devices.domain.messages import Quoted, TpmClaim
from ostiary.devices.domain.tpm.attest import certified_nonce, quoted_nonce
from ostiary.devices.domain.tpm.event_log import MAX_LOG_BYTES
from ostiary.devices.domain.tpm.public import ATTESTATION, DEVICE, ENDORSEMENT_ECC, ENDORSEMENT_RSA, STORAGE, Template
from ostiary.devices.domain.tpm.public import read_public as read_area
from ostiary.devices.domain.tpm.wire import UnprovenTpm, UnreadableTpm

EVENT_LOG: Final = Path("/sys/kernel/security/tpm0/binary_bios_measurements")
_ENDORSEMENTS: Final = ((ENDORSEMENT_RSA, 0x81010001, 0x01C00002), (ENDORSEMENT_ECC, 0x81010002, 0x01C0000A))
"""Templates with where a TPM commonly keeps the key and its maker's certificate (TCG PC Client Reserved Handles; EK Profile, 2.2.1.4)."""
_PEM_LINE: Final = 64


class TpmKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys made for this computer, and in which TPM; `device` is `None` where the device's own lies in a file."""

    address: str
    device: Made | None = None
    attestation: Made


class TpmKey:
    """Signs as a private key does, in the TPM."""

    def __init__(self, keys: TpmKeys) -> None:
        if keys.device is None:
            raise UnusableTpm("The key of this computer lies in no TPM.", hint="Enrol anew.")
        self.keys, self._made = keys, keys.device

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half.

        Raises:
            UnusableTpm: when what is kept of it is no key.
        """
        try:
            key = read_area(self._made.public, DEVICE).key
        except (UnreadableTpm, UnprovenTpm) as error:
            raise UnusableTpm(f"What is kept of the key cannot be used: {error.message}", hint="Enrol anew.") from None
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise UnusableTpm("What is kept of the key cannot be used.", hint="Enrol anew.")
        return key

    def sign(self, data: bytes, _algorithm: ec.EllipticCurveSignatureAlgorithm, /) -> bytes:
        """Return a signature by ECDSA with SHA-256, which is the only kind the device's key is asked for (DER)."""
        with Tpm(self.keys.address) as tpm, _storage(tpm) as parent, loaded(tpm, parent, self._made) as key:
            return encode_dss_signature(*sign_digest(tpm, key, sha256(data).digest()))


def make_tpm_keys(address: str, *, device_too: bool = True) -> TpmKeys:
    """Have a TPM make the key that it attests with, and the device's.

    Args:
        address: of the TPM.
        device_too: otherwise the device's lies in a file.

    Raises:
        UnusableTpm: when it cannot.
    """
    with Tpm(address) as tpm, _storage(tpm) as parent:
        device = make_key(tpm, parent, DEVICE) if device_too else None
        attestation = make_key(tpm, parent, ATTESTATION)
    return TpmKeys(address=address, device=device, attestation=attestation)


def claim_of(keys: TpmKeys, nonce: str) -> TpmClaim:
    """Return what is told of a TPM at enrolment: its keys, its maker's certificate, and its word on the device's key where it holds that.

    Args:
        keys: as `make_tpm_keys` made them.
        nonce: the instance's, of the same message.

    Raises:
        UnusableTpm: when it cannot.
    """
    with Tpm(keys.address) as tpm:
        said = signature = b""
        if keys.device is not None:
            with (
                _storage(tpm) as parent,
                loaded(tpm, parent, keys.attestation) as by,
                loaded(tpm, parent, keys.device) as key,
            ):
                said, signature = certify_key(tpm, key, by=by, nonce=certified_nonce(nonce))
        certificate, template, at = _endorsed(tpm)
        with _endorsement(tpm, template, at) as (_handle, public):
            return TpmClaim(
                endorsement=public,
                certificate=certificate,
                attestation=keys.attestation.public,
                device=keys.device.public if keys.device is not None else b"",
                certified=said,
                signature=signature,
            )


def open_challenge(keys: TpmKeys, challenge: Challenge) -> bytes:
    """Return the secret that only this TPM can read. Raises `UnusableTpm` when it cannot, either."""
    with Tpm(keys.address) as tpm:
        _certificate, template, at = _endorsed(tpm)
        with (
            _endorsement(tpm, template, at) as (endorsement, _public),
            _storage(tpm) as parent,
            loaded(tpm, parent, keys.attestation) as attestation,
        ):
            return activate_credential(
                tpm, attestation=attestation, endorsement=endorsement, blob=challenge.blob, seed=challenge.seed
            )


def quote_of(keys: TpmKeys, nonce: str, *, device: str) -> Quoted:
    """Return what the TPM says of how this computer started. Raises `UnusableTpm` when it cannot."""
    with Tpm(keys.address) as tpm, _storage(tpm) as parent, loaded(tpm, parent, keys.attestation) as by:
        registers = read_registers(tpm)
        said, signature = quote_registers(tpm, by=by, nonce=quoted_nonce(nonce, device=device))
    return Quoted(said=said, signature=signature, registers=registers)


def read_event_log(path: Path = EVENT_LOG) -> bytes:
    """Return the firmware's log; empty where it cannot be read: often only root may, and many emulators keep none."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LOG_BYTES + 1)
    except OSError:
        return b""
    return content if len(content) <= MAX_LOG_BYTES else b""


def pem_of_key(key: Made) -> bytes:
    """Return a key as OpenSSL's provider for TPMs reads it (draft-bottomley-tpm2-keys, section 3.1)."""
    inside = (
        b"\x06\x06\x67\x81\x05\x0a\x01\x03" + _der(0xA0, _der(0x01, b"\xff")) + _der(0x02, OWNER.to_bytes(4, "big"))
    )
    whole = base64.b64encode(_der(0x30, inside + _der(0x04, key.public) + _der(0x04, key.private))).decode()
    lines = (whole[at : at + _PEM_LINE] for at in range(0, len(whole), _PEM_LINE))
    return "\n".join(("-----BEGIN TSS2 PRIVATE KEY-----", *lines, "-----END TSS2 PRIVATE KEY-----", "")).encode()


@contextmanager
def _storage(tpm: Tpm) -> Iterator[int]:
    with primary(tpm, OWNER, STORAGE) as (handle, _public):
        yield handle


def _endorsed(tpm: Tpm) -> tuple[bytes, Template, int]:
    """Return the maker's certificate with what its key was made by; without one, the commonest key."""
    for template, at, index in _ENDORSEMENTS:
        if certificate := _certificate(read_stored(tpm, index)):
            return certificate, template, at
    template, at, _index = _ENDORSEMENTS[0]
    return b"", template, at


@contextmanager
def _endorsement(tpm: Tpm, template: Template, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the endorsement key: where the TPM keeps it, else derived again, which takes a while."""
    public = read_public(tpm, at)
    try:
        read_area(public, template)
    except (UnreadableTpm, UnprovenTpm):
        with primary(tpm, ENDORSEMENT, template) as derived:
            yield derived
    else:
        yield at, public


def _certificate(stored: bytes) -> bytes:
    """Return the certificate that stands at the beginning of a place in the TPM's memory, which may be larger; empty for none."""
    if len(stored) < 4 or stored[:2] != b"\x30\x82":
        return b""
    content = stored[: 4 + int.from_bytes(stored[2:4], "big")]
    try:
        x509.load_der_x509_certificate(content)
    except ValueError:
        return b""
    return content


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    many = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(many)]) + many + content
