"""The relying party's part of OpenID Connect over the network: discovery, keys, the code's exchange, the ID token.

What the claims mean for an account is not known here.
Source: OpenID Connect Core 1.0, sections 3.1.2, 3.1.3 and 5.3; Discovery 1.0, section 4; RFC 7636; RFC 6749, 2.3.1.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final

import jwt
import msgspec
from django.utils.crypto import constant_time_compare

from ostiary.identity.domain.federation import DirectoryRefused, Preset, Provider, Reason

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
ANSWER_SECONDS: Final = 10
MAX_ANSWER_BYTES: Final = 512_000
KEEP_SECONDS: Final = 600
ASK_AGAIN_SECONDS: Final = 15
LEEWAY_SECONDS: Final = 60
MAX_TOKEN_CHARACTERS: Final = 100_000


class Discovery(msgspec.Struct, frozen=True):
    """What a directory says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] = ()


class Question(msgspec.Struct, frozen=True):
    """One question to a directory: where the browser goes, and what is to be kept until it is back."""

    url: str
    state: str
    nonce: str
    verifier: str


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A directory's endpoints are where its document says; a redirect could lead into the own network."""

    def redirect_request(self, *_answer: object) -> None:
        """Follow nothing."""


_opener = urllib.request.build_opener(_NoRedirects)
_kept: dict[str, tuple[float, Any]] = {}
_lock = threading.Lock()


def discover(issuer: str, *, fresh: bool = False) -> Discovery:
    """Return what the directory says of itself, asked for at most every ten minutes.

    Raises:
        DirectoryRefused: when it does not answer, or answers for another issuer.
    """
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    found = _kept_or_asked(url, at_most=0 if fresh else KEEP_SECONDS)
    try:
        document = msgspec.convert(found, Discovery)
    except msgspec.ValidationError as error:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"discovery: {error}") from None
    if document.issuer != issuer:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"discovery is for the issuer {document.issuer[:200]}")
    for endpoint in (document.authorization_endpoint, document.token_endpoint, document.jwks_uri):
        if not _is_as_safe_as(endpoint, issuer):
            raise DirectoryRefused(Reason.UNREACHABLE, detail=f"not an https address: {endpoint[:200]}")
    if document.userinfo_endpoint and not _is_as_safe_as(document.userinfo_endpoint, issuer):
        raise DirectoryRefused(Reason.UNREACHABLE, detail="userinfo_endpoint is not an https address")
    return document


