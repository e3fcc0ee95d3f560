"""What clients may be and ask: whatever is typed or sent, nothing but a known error, and never a looser meaning."""

import base64
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.oidc.domain.authorization import AuthorizationRefused, answers_challenge, read_asked, single_values
from ostiary.oidc.domain.claims import About, acr_of, amr_of, claims_about, counted_since
from ostiary.oidc.domain.client import (
    FIXED_CLAIMS,
    Client,
    ClientKind,
    UnusableClient,
    is_loopback,
    origin_of,
    parse_backchannel_uri,
    parse_claims,
    parse_keys,
    parse_redirect_uris,
    parse_roles,
)
from ostiary.oidc.domain.presets import PRESETS, find_preset
from ostiary.policy.identifiers import AppId, MalformedIdentifier
from ostiary.policy.request import Authentication, AuthStrength

CALLBACK = "https://books.example.org/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CODES = {
    "",
    "invalid_request",
    "invalid_scope",
    "unsupported_response_type",
    "request_not_supported",
    "request_uri_not_supported",
}
TEXTS = st.text(st.characters(blacklist_categories=()), max_size=60)


def client(**more: Any) -> Client:
    given = {"id": AppId("books"), "name": "Books", "kind": ClientKind.SECRET, "redirect_uris": (CALLBACK,), **more}
    return Client(**given)


def asked(**changes: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": "books",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }


@settings(max_examples=60, deadline=None)
@given(st.one_of(TEXTS, st.builds("https://{}".format, TEXTS), st.builds("http://{}".format, TEXTS)))
def test_a_redirect_uri_is_kept_letter_by_letter_or_refused(text: str) -> None:
    try:
        (uri,) = parse_redirect_uris([text])
    except UnusableClient:
        return
    parts = urlsplit(uri)
    assert uri == text.strip()
    assert uri.isascii()
    assert "#" not in uri
    assert "*" not in uri
    assert "@" not in parts.netloc
    assert parts.scheme == "https" or is_loopback(parts.hostname or "") or "." in parts.scheme
    assert origin_of(uri).count(" ") == 0
    assert not set(origin_of(uri)) & set(";,'\""), "it goes into a security policy"


@pytest.mark.parametrize(
    "uri",
    [
        "http://books.example.org/callback",
        "http://10.0.0.5/callback",
        "https://*.example.org/callback",
        "https://books.example.org/callback#x",
        "https://user@books.example.org/",
        "https://books.example.org\\@evil.test/",
        "https://books.example.org:0/",
        "https://books.example.org:/",
        "https://Books.example.org/",
        "https://books.example.org;evil/",
        "https:///callback",
        "//books.example.org/",
        "/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp://callback",
        "https://böcks.example.org/",
        "https://books.example.org/ x",
        "https://books.example.org/\r\nx",
        "https://" + "x" * 600 + ".org/",
        "https://[::1",
    ],
)
def test_these_are_no_redirect_uris(uri: str) -> None:
    with pytest.raises(UnusableClient):
        parse_redirect_uris([uri])


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK,
        "https://books.example.org:8443/callback?from=id",
        "http://127.0.0.1:8080/callback",
        "http://localhost/callback",
        "http://[::1]:8080/",
        "app.immich:///oauth-callback",
        "com.example.books:/callback",
    ],
)
def test_these_are(uri: str) -> None:
    assert parse_redirect_uris([uri, uri]) == (uri,)


def test_there_is_at_least_one_and_not_hundreds() -> None:
    with pytest.raises(UnusableClient):
        parse_redirect_uris([" "])
    with pytest.raises(UnusableClient):
        parse_redirect_uris([f"{CALLBACK}/{number}" for number in range(21)])
    assert parse_redirect_uris([], required=False) == ()


