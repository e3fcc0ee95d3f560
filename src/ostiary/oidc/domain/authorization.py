"""What a client asks at the authorization endpoint, read strictly. Who is signed in, and may, is not known here.

Source: OpenID Connect Core 1.0, section 3.1.2; RFC 6749 section 4.1; RFC 7636 section 4.3; RFC 9700.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.oidc.domain.client import Client

SCOPES: Final = ("openid", "profile", "email", "groups", "roles", "offline_access")
MAX_STATE_CHARACTERS: Final = 1000
MAX_NONCE_CHARACTERS: Final = 500
_KNOWN: Final = (
    *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge"),
    *("code_challenge_method", "prompt", "max_age", "acr_values", "response_mode", "request", "request_uri"),
    *("login_hint", "id_token_hint", "ui_locales", "display", "claims"),
)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


class AuthorizationRefused(OstiaryError):
    """A request cannot be answered with a code.

    Args:
        code: the error as the standard calls it.
        words: what the developer of the app reads.
    """

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request for a code.

    Args:
        redirect_uri: one of the client's.
        state: sent back as it is.
        nonce: put into the ID token.
        scopes: those that are known.
        challenge: of PKCE (S256); empty only where the client need not prove it.
        prompts: `none`, `login` and others.
        max_age: seconds since the latest proof at most; `None` for any.
        acr_values: how strong the proof should be, the best first.
    """

    redirect_uri: str
    state: str = ""
    nonce: str = ""
    scopes: tuple[str, ...] = ("openid",)
    challenge: str = ""
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()


def single_values(parameters: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the parameters that are known, each once.

    Raises:
        AuthorizationRefused: when one is given twice (RFC 6749, section 3.1), or is not plain text.
    """
    found: dict[str, str] = {}
    for name in _KNOWN:
        values = parameters.get(name, ())
        if len(values) > 1:
            raise AuthorizationRefused("invalid_request", f"{name} is given more than once")
        if values:
            if any(ord(character) < 0x20 or ord(character) == 0x7F for character in values[0]):
                raise AuthorizationRefused("invalid_request", f"{name} holds control characters")
            found[name] = values[0]
    return found


def read_asked(given: Mapping[str, str], client: Client) -> Asked:
    """Return what is asked.

    Args:
        given: the parameters; `client_id` and `redirect_uri` were found to be the client's.
        client: who asks.

    Raises:
        AuthorizationRefused: with what the client is told.
    """
    if "request" in given:
        raise AuthorizationRefused("request_not_supported", "request objects are not supported")
    if "request_uri" in given:
        raise AuthorizationRefused("request_uri_not_supported", "request_uri is not supported")
    if given.get("response_type") != "code":
        raise AuthorizationRefused("unsupported_response_type", "the only response_type is code")
    if given.get("response_mode", "query") != "query":
        raise AuthorizationRefused("invalid_request", "the only response_mode is query")
    scopes = tuple(scope for scope in SCOPES if scope in given.get("scope", "").split(" "))
    if "openid" not in scopes:
        raise AuthorizationRefused("invalid_scope", "scope must hold openid")
    if len(given.get("state", "")) > MAX_STATE_CHARACTERS or len(given.get("nonce", "")) > MAX_NONCE_CHARACTERS:
        raise AuthorizationRefused("invalid_request", "state or nonce is too long")
    prompts = frozenset(given.get("prompt", "").split())
    if "none" in prompts and len(prompts) > 1:
        raise AuthorizationRefused("invalid_request", "prompt=none goes with nothing else")
    return Asked(
        redirect_uri=given["redirect_uri"],
        state=given.get("state", ""),
        nonce=given.get("nonce", ""),
        scopes=scopes,
        challenge=_challenge(given, client),
        prompts=prompts,
        max_age=_max_age(given.get("max_age")),
        acr_values=tuple(given.get("acr_values", "").split()[:10]),
    )


def answers_challenge(verifier: str, challenge: str) -> bool:
    """Whether a code verifier is the one whose challenge was sent (RFC 7636, section 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(digest, challenge)


def _challenge(given: Mapping[str, str], client: Client) -> str:
    challenge, method = given.get("code_challenge", ""), given.get("code_challenge_method", "")
    if not challenge and not method and not client.pkce:
        return ""
    if not challenge:
        raise AuthorizationRefused("invalid_request", "code_challenge is missing: PKCE with S256 is required")
    if method != "S256":
        raise AuthorizationRefused("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise AuthorizationRefused("invalid_request", "code_challenge is not a base64url SHA-256")
    return challenge


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise AuthorizationRefused("invalid_request", "max_age is not a number of seconds")
    return int(text)
