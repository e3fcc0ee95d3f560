"""The key that signs grants until the next revocation, and the form in which the data plane knows it."""

import base64
import json
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.policy.snapshot import GrantKey


def new_grant_key() -> GrantKey:
    """Return a key that no grant was signed with before."""
    return GrantKey(kid=secrets.token_hex(8), private=Ed25519PrivateKey.generate().private_bytes_raw())


def key_set(key: GrantKey) -> str:
    """Return the public half as a JSON key set (RFC 7517, RFC 8037)."""
    public = Ed25519PrivateKey.from_private_bytes(key.private).public_key().public_bytes_raw()
    coordinate = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    entry = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.kid, "x": coordinate}
    return json.dumps({"keys": [entry]}, separators=(",", ":"))