@pytest.mark.parametrize("uri", ["http://10.0.0.5/logout", "com.example.books:/logout", "ftp://x.test/", "x"])
def test_a_backchannel_is_encrypted_or_on_this_machine(uri: str) -> None:
    with pytest.raises(UnusableClient):
        parse_backchannel_uri(uri)
    assert parse_backchannel_uri("https://books.example.org/logout") == "https://books.example.org/logout"
    assert parse_backchannel_uri(" ") == ""


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.one_of(TEXTS, st.sampled_from(sorted(FIXED_CLAIMS))), TEXTS, min_size=1, max_size=3))
def test_no_mapping_touches_what_says_who_issued_what_to_whom(claims: dict[str, str]) -> None:
    try:
        parsed = parse_claims(claims)
    except UnusableClient:
        return
    assert not FIXED_CLAIMS & parsed.keys()


@pytest.mark.parametrize("name", sorted(FIXED_CLAIMS))
def test_fixed_claims_are_fixed(name: str) -> None:
    with pytest.raises(UnusableClient):
        parse_claims({name: "id"})


def test_roles_keep_their_order_and_name_groups() -> None:
    assert list(parse_roles({"staff": "Editor", "*": "Viewer", "administrators": "Admin"})) == [
        "staff",
        "*",
        "administrators",
    ]
    for wrong in ({"Staff!": "x"}, {"staff": ""}, {"staff": "x" * 101}, {"staff": "a\nb"}):
        with pytest.raises((UnusableClient, MalformedIdentifier)):
            parse_roles(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "AAAA"}]}',
        '{"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"}',
        '{"keys": [1]}',
        "[" * 100_000,
    ],
)
def test_a_key_that_is_none_or_private_is_refused(text: str) -> None:
    with pytest.raises(UnusableClient):
        parse_keys(text)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(asked())) | TEXTS, st.lists(TEXTS, max_size=2), max_size=8))
def test_whatever_is_asked_is_read_or_refused_in_words(parameters: dict[str, list[str]]) -> None:
    merged = {name: [value] for name, value in asked().items()} | parameters
    code = ""
    try:
        found = read_asked({**asked(), **single_values(merged)}, client())
    except AuthorizationRefused as refused:
        code = refused.code
    else:
        assert found.challenge
        assert "openid" in found.scopes
    assert code in CODES


def test_pkce_is_required_of_all_but_those_who_are_exempted() -> None:
    bare = {name: value for name, value in asked().items() if not name.startswith("code_")}
    with pytest.raises(AuthorizationRefused):
        read_asked(bare, client())
    exempted = client(pkce=False)
    assert read_asked(bare, exempted).challenge == ""
    assert read_asked(asked(), exempted).challenge == CHALLENGE
    for wrong in ({"code_challenge_method": "plain"}, {"code_challenge": "x"}):
        with pytest.raises(AuthorizationRefused):
            read_asked(asked(**wrong), exempted)


def test_only_the_verifier_answers_the_challenge() -> None:
    assert answers_challenge(VERIFIER, CHALLENGE), "RFC 7636, appendix B"
    assert not answers_challenge(CHALLENGE, CHALLENGE), "plain"
    assert not answers_challenge(VERIFIER[:-1], CHALLENGE)
    assert not answers_challenge("", "")
    short = "short"
    digest = base64.urlsafe_b64encode(hashlib.sha256(short.encode()).digest()).rstrip(b"=").decode()
    assert not answers_challenge(short, digest), "too short to be hard to guess"


ADA = About(id="p_1", email="ada@example.org", name="Ada", groups=("staff", "finance"), email_verified=True)


def test_claims_come_with_their_scopes_and_by_the_clients_mapping() -> None:
    assert claims_about(ADA, ("openid",), client()) == {}
    assert claims_about(ADA, ("openid", "profile"), client()) == {
        "name": "Ada",
        "preferred_username": "ada@example.org",
    }
    mapped = client(
        claims={"preferred_username": "username", "role": "role", "email": "none", "uid": "id"},
        roles={"administrators": "Admin", "finance": "Editor", "*": "Viewer"},
    )
    assert claims_about(ADA, ("openid", "profile", "email", "groups", "roles"), mapped) == {
        "name": "Ada",
        "preferred_username": "ada",
        "groups": ["finance", "staff"],
        "roles": ["Editor", "Viewer"],
        "role": "Editor",
        "uid": "p_1",
    }


