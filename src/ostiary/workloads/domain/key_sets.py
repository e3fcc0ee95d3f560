"""Which keys of an issuer's key set may verify its tokens, and with which algorithms. Pure; where the set comes from is `adapters.issuers`'.

Source: RFC 7517, sections 4 and 5; RFC 7518, sections 3 and 6; RFC 8037; RFC 8725, sections 3.1 and 3.5.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from ostiary.workloads.domain.assertions import AssertionRefused
from ostiary.workloads.domain.keys import MAX_RSA_BITS, MIN_RSA_BITS, PublicKey

MAX_KEYS: Final = 50
MAX_KID_CHARACTERS: Final = 500
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
"""Members that make a key private. Who can read such a set can sign as its issuer, so the key proves nothing."""

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_OF_CURVE: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class IssuerKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key of an issuer.

    Args:
        id: its `kid`; `None` for one without a name.
        algorithms: the only ones it verifies: what its kind and its curve allow, and no more than its `alg` says.
        key: the key.
    """

    id: str | None
    algorithms: frozenset[str]
    key: PublicKey


def read_key_set(content: object) -> tuple[IssuerKey, ...]:
    """Return the keys of a key set that may verify tokens; others may stand beside them and are passed over.

    Args:
        content: the key set as it was read from JSON.

    Raises:
        AssertionRefused: when there is none. What keeps the first one out is said.
    """
    found = content.get("keys") if isinstance(content, dict) else None
    usable, problems = [], []
    for one in found[:MAX_KEYS] if isinstance(found, list) else ():
        try:
            usable.append(read_issuer_key(one))
        except AssertionRefused as error:
            problems.append(error.message)
    if not usable:
        why = f" {problems[0]}" if problems else ""
        raise AssertionRefused(f"There is no key in the key set that could be used.{why}")
    return tuple(usable)


def read_issuer_key(jwk: object) -> IssuerKey:
    """Return one key of a key set.

    Raises:
        AssertionRefused: when it is not for signatures, is secret or private, too weak, or says one thing and is another.
    """
    if not isinstance(jwk, dict):
        raise AssertionRefused("A key is no object.")
    kid = jwk.get("kid")
    if not isinstance(kid, str | None) or (kid is not None and len(kid) > MAX_KID_CHARACTERS):
        raise AssertionRefused("A key's `kid` is no short text.")
    if jwk.get("kty") == "oct":
        raise AssertionRefused("A key is a shared secret (`oct`): whoever could verify with it could sign with it.")
    if PRIVATE & jwk.keys():
        raise AssertionRefused("A key is private: whoever reads it can sign as the issuer.")
    if jwk.get("use", "sig") != "sig":
        raise AssertionRefused("A key is not for signatures (`use`).")
    operations = jwk.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise AssertionRefused("A key is not for verifying (`key_ops`).")
    key = _public_key(jwk)
    allowed = _algorithms_of(key)
    said = jwk.get("alg")
    if said is not None and not (isinstance(said, str) and said in allowed):
        raise AssertionRefused(f"A key says `alg` {str(said)[:20]} and is of another kind.")
    return IssuerKey(id=kid, algorithms=frozenset({said}) if said is not None else allowed, key=key)


def _public_key(jwk: Mapping[str, Any]) -> PublicKey:
    # Only what makes up the key is handed on: no member that names an algorithm or leads elsewhere is looked at.
    try:
        match jwk.get("kty"):
            case "RSA":
                key: object = RSAAlgorithm.from_jwk(_members(jwk, "kty", "n", "e"))
            case "EC":
                key = ECAlgorithm.from_jwk(_members(jwk, "kty", "crv", "x", "y"))
            case "OKP":
                key = OKPAlgorithm.from_jwk(_members(jwk, "kty", "crv", "x"))
            case _:
                raise AssertionRefused("A key is of a kind that is not known (`kty`).")
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
        raise AssertionRefused("A key cannot be read.") from None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise AssertionRefused("A key is of a kind that is not accepted.")
    return key


def _algorithms_of(key: PublicKey) -> frozenset[str]:
    match key:
        case rsa.RSAPublicKey():
            if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
                raise AssertionRefused(
                    f"An RSA key has {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted."
                )
            return _RSA
        case ec.EllipticCurvePublicKey():
            if key.curve.name not in _OF_CURVE:
                raise AssertionRefused(f"A key is on the curve {key.curve.name}, which is not accepted.")
            return frozenset({_OF_CURVE[key.curve.name]})
        case _:
            return frozenset({"EdDSA"})


def _members(jwk: Mapping[str, Any], *names: str) -> str:
    return json.dumps({name: jwk[name] for name in names})
