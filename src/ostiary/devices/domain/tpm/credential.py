"""A secret that only one TPM can read, and only while it holds one other key: what proves that both keys are in it. Pure.

The secret is sealed to the endorsement key *and* to the name of the attestation key. A TPM opens it (TPM2_ActivateCredential) only when
it has both loaded; the name says that the attestation key cannot have come from elsewhere.
Source: TPM Library, Part 1, sections 11.4.10 (KDFa, KDFe), 24 (credential protection), B.10.4 (RSA), C.6.4 (ECC).
"""

import hashlib
import hmac
from typing import Final

import msgspec
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from ostiary.devices.domain.tpm.public import COORDINATE_BYTES, PublicArea
from ostiary.devices.domain.tpm.wire import sized, u32

SECRET_BYTES: Final = 32
_IDENTITY: Final = b"IDENTITY\x00"
_BITS: Final = 256
_AES_BITS: Final = 128


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed secret: TPM2B_ID_OBJECT, and the TPM2B_ENCRYPTED_SECRET that its keys come from."""

    blob: bytes
    seed: bytes


def make_credential(
    endorsement: PublicArea, *, name: bytes, secret: bytes, seed: bytes, ephemeral: ec.EllipticCurvePrivateKey
) -> Credential:
    """Seal a secret (TPM2_MakeCredential).

    Args:
        endorsement: the key that opens it.
        name: of the key that must be in the same TPM.
        secret: 32 bytes nobody can foresee.
        seed: 32 more, for an RSA key.
        ephemeral: a key made for this alone, for an elliptic curve's.
    """
    if isinstance(endorsement.key, rsa.RSAPublicKey):
        oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=_IDENTITY)
        sealed_seed = endorsement.key.encrypt(seed, oaep)
    else:
        seed, sealed_seed = _agree(endorsement.key, ephemeral)
    aes = Cipher(AES(_kdfa(seed, b"STORAGE", name, _AES_BITS)), CFB(bytes(16))).encryptor()
    inside = aes.update(sized(secret)) + aes.finalize()
    outer = hmac.digest(_kdfa(seed, b"INTEGRITY", b"", _BITS), inside + name, "sha256")
    return Credential(blob=sized(sized(outer) + inside), seed=sized(sealed_seed))


def _agree(key: ec.EllipticCurvePublicKey, ephemeral: ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
    """Return the seed both sides come to, and the point that lets the TPM come to it (KDFe, Part 1, C.6.1)."""
    mine, theirs = ephemeral.public_key().public_numbers(), key.public_numbers()
    x, y, their_x = (one.to_bytes(COORDINATE_BYTES, "big") for one in (mine.x, mine.y, theirs.x))
    shared = ephemeral.exchange(ec.ECDH(), key)
    return hashlib.sha256(u32(1) + shared + _IDENTITY + x + their_x).digest(), sized(x) + sized(y)


def _kdfa(key: bytes, label: bytes, context: bytes, bits: int) -> bytes:
    """Return key material (KDFa): one round of SHA-256 is all that is ever needed here."""
    return hmac.digest(key, u32(1) + label + b"\x00" + context + u32(bits), "sha256")[: bits // 8]
