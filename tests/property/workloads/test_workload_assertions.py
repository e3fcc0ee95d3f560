"""Whatever is handed in as an assertion, a key, an issuer or a claim: it is judged or refused in words, and never by accident believed."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.gateway.decider.authorization import UNREADABLE, own_token
from ostiary.gateway.tokens import InvalidToken
from ostiary.gateway.workload_tokens import WorkloadClaims, read_workload, sign_workload
from ostiary.policy.bearers import PREFIXES
from ostiary.policy.identifiers import AppId, ServiceId
from ostiary.workloads.domain.assertions import AssertionRefused, judge_times, unverified
from ostiary.workloads.domain.keys import UnusableKey, parse_public_key
from ostiary.workloads.domain.trust import UnusableTrust, parse_claims, parse_issuer, unmet_claim
from ostiary.workloads.domain.verifying import read_own

KEY = ed25519.Ed25519PrivateKey.generate()
JWK = parse_public_key(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
ON_AN_UNKNOWN_CURVE = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB
AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==
-----END PUBLIC KEY-----
"""
"""Well formed, on the curve SM2."""

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda content: content.decode("latin-1")))
def test_garbage_is_refused_in_words(text: str) -> None:
    with pytest.raises(AssertionRefused):
        unverified(text)
    with pytest.raises(UnusableKey):
        parse_public_key(text)
    with pytest.raises(InvalidToken):
        read_workload(b"k" * 32, text)
    assert own_token(text) is None or any(prefix in text.lower() for prefix in PREFIXES)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]), values))
def test_claims_of_any_form_are_judged_or_refused(claims: dict[str, Any]) -> None:
    """Signed with the right key, only claims that say exactly what they must are taken."""
    try:
        token = jwt.encode(claims, KEY, algorithm="EdDSA")
    except (TypeError, ValueError):
        return
    now = time.time()
    try:
        read_own(token, [JWK], service="robot", audiences=["https://id.test"])
        ends_at = judge_times(claims, now=now, longest=600, jti=True)
    except AssertionRefused:
        return
    assert (claims["iss"], claims["sub"]) == ("robot", "robot")
    assert now - 30 < ends_at < now + 631


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=4))
def test_rules_for_claims_keep_strangers_out_or_are_refused(claims: dict[str, str]) -> None:
    try:
        rules = parse_claims(claims)
    except UnusableTrust:
        return
    assert unmet_claim(rules, {}) is not None
    assert unmet_claim(rules, rules) is None


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), values)
def test_a_claim_without_a_star_is_met_by_itself_alone(wanted: str, said: Any) -> None:
    wanted = wanted.replace("*", "")
    met = unmet_claim({"sub": wanted}, {"sub": said}) is None
    if met:
        assert (said if not isinstance(said, bool) else str(said).lower()) == wanted or str(said) == wanted
    assert unmet_claim({"sub": wanted}, {"sub": wanted}) is None


def test_a_star_stands_for_anything_and_nothing_else_does() -> None:
    assert unmet_claim({"ref": "refs/tags/v*"}, {"ref": "refs/tags/v1.2/x\n"}) is None
    assert unmet_claim({"ref": "refs/tags/v*"}, {"ref": "refs/heads/v1"}) == "ref"
    assert unmet_claim({"ref": "a.c"}, {"ref": "abc"}) == "ref"
    assert unmet_claim({"n": "7", "b": "true"}, {"n": 7, "b": True}) is None


def test_many_stars_cost_no_more_than_one() -> None:
    """Whoever names a branch chooses the text, so it is compared in one pass and not in every possible way."""
    assert unmet_claim({"ref": "*a" * 200 + "b"}, {"ref": "a" * 1900}) == "ref"
    assert unmet_claim({"ref": "*a" * 200}, {"ref": "a" * 1900}) is None
    for wanted, said in (("a*a", "a"), ("ab*ba", "aba"), ("a*b*c", "acb"), ("*b*b", "b")):
        assert unmet_claim({"ref": wanted}, {"ref": said}) == "ref", wanted


def test_a_workflow_that_others_may_call_does_not_say_whose_job_it_is() -> None:
    """Anybody's repository may call a public workflow; its jobs then carry that workflow's name."""
    workflow = "acme/flows/.github/workflows/deploy.yml@refs/heads/main"
    with pytest.raises(UnusableTrust, match="whose job"):
        parse_claims({"job_workflow_ref": workflow})
    assert parse_claims({"job_workflow_ref": workflow, "repository_owner": "acme"})


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60).map(lambda rest: f"https://{rest}"))
def test_an_issuer_is_an_address_or_is_refused(text: str) -> None:
    try:
        assert parse_issuer(text) == text
    except UnusableTrust:
        return
    assert "?" not in text.rstrip("?#") or text.isascii()
    assert "@" not in text.split("/")[2]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.sampled_from(PREFIXES), st.text(max_size=20))
def test_what_names_a_token_of_ours_is_never_taken_for_the_apps_own(before: str, prefix: str, after: str) -> None:
    found = own_token(f"{before}{prefix}{after}")
    assert found is not None
    assert found == UNREADABLE or found.startswith(PREFIXES)


def test_keys_that_are_private_weak_or_of_another_kind_are_refused() -> None:
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(UnusableKey, match="private"):
        parse_public_key(private)
    for weak in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())):  # noqa: S505 - that is the point
        with pytest.raises(UnusableKey):
            parse_public_key(pem(weak))
    with pytest.raises(UnusableKey):
        parse_public_key('{"kty": "oct", "k": "c2VjcmV0"}')
    with pytest.raises(UnusableKey):
        parse_public_key(ON_AN_UNKNOWN_CURVE)
    with pytest.raises(UnusableKey):
        parse_public_key(jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 200), st.integers(1, 255))
def test_a_token_with_one_bit_changed_is_no_token(place: int, flip: int) -> None:
    claims = WorkloadClaims(
        service=ServiceId("robot"), app=AppId("wiki"), issued_at=1000.0, expires_at=1600.0, jti="x" * 22
    )
    token = sign_workload(b"k" * 32, claims)
    assert read_workload(b"k" * 32, token) == claims
    content = bytearray(token.encode())
    # The last character carries bits that mean nothing.
    place %= len(content) - 1
    content[place] ^= flip
    with pytest.raises(InvalidToken):
        read_workload(b"k" * 32, content.decode("latin-1"))
