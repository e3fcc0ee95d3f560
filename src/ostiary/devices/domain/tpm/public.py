"""The public halves of the four keys in a TPM that matter here, each in exactly one form. Pure.

| kind | made from | for |
| --- | --- | --- |
| endorsement | the seed its maker put in; always the same | decrypts what only this TPM may read; never signs |
| storage | the owner's seed; always the same | keeps the two below outside of the TPM, encrypted |
| attestation | chance, inside | signs only what the TPM itself says of its keys and registers |
| device | chance, inside | signs messages and TLS handshakes |

A key's name is the digest of its public area, attributes included: whoever knows the name knows whether it can leave its TPM.
Source: TPM Library, Part 2, sections 8.3, 12.2; TCG EK Credential Profile 2.5, B.3.3 and B.3.4 (templates L-1, L-2);
TCG TPM v2.0 Provisioning Guidance, 7.5.1.
"""

import hashlib
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ostiary.devices.domain.tpm.wire import U16, U32, Reader, UnprovenTpm, UnreadableTpm, sized, u16, u32, unsized

ALG_RSA: Final = 0x0001
ALG_SHA256: Final = 0x000B
ALG_NULL: Final = 0x0010
ALG_ECDSA: Final = 0x0018
ALG_ECC: Final = 0x0023
ECC_P256: Final = 0x0003

FIXED_TPM: Final = 1 << 1
FIXED_PARENT: Final = 1 << 4
SENSITIVE_DATA_ORIGIN: Final = 1 << 5
USER_WITH_AUTH: Final = 1 << 6
ADMIN_WITH_POLICY: Final = 1 << 7
NO_DA: Final = 1 << 10
RESTRICTED: Final = 1 << 16
DECRYPT: Final = 1 << 17
SIGN: Final = 1 << 18
BORN_AND_STAYS: Final = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN
"""The TPM made the key itself, and it cannot be taken out, not even for another TPM."""

