"""What an issuer publishes as its keys: which of it verifies tokens, and which never does."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from ostiary.workloads.domain.assertions import AssertionRefused
from ostiary.workloads.domain.key_sets import read_issuer_key, read_key_set
from ostiary.workloads.domain.verifying import read_federated, read_own

EC = ec.generate_private_key(ec.SECP256R1())
EC384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
P256: dict[str, Any] = ECAlgorithm.to_jwk(EC.public_key(), as_dict=True)
P384: dict[str, Any] = ECAlgorithm.to_jwk(EC384.public_key(), as_dict=True)
R2048: dict[str, Any] = {k: v for k, v in RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True).items() if k != "key_ops"}
ED25519: dict[str, Any] = OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True)
WEAK = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)  # noqa: S505 - the point
K256 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256K1()).public_key(), as_dict=True)
ED448 = OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key(), as_dict=True)
RSA_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
ISSUER = "https://issuer.test"


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        (P256, {"ES256"}),
        (P384, {"ES384"}),
        (R2048, RSA_ALGORITHMS),
        (ED25519, {"EdDSA"}),
        ({**R2048, "alg": "PS256"}, {"PS256"}),
        ({**P256, "alg": "ES256", "use": "sig", "key_ops": ["verify"], "kid": "one", "x5c": ["…"]}, {"ES256"}),
    ],
)
def test_a_key_verifies_what_it_is_for(jwk: dict[str, Any], algorithms: set[str]) -> None:
    assert read_issuer_key(jwk).algorithms == algorithms


@pytest.mark.parametrize(
    ("jwk", "words"),
    [
        ({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, "shared secret"),
        ({"kty": "oct"}, "shared secret"),
        ({**P256, "alg": "RS256"}, "of another kind"),
        ({**P256, "alg": "ES384"}, "of another kind"),
        ({**R2048, "alg": "ES256"}, "of another kind"),
        ({**R2048, "alg": "HS256"}, "of another kind"),
        ({**R2048, "alg": "none"}, "of another kind"),
        ({**R2048, "alg": "RSA-OAEP"}, "of another kind"),
        ({**ED25519, "alg": "ES256"}, "of another kind"),
        ({**P256, "alg": 7}, "of another kind"),
        ({**P256, "kty": "RSA"}, "cannot be read"),
        ({**R2048, "kty": "EC"}, "cannot be read"),
        ({**P256, "crv": "P-384"}, "cannot be read"),
        ({**P256, "x": "AA", "y": "AA"}, "cannot be read"),
        ({**R2048, "e": "AQ"}, "cannot be read"),
        (WEAK, "1024 bits"),
        (K256, "secp256k1"),
        (ED448, "not accepted"),
        ({**P256, "use": "enc"}, "not for signatures"),
        ({**P256, "key_ops": ["encrypt"]}, "not for verifying"),
        ({**P256, "key_ops": "verify"}, "not for verifying"),
        ({**P256, "d": "AA"}, "private"),
        ({**R2048, "p": "AA"}, "private"),
        ({**P256, "kid": 7}, "no short text"),
        ({**P256, "kid": "x" * 600}, "no short text"),
        ({"kty": "AKP"}, "not known"),
        ("text", "no object"),
    ],
)
def test_a_key_that_is_secret_weak_or_not_what_it_says_verifies_nothing(jwk: Any, words: str) -> None:
    with pytest.raises(AssertionRefused, match=words):
        read_issuer_key(jwk)
    with pytest.raises(AssertionRefused, match=words):
        read_key_set({"keys": [jwk]})
    assert len(read_key_set({"keys": [jwk, P256]})) == 1, "others beside it stay"


def test_a_token_is_verified_with_an_algorithm_of_its_key_alone() -> None:
    claims = {"iss": ISSUER, "aud": "us"}
    (narrow,) = read_key_set({"keys": [{**R2048, "alg": "PS256"}]})
    signed = {alg: jwt.encode(claims, RSA, algorithm=alg) for alg in ("RS256", "PS256")}
    assert read_federated(signed["PS256"], [narrow], issuer=ISSUER, audience="us") == claims
    with pytest.raises(AssertionRefused, match="not for the algorithm"):
        read_federated(signed["RS256"], [narrow], issuer=ISSUER, audience="us")


def test_a_services_own_key_of_another_curve_signs_no_es256() -> None:
    """RFC 7518 ties each algorithm to its curve; libraries that do not look take any."""
    claims = {"iss": "robot", "sub": "robot", "aud": "us"}
    own = [{**P384, "kid": "k"}]
    assert read_own(jwt.encode(claims, EC384, algorithm="ES384"), own, service="robot", audiences=["us"]) == "k"
    head = jwt.utils.base64url_encode(json.dumps({"alg": "ES256"}).encode()).decode()
    forged = ".".join([head, *jwt.encode(claims, EC384, algorithm="ES384").split(".")[1:]])
    with pytest.raises(AssertionRefused):
        read_own(forged, own, service="robot", audiences=["us"])


members = st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.lists(st.text(max_size=6), max_size=2)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([P256, R2048, ED25519, {"kty": "oct"}]),
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "key_ops", "kid", "d", "k"]), members
    ),
)
def test_a_key_of_any_form_is_read_or_refused(good: dict[str, Any], changes: dict[str, Any]) -> None:
    try:
        found = read_issuer_key({**good, **changes})
    except AssertionRefused:
        return
    assert found.algorithms
    assert not any(one.startswith("HS") for one in found.algorithms)


@settings(max_examples=30, deadline=None)
@given(st.recursive(members, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("keys"), inner)))
def test_what_is_no_key_set_is_refused(content: Any) -> None:
    with pytest.raises(AssertionRefused):
        read_key_set(content)
