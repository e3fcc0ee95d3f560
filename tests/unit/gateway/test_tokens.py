"""The tokens between the sign-in host, the decision service, the data plane and the apps."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ostiary.gateway.tokens import (
    HANDOVER_SECONDS,
    AssertionSigner,
    GrantSigner,
    HandoverClaims,
    InvalidToken,
    SessionClaims,
    bind_of,
    read_handover,
    read_session,
    sign_handover,
    sign_session,
)
from ostiary.policy.identifiers import AppId, PersonId, SessionId

KEY = b"k" * 48
OTHER_KEY = b"o" * 48
SESSION = SessionClaims(app=AppId("wiki"), person=PersonId("p1"), session=SessionId("s1"))
HANDOVER = HandoverClaims(
    app=AppId("wiki"),
    person=PersonId("p1"),
    session=SessionId("s1"),
    bind=bind_of("begin"),
    return_path="/page",
    issued_at=1000.0,
    expires_at=1000.0 + HANDOVER_SECONDS,
    jti="j1",
)


def forge(payload: dict, key: bytes = KEY, **extra: Any) -> str:
    return jwt.encode({**payload, **extra}, key, algorithm="HS256")


def session_payload() -> dict:
    return jwt.decode(sign_session(KEY, SESSION, now=1000.0), options={"verify_signature": False}, algorithms=["HS256"])


def test_a_session_survives() -> None:
    assert read_session(KEY, sign_session(KEY, SESSION, now=1000.7)) == SESSION


def test_a_handover_survives() -> None:
    assert read_handover(KEY, sign_handover(KEY, HANDOVER), app=AppId("wiki"), now=1001.0) == HANDOVER


@pytest.mark.parametrize(
    "make",
    [
        lambda: sign_session(OTHER_KEY, SESSION, now=1.0),
        lambda: sign_session(KEY, SESSION, now=1.0)[:-2],
        lambda: sign_session(KEY, SESSION, now=1.0) + "a",
        lambda: sign_handover(KEY, HANDOVER),
        lambda: jwt.encode(session_payload(), "", algorithm="none"),
        lambda: forge(session_payload(), sub=None),
        lambda: forge(session_payload(), sub=["p1"]),
        lambda: forge(session_payload(), aud=["wiki", "payroll"]),
        lambda: forge(session_payload(), sid=""),
        lambda: forge({"iss": "ostiary-gateway", "aud": "wiki"}),
        lambda: "",
        lambda: "a.b.c",
        lambda: "..",
        lambda: "ä.ö.ü",
        lambda: "a" * 10_000,
        lambda: "\x00",
        lambda: base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode() + "." + "W10" + ".",
        lambda: base64.urlsafe_b64encode(b"[" * 3000).decode()[:4000] + ".e30.",
    ],
)
def test_anything_else_is_no_session(make: Callable[[], str]) -> None:
    with pytest.raises(InvalidToken):
        read_session(KEY, make())


@pytest.mark.parametrize(
    ("changes", "app", "now"),
    [
        ({}, "payroll", 1001.0),
        ({}, "wiki", 1000.0 + HANDOVER_SECONDS),
        ({}, "wiki", 900.0),
        ({"expires_at": 5000.0}, "wiki", 1001.0),
        ({"issued_at": 1002.0, "expires_at": 1001.5}, "wiki", 1001.6),
    ],
)
def test_a_handover_is_good_for_its_app_and_its_moment_only(changes: dict, app: str, now: float) -> None:
    token = sign_handover(KEY, msgspec.structs.replace(HANDOVER, **changes))
    with pytest.raises(InvalidToken):
        read_handover(KEY, token, app=AppId(app), now=now)


ANYTHING_ELSE: tuple[Any, ...] = (None, True, [], "")
MALFORMED: list[tuple[str, Any]] = [
    (claim, value) for claim in ("aud", "sub", "sid", "bind", "ret", "jti", "iat", "exp") for value in ANYTHING_ELSE
]


@pytest.mark.parametrize(("claim", "value"), [*MALFORMED, ("iat", "x"), ("exp", "x"), ("aud", "x")])
def test_a_handover_with_a_malformed_claim_is_refused(claim: str, value: object) -> None:
    token = sign_handover(KEY, HANDOVER)
    payload = jwt.decode(token, options={"verify_signature": False}, algorithms=["HS256"])
    with pytest.raises(InvalidToken):
        read_handover(KEY, forge({**payload, claim: value}), app=AppId("wiki"), now=1001.0)


def test_a_session_is_no_handover() -> None:
    with pytest.raises(InvalidToken):
        read_handover(KEY, sign_session(KEY, SESSION, now=1000.0), app=AppId("wiki"), now=1001.0)


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_apps_verify_assertions_with_the_published_key_alone() -> None:
    signer = AssertionSigner(pem(ec.generate_private_key(ec.SECP256R1())), issuer="https://id.example.test/")
    token = signer.sign({"aud": "wiki", "sub": "p1", "exp": 4_000_000_000})
    published = jwt.PyJWKSet.from_dict(json.loads(signer.key_set()))
    key = published[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="wiki", issuer="https://id.example.test/")
    assert claims["sub"] == "p1"
    assert not {"d", "p", "q"} & set(json.loads(signer.key_set())["keys"][0])


def test_only_a_p256_key_signs_assertions() -> None:
    for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(InvalidToken):
            AssertionSigner(pem(key), issuer="x")


def test_grants_verify_with_the_public_half() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    signer = GrantSigner(kid="k7", private=private.private_bytes_raw(), issuer="https://id.example.test/")
    token = signer.sign({"aud": "wiki", "exp": 4_000_000_000, "h_x": "ü"})
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": "k7", "typ": "JWT"}
    assert jwt.decode(token, private.public_key(), algorithms=["EdDSA"], audience="wiki")["h_x"] == "ü"