_AES_128_CFB: Final = u16(0x0006) + u16(128) + u16(0x0043)
_NONE: Final = u16(ALG_NULL)
_ECDSA_SHA256: Final = u16(ALG_ECDSA) + u16(ALG_SHA256)
_CURVE: Final = u16(ECC_P256) + _NONE
_EK_POLICY: Final = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
"""PolicySecret(endorsement): whoever may use the endorsement hierarchy may use the key."""
COORDINATE_BYTES: Final = 32
RSA_BYTES: Final = 256
RSA_EXPONENT: Final = 65537

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of key is made: all of its public area but the key itself.

    Args:
        what: what it is called in errors.
        algorithm: `ALG_ECC` (P-256) or `ALG_RSA` (2048 bit).
        attributes: exactly these.
        policy: the digest of who may use it; empty for the password, which is empty.
        parameters: the rest, as written.
    """

    what: str
    algorithm: int
    attributes: int
    policy: bytes = b""
    parameters: bytes

    def head(self) -> bytes:
        """Return the public area up to the key itself."""
        kinds = u16(self.algorithm) + u16(ALG_SHA256) + u32(self.attributes)
        return kinds + sized(self.policy) + self.parameters

    def blank(self) -> bytes:
        """Return the public area (TPM2B_PUBLIC) to make such a key by."""
        nothing = sized(bytes(RSA_BYTES)) if self.algorithm == ALG_RSA else sized(b"") * 2
        if self.policy and self.algorithm == ALG_ECC:
            nothing = sized(bytes(COORDINATE_BYTES)) * 2
        return sized(self.head() + nothing)


_EK: Final = BORN_AND_STAYS | ADMIN_WITH_POLICY | RESTRICTED | DECRYPT
ENDORSEMENT_RSA: Final = Template(
    what="endorsement key",
    algorithm=ALG_RSA,
    attributes=_EK,
    policy=_EK_POLICY,
    parameters=_AES_128_CFB + _NONE + u16(RSA_BYTES * 8) + u32(0),
)
ENDORSEMENT_ECC: Final = Template(
    what="endorsement key",
    algorithm=ALG_ECC,
    attributes=_EK,
    policy=_EK_POLICY,
    parameters=_AES_128_CFB + _NONE + _CURVE,
)
STORAGE: Final = Template(
    what="storage key",
    algorithm=ALG_ECC,
    attributes=BORN_AND_STAYS | USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT,
    parameters=_AES_128_CFB + _NONE + _CURVE,
)
ATTESTATION: Final = Template(
    what="attestation key",
    algorithm=ALG_ECC,
    attributes=BORN_AND_STAYS | USER_WITH_AUTH | NO_DA | RESTRICTED | SIGN,
    parameters=_NONE + _ECDSA_SHA256 + _CURVE,
)
DEVICE: Final = Template(
    what="device's key",
    algorithm=ALG_ECC,
    attributes=BORN_AND_STAYS | USER_WITH_AUTH | NO_DA | SIGN,
    parameters=_NONE + _NONE + _CURVE,
)
_WORDS: Final = {
    FIXED_TPM: "is not fixed to its TPM",
    FIXED_PARENT: "may be moved to another parent",
    SENSITIVE_DATA_ORIGIN: "was not made in the TPM",
    RESTRICTED: "signs whatever it is given",
}


class PublicArea(msgspec.Struct, frozen=True, kw_only=True):
    """A public key as the TPM writes it.

    Args:
        content: TPMT_PUBLIC, whole.
        key: the key in it.
    """

    content: bytes
    key: PublicKey

    @property
    def name(self) -> bytes:
        """By what the TPM calls it in attestations and credentials: the digest of all of it."""
        return u16(ALG_SHA256) + hashlib.sha256(self.content).digest()


def read_public(content: bytes, *templates: Template) -> PublicArea:
    """Return a public key that is of one of these kinds and of no other.

    Args:
        content: TPM2B_PUBLIC, as it was received, whatever it is.
        templates: the kinds that are taken here.

    Raises:
        UnreadableTpm: when it is no public key.
        UnprovenTpm: when it is one of another kind: it may leave its TPM, or sign what nobody checks.
    """
    area = unsized(content)
    reader = Reader(area)
    algorithm, name_algorithm, attributes = reader.number(U16), reader.number(U16), reader.number(U32)
    template = next((one for one in templates if one.algorithm == algorithm), None)
    if template is None or name_algorithm != ALG_SHA256:
        raise UnprovenTpm(f"The {templates[0].what} is of a kind that is not taken.")
    if attributes != template.attributes:
        raise UnprovenTpm(f"The {template.what} {_wrong(attributes, template)}.")
    if not area.startswith(template.head()):
        raise UnprovenTpm(f"The {template.what} is of a kind that is not taken.")
    return PublicArea(content=area, key=_key(Reader(area[len(template.head()) :]), template))


def public_of(key: PublicKey, template: Template) -> bytes:
    """Return the public area (TPM2B_PUBLIC) that such a key with this template has."""
    if isinstance(key, rsa.RSAPublicKey):
        return sized(template.head() + sized(key.public_numbers().n.to_bytes(RSA_BYTES, "big")))
    numbers = key.public_numbers()
    point = (number.to_bytes(COORDINATE_BYTES, "big") for number in (numbers.x, numbers.y))
    return sized(template.head() + b"".join(map(sized, point)))


def _wrong(attributes: int, template: Template) -> str:
    missing = template.attributes & ~attributes
    return next((words for bit, words in _WORDS.items() if missing & bit), "is made for other things too")


def _key(reader: Reader, template: Template) -> PublicKey:
    try:
        if template.algorithm == ALG_RSA:
            modulus = reader.sized(at_most=RSA_BYTES)
            reader.end()
            return _rsa(modulus)
        x, y = reader.sized(at_most=COORDINATE_BYTES), reader.sized(at_most=COORDINATE_BYTES)
        reader.end()
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
        return numbers.public_key()
    except ValueError:
        raise UnreadableTpm(f"The {template.what} is no key.") from None


def _rsa(modulus: bytes) -> rsa.RSAPublicKey:
    number = int.from_bytes(modulus, "big")
    if number.bit_length() != RSA_BYTES * 8:
        raise ValueError
    return rsa.RSAPublicNumbers(RSA_EXPONENT, number).public_key()