def ask(
    provider: Provider, document: Discovery, *, redirect_uri: str, max_age_seconds: int | None, choose: bool = False
) -> Question:
    """Return a new question, with a state, a nonce and a code challenge of its own.

    Args:
        provider: whom to ask.
        document: its discovery.
        redirect_uri: where the answer goes.
        max_age_seconds: how long ago they may have signed in there; `None` leaves it open.
        choose: whether people sign in there anew, or choose an account, even when they are signed in.
    """
    question = Question("", secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": question.state,
        "nonce": question.nonce,
        "code_challenge": _unpadded(hashlib.sha256(question.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    if max_age_seconds is not None:
        parameters["max_age"] = str(max_age_seconds)
    if choose:
        parameters["prompt"] = "select_account" if provider.preset is Preset.GOOGLE else "login"
    if provider.preset is Preset.GOOGLE and len(provider.domains) == 1:
        parameters["hd"] = provider.domains[0]
    mark = "&" if urllib.parse.urlsplit(document.authorization_endpoint).query else "?"
    url = f"{document.authorization_endpoint}{mark}{urllib.parse.urlencode(parameters)}"
    return msgspec.structs.replace(question, url=url)


def exchange(
    provider: Provider, document: Discovery, *, code: str, verifier: str, redirect_uri: str, secret: str
) -> tuple[str, str]:
    """Return the ID token and the access token for a code.

    Raises:
        DirectoryRefused: when the directory does not take the code.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    headers = {}
    if "client_secret_basic" in document.token_endpoint_auth_methods_supported:
        pair = f"{urllib.parse.quote_plus(provider.client_id)}:{urllib.parse.quote_plus(secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id, "client_secret": secret}
    answer = _read(document.token_endpoint, headers=headers, form=form)
    tokens = (answer.get("id_token"), answer.get("access_token", ""))
    if not all(isinstance(one, str) and len(one) <= MAX_TOKEN_CHARACTERS for one in tokens) or not tokens[0]:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the answer has no ID token")
    return str(tokens[0]), str(tokens[1])


def read_id_token(provider: Provider, document: Discovery, token: str, *, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token after every check of section 3.1.3.7.

    Keys that the directory changed meanwhile are fetched once; a key that it no longer lists counts no more.

    Raises:
        DirectoryRefused: when anything about it is not as it must be.
    """
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError(f"algorithm {str(header.get('alg'))[:20]}")
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(document.jwks_uri, header),
            algorithms=[header["alg"]],
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail=str(error)[:200]) from None
    audience = claims["aud"]
    party = claims.get("azp")
    several = isinstance(audience, list) and len(audience) > 1
    if (several or party is not None) and party != provider.client_id:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the token is for another party")
    if not isinstance(claims.get("nonce"), str) or not constant_time_compare(claims["nonce"], nonce):
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the nonce is not ours")
    return claims


def read_userinfo(document: Discovery, access_token: str) -> dict[str, Any]:
    """Return what the directory says beyond the ID token; nothing where it has no such endpoint.

    Raises:
        DirectoryRefused: when the endpoint does not answer.
    """
    if not document.userinfo_endpoint or not access_token:
        return {}
    return _read(document.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"})


def count_keys(document: Discovery) -> int:
    """Return how many keys the directory signs with now.

    Raises:
        DirectoryRefused: when it does not say, or none can be used.
    """
    return len(_key_set(document.jwks_uri, at_most=0).keys)


def _key(url: str, header: Mapping[str, Any]) -> Any:
    for at_most in (KEEP_SECONDS, ASK_AGAIN_SECONDS):
        keys = [one for one in _key_set(url, at_most=at_most).keys if one.public_key_use in {None, "sig"}]
        kid = header.get("kid")
        fitting = [one for one in keys if one.key_id == kid] if kid is not None else keys
        if len(fitting) == 1:
            return fitting[0].key
    raise jwt.InvalidKeyError("no key of the directory fits")


def _key_set(url: str, *, at_most: float) -> jwt.PyJWKSet:
    try:
        return jwt.PyJWKSet.from_dict(_kept_or_asked(url, at_most=at_most))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"keys: {error}") from None


def _kept_or_asked(url: str, *, at_most: float) -> dict[str, Any]:
    """Return an answer that is at most so many seconds old."""
    with _lock:
        at, answer = _kept.get(url, (0.0, None))
    if answer is not None and time.monotonic() - at < at_most:
        return dict(answer)
    answer = _read(url)
    with _lock:
        _kept[url] = (time.monotonic(), answer)
    return dict(answer)


def _read(
    url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> dict[str, Any]:
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    question = urllib.request.Request(  # noqa: S310 - every address was checked to be https, or on this machine
        url, data=body, headers={"Accept": "application/json", "User-Agent": "ostiary", **(headers or {})}
    )
    try:
        with _opener.open(question, timeout=ANSWER_SECONDS) as answer:
            read = json.loads(answer.read(MAX_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read(2000).decode("utf-8", "replace")
        reason = Reason.TOKEN_REFUSED if form is not None and error.code < 500 else Reason.UNREACHABLE
        raise DirectoryRefused(reason, detail=f"{url}: {error.code} {detail[:300]}") from None
    except (OSError, ValueError, RecursionError, HTTPException) as error:
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"{url}: {error}"[:400]) from None
    if not isinstance(read, dict):
        raise DirectoryRefused(Reason.UNREACHABLE, detail=f"{url}: the answer is not an object")
    return read


def _is_as_safe_as(endpoint: str, issuer: str) -> bool:
    return endpoint.startswith("https://") or (
        issuer.startswith("http://") and endpoint.startswith(f"http://{urllib.parse.urlsplit(issuer).netloc}/")
    )


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
