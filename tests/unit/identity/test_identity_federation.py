"""What another directory's claims are worth, and what is refused: pure, with claims of every shape."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.identity.domain.federation import (
    DIRECTORY,
    GOOGLE_ISSUER,
    MAX_AGE_SECONDS,
    Assertion,
    DirectoryRefused,
    Preset,
    Provider,
    ProviderId,
    Reason,
    UnacceptableProvider,
    check_issuer,
    groups_for,
    is_expected,
    may_link_by_address,
    merge_userinfo,
    read_assertion,
    read_logout,
    refusal_to_provision,
)
from ostiary.identity.domain.proofs import is_enough, may_change_authenticators, proof
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import AuthStrength

NOW = 1_800_000_000.0
TENANT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
ENTRA_ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
PLAIN = Provider(
    id=ProviderId("work"), preset=Preset.OIDC, name="Work", issuer="https://login.example.test", client_id="ostiary"
)
GOOGLE = msgspec.structs.replace(PLAIN, preset=Preset.GOOGLE, issuer=GOOGLE_ISSUER, domains=("example.test",))
ENTRA = msgspec.structs.replace(PLAIN, preset=Preset.ENTRA, issuer=ENTRA_ISSUER)


def read(provider: Provider, **claims: Any) -> Assertion:
    return read_assertion(provider, {"sub": "s-1", **claims}, now=NOW, oldest=NOW - 3600)


def reason(provider: Provider, **claims: Any) -> Reason:
    with pytest.raises(DirectoryRefused) as refused:
        read(provider, **claims)
    return refused.value.reason


@pytest.mark.parametrize(
    ("preset", "issuer", "domains", "words"),
    [
        (Preset.GOOGLE, GOOGLE_ISSUER, (), "every Google account in the world"),
        (Preset.OIDC, GOOGLE_ISSUER, ("example.test",), "every Google account in the world"),
        (Preset.GOOGLE, "https://accounts.example.com", ("example.test",), "Google's issuer"),
        (Preset.ENTRA, "https://login.microsoftonline.com/common/v2.0", (), "every organisation"),
        (Preset.ENTRA, "https://login.microsoftonline.com/organizations/v2.0", (), "every organisation"),
        (Preset.OIDC, "https://login.microsoftonline.com/Common/v2.0", (), "every organisation"),
        (Preset.ENTRA, "https://login.microsoftonline.com/contoso.com/v2.0", (), "not an identifier"),
        (Preset.OIDC, ENTRA_ISSUER, (), "Microsoft's issuer"),
        (Preset.OIDC, "http://login.example.test", (), "must be an https"),
        (Preset.OIDC, "https://login.example.test/?a=b", (), "not an address"),
        (Preset.OIDC, "", (), "not an address"),
    ],
)
def test_an_issuer_that_lets_strangers_in_is_refused(
    preset: Preset, issuer: str, domains: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UnacceptableProvider, match=words):
        check_issuer(preset, issuer, domains)


def test_an_issuer_of_one_organisation_is_taken_as_it_is() -> None:
    for provider in (PLAIN, GOOGLE, ENTRA):
        assert check_issuer(provider.preset, provider.issuer, provider.domains) == provider.issuer


def test_a_google_account_of_another_domain_or_of_none_is_a_stranger() -> None:
    assert reason(GOOGLE, email="ada@gmail.com", email_verified=True) is Reason.WRONG_TENANT
    assert reason(GOOGLE, hd="else.test", email="ada@else.test", email_verified=True) is Reason.WRONG_TENANT
    assert reason(GOOGLE, hd="example.test", email="ada@else.test", email_verified=True) is Reason.WRONG_TENANT
    assert read(GOOGLE, hd="example.test", email="Ada@example.test", email_verified=True).verified


def test_a_microsoft_account_of_another_tenant_is_a_stranger() -> None:
    assert reason(ENTRA, tid="9f2504e0-4f89-41d3-9a0c-0305e82c3301") is Reason.WRONG_TENANT
    assert reason(ENTRA) is Reason.WRONG_TENANT
    assert read(ENTRA, tid=TENANT.upper()).subject == "s-1"


def test_microsofts_address_is_verified_only_when_its_domains_owner_was() -> None:
    claims = {"tid": TENANT, "email": "boss@example.test"}
    assert not read(ENTRA, **claims).verified
    assert not read(ENTRA, **claims, email_verified=True).verified
    assert not read(ENTRA, **claims, xms_edov=False).verified
    assert read(ENTRA, **claims, xms_edov=True).verified
    assert read(ENTRA, **claims, xms_edov="1").verified
    assert read(ENTRA, **claims, xms_edov=1).verified


@pytest.mark.parametrize("said", [None, "true", 1, "yes", [True], False])
def test_elsewhere_only_the_plain_word_true_verifies_an_address(said: object) -> None:
    assert not read(PLAIN, email="ada@example.test", email_verified=said).verified
    assert not read(PLAIN, email="", email_verified=True).verified


def test_linking_by_address_takes_a_verified_address_in_a_domain_that_the_directory_gives_out() -> None:
    owner = msgspec.structs.replace(PLAIN, authoritative=("example.test",))
    good = read(PLAIN, email="ada@example.test", email_verified=True)
    assert may_link_by_address(owner, good)
    assert not may_link_by_address(PLAIN, good)
    assert not may_link_by_address(owner, read(PLAIN, email="ada@example.test"))
    assert not may_link_by_address(owner, read(PLAIN, email="ada@sub.example.test", email_verified=True))
    assert not may_link_by_address(owner, read(PLAIN, email_verified=True))


def test_newcomers_need_a_provider_that_makes_accounts_their_domain_and_a_verified_address() -> None:
    makes = msgspec.structs.replace(PLAIN, provisions=True, domains=("example.test",))
    good = read(PLAIN, email="ada@example.test", email_verified=True)
    assert refusal_to_provision(makes, good) is None
    assert refusal_to_provision(PLAIN, good) is Reason.NOT_INVITED
    assert refusal_to_provision(makes, read(PLAIN, email="a@else.test", email_verified=True)) is Reason.NOT_INVITED
    assert refusal_to_provision(makes, read(PLAIN, email="ada@example.test")) is Reason.ADDRESS_NOT_VERIFIED
    assert refusal_to_provision(makes, read(PLAIN)) is Reason.NOT_INVITED


def test_groups_that_were_left_out_refuse_and_are_never_taken_for_none() -> None:
    assert reason(PLAIN, _claim_names={"groups": "src1"}) is Reason.GROUPS_LEFT_OUT
    assert reason(PLAIN, groups=[f"g{number}" for number in range(1001)]) is Reason.GROUPS_LEFT_OUT
    mapped = msgspec.structs.replace(PLAIN, groups={"a": GroupId("x"), "b": GroupId("y")}, required=("b",))
    found = read(mapped, groups=["b", "a", 3, "", None])
    assert groups_for(mapped, found.values) == ("x", "y")
    assert is_expected(mapped, found)
    assert not is_expected(mapped, read(mapped, groups="a"))
    assert not is_expected(mapped, read(mapped))


def test_a_second_factor_there_counts_by_choice_with_its_moment_and_for_a_while() -> None:
    trusting = msgspec.structs.replace(PLAIN, mfa={"mfa": "otp", "fido": "phishing-resistant", "c1": "otp"})
    at = NOW - 600
    assert read(trusting, amr=["pwd", "mfa"], auth_time=at).method == "directory_otp"
    assert read(trusting, amr=["mfa", "fido"], auth_time=at).method == "directory_phishing_resistant"
    assert read(trusting, acrs=["c1"], auth_time=at).at == at
    for claims in (
        {"amr": ["mfa"]},
        {"amr": ["mfa"], "auth_time": NOW - 7200},
        {"amr": ["mfa"], "auth_time": NOW + 3600},
        {"amr": ["mfa"], "auth_time": True},
        {"amr": ["pwd"], "auth_time": at},
        {"amr": {"mfa": 1}, "auth_time": at},
    ):
        assert read(trusting, **claims).method == DIRECTORY
    assert read(PLAIN, amr=["mfa", "fido"], auth_time=at).method == DIRECTORY


def test_what_a_sign_in_there_is_worth_here() -> None:
    alone, trusted = proof("directory", at=NOW), proof("directory_otp", at=NOW)
    assert (alone.strength, trusted.strength) == (AuthStrength.SINGLE, AuthStrength.OTP)
    assert not is_enough([alone], set_up=(), second_factor_required=True)
    assert not is_enough([alone], set_up=("totp",), second_factor_required=False)
    assert is_enough([trusted], set_up=(), second_factor_required=True)
    assert not may_change_authenticators([trusted], set_up=(), since=NOW + 1)
    assert may_change_authenticators([trusted], set_up=(), since=NOW - 1)
    assert not may_change_authenticators([trusted], set_up=("webauthn",), since=NOW - 1)


def test_userinfo_adds_only_what_may_come_from_there() -> None:
    claims = {"sub": "s-1", "hd": "example.test", "email": "ada@example.test"}
    said = {"sub": "s-1", "hd": "evil.test", "amr": ["mfa"], "email_verified": True, "groups": ["a"], "tid": "x"}
    merged = merge_userinfo(claims, said, groups_claim="groups")
    assert merged == {**claims, "groups": ["a"]}
    both = merge_userinfo({"sub": "s-1", "email_verified": True}, {"sub": "s-1", "email": "b@c.de"}, groups_claim="g")
    assert both == {"sub": "s-1", "email": "b@c.de"}, "verified is believed of the source of the address alone"
    with pytest.raises(DirectoryRefused):
        merge_userinfo(claims, {"sub": "s-2"}, groups_claim="groups")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["sub", "email", "email_verified", "name", "groups", "hd", "tid", "amr", "acr", "auth_time", "_claim_names"]


@settings(max_examples=60, deadline=None)
@given(claims=st.dictionaries(st.sampled_from(NAMES), ANYTHING), preset=st.sampled_from([PLAIN, GOOGLE, ENTRA]))
def test_claims_of_any_shape_are_read_or_refused(claims: dict[str, Any], preset: Provider) -> None:
    try:
        found = read_assertion(preset, claims, now=NOW, oldest=0.0)
    except DirectoryRefused:
        return
    assert found.subject == claims["sub"]
    assert not found.verified or found.address
    assert found.method == DIRECTORY
    assert found.at <= NOW


_LOGOUT = {"iat": NOW, "jti": "w-1", "sub": "s-1", "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": {}},
        {"events": []},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": True}},
        {"nonce": "n"},
        {"iat": NOW - MAX_AGE_SECONDS - 1},
        {"iat": NOW + 120},
        {"iat": True},
        {"iat": "now"},
        {"jti": ""},
        {"jti": 7},
        {"sub": ""},
        {"sub": "\x00"},
        {"sub": 7},
        {"sid": ""},
        {"sid": "x" * 300},
        {"sid": 7},
    ],
)
def test_a_logout_token_that_lacks_anything_is_none(wrong: dict[str, Any]) -> None:
    assert read_logout(_LOGOUT, now=NOW).subject == "s-1"
    assert read_logout({**_LOGOUT, "sub": "", "sid": "here"}, now=NOW).sid == "here"
    with pytest.raises(DirectoryRefused):
        read_logout({**_LOGOUT, **wrong}, now=NOW)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["iat", "jti", "sub", "sid", "events", "nonce"]), ANYTHING))
def test_whatever_a_logout_token_says_it_is_about_somebody_or_refused(claims: dict[str, Any]) -> None:
    try:
        found = read_logout({**_LOGOUT, **claims}, now=NOW)
    except DirectoryRefused:
        return
    assert found.id
    assert found.subject or found.sid
