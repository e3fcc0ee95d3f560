"""A passkey in software: what a browser and a security key do together, for somebody without either.

Source: W3C Web Authentication Level 3, sections 5.8.1 (client data), 6.1 (authenticator data), 6.5.4 (attestation objects).
"""

import base64
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from fido2 import cbor

from ostiary.gateway.replaced_file import replace_file

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
AAGUID = bytes(16)


class StoredPasskey(msgspec.Struct):
    """What is kept of a passkey between two walks."""

    credential: bytes
    key: str
    user: bytes
    count: int = 0


class Passkey:
    """One passkey of one person for the demo's sign-in host, in a file that its owner alone can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stored: StoredPasskey | None = None
        if path.exists():
            self._stored = msgspec.json.decode(path.read_bytes(), type=StoredPasskey)

    @property
    def exists(self) -> bool:
        """Whether it was created before."""
        return self._stored is not None

    def create(self, options: dict[str, Any], origin: str) -> str:
        """Answer a registration and return the credential as the sign-in page posts it."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        credential = hashlib.sha256(pem.encode()).digest()
        self._stored = StoredPasskey(credential=credential, key=pem, user=_bytes(options["user"]["id"]))
        numbers = key.public_key().public_numbers()
        cose = cbor.encode({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        data = self._data(options["rp"]["id"], USER_PRESENT | USER_VERIFIED | ATTESTED)
        data += AAGUID + struct.pack(">H", len(credential)) + credential + cose
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = _client_data("webauthn.create", options["challenge"], origin)
        self._keep()
        return self._answer(
            {"clientDataJSON": _text(client), "attestationObject": _text(attestation), "transports": ["internal"]}
        )

    def answer(self, options: dict[str, Any], origin: str) -> str:
        """Answer a challenge and return the credential as the sign-in page posts it."""
        assert self._stored is not None  # noqa: S101 - asked only after `create`
        self._stored.count += 1
        data = self._data(options["rpId"], USER_PRESENT | USER_VERIFIED)
        client = _client_data("webauthn.get", options["challenge"], origin)
        key = load_pem_private_key(self._stored.key.encode(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - `create` made it
        signature = key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        self._keep()
        return self._answer(
            {
                "clientDataJSON": _text(client),
                "authenticatorData": _text(data),
                "signature": _text(signature),
                "userHandle": _text(self._stored.user),
            }
        )

    def _data(self, relying_party: str, flags: int) -> bytes:
        count = self._stored.count if self._stored else 0
        return hashlib.sha256(relying_party.encode()).digest() + bytes([flags]) + struct.pack(">I", count)

    def _answer(self, response: dict[str, Any]) -> str:
        assert self._stored is not None  # noqa: S101 - both callers have one
        identifier = _text(self._stored.credential)
        return json.dumps(
            {
                "id": identifier,
                "rawId": identifier,
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": {},
                "response": response,
            }
        )

    def _keep(self) -> None:
        replace_file(self._path, msgspec.json.encode(self._stored), mode=0o600)


def _client_data(kind: str, challenge: str, origin: str) -> bytes:
    content = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps(content, separators=(",", ":")).encode()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