def test_who_has_no_role_is_told_none() -> None:
    assert "role" not in claims_about(ADA, ("openid",), client(claims={"role": "role"}, roles={"nobody": "x"}))


PASSWORD = Authentication("password", AuthStrength.SINGLE, 1.0)
CODE = Authentication("totp", AuthStrength.OTP, 2.0)
PASSKEY = Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, 3.0)
RECOVERY_CODE = Authentication("recovery_code", AuthStrength.ANY, 4.0)
DIRECTORY = Authentication("directory_otp", AuthStrength.OTP, 5.0)


@pytest.mark.parametrize(
    ("proofs", "acr", "amr"),
    [
        ((), "single", []),
        ((PASSWORD,), "single", ["pwd"]),
        ((PASSWORD, CODE), "mfa", ["mfa", "otp", "pwd"]),
        ((PASSWORD, RECOVERY_CODE), "mfa", ["mfa", "otp", "pwd"]),
        ((CODE,), "mfa", ["otp"]),
        ((CODE, RECOVERY_CODE), "mfa", ["otp"]),
        ((PASSKEY,), "phr", ["mfa", "pop", "user"]),
        ((DIRECTORY,), "mfa", ["mfa"]),
    ],
)
def test_how_strong_a_sign_in_was(proofs: tuple[Authentication, ...], acr: str, amr: list[str]) -> None:
    """RFC 8176: `mfa` is said of two kinds of factor, and one code alone is one."""
    assert (acr_of(proofs), amr_of(proofs)) == (acr, amr)


def test_what_was_proved_before_a_client_wanted_it_anew_does_not_count() -> None:
    given = (PASSWORD, CODE, PASSKEY)
    assert counted_since(given, 0.0) == given
    assert counted_since(given, 2.0) == (CODE, PASSKEY)
    assert counted_since(given, 3.5) == ()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_each_product_can_be_registered_and_says_what_to_type(name: str) -> None:
    preset = find_preset(name)
    filled = preset.fill("https://product.example.org/", {"redirect_uris": (), "claims": {}})
    assert parse_redirect_uris(filled["redirect_uris"])
    assert all("{" not in uri for uri in filled["redirect_uris"])
    parse_redirect_uris(filled["post_logout_redirect_uris"], required=False)
    parse_backchannel_uri(filled["backchannel_logout_uri"])
    parse_claims(filled["claims"])
    parse_roles(filled["roles"])
    words = "\n".join(preset.steps("https://id.example.org", "books"))
    assert "https://id.example.org" in words
    assert "books" in words
    assert "{issuer}" not in words
    assert "{client}" not in words


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_what_a_product_is_told_fits_how_it_proves_itself(name: str) -> None:
    """A product that takes no secret is a public client, held to PKCE; every other one is told where its secret goes."""
    preset = find_preset(name)
    words = "\n".join(preset.guide)
    assert ("SECRET" in words) is not preset.public
    assert preset.pkce or not preset.public
    assert preset.fill("https://x.example.org", {})["kind"] is (
        ClientKind.PUBLIC if preset.public else ClientKind.SECRET
    )
    documented = Path(__file__).parents[3] / "docs" / "how-to" / "sign-in-for-other-apps.md"
    assert preset.source in documented.read_text(), "the how-to says what the facts were read from"


def test_a_product_needs_its_address() -> None:
    with pytest.raises(UnusableClient):
        find_preset("nextcloud").fill("", {})
    with pytest.raises(UnusableClient):
        find_preset("nextcloud").fill("cloud", {})
    with pytest.raises(UnusableClient, match="presets"):
        find_preset("no such thing")
