"""The keys of other systems: fetched, kept for a while, fetched again when a token names one that is not known.

Source: OpenID SSF 1.0, section 7.1 (`jwks_uri`); RFC 7517.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import jwt
import msgspec

from ostiary.outgoing.addresses import Unreachable, may_be_asked
from ostiary.outgoing.wording import fit
from ostiary.signals.adapters.wire import read_document
from ostiary.signals.domain.errors import RefusedSignal, UnusableTransmitter
from ostiary.signals.domain.tokens import ALGORITHMS, MAX_TOKEN_CHARACTERS

KEEP_SECONDS: Final = 600
ASK_AGAIN_SECONDS: Final = 15
MAX_KEPT: Final = 200
_MIN_RSA_BITS: Final = 2048

_kept: dict[str, tuple[float, dict[str, Any]]] = {}
_failed: dict[str, tuple[float, Unreachable]] = {}
_lock = threading.Lock()

Kept = TypeVar("Kept")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a transmitter says of itself."""

    issuer: str
    jwks_uri: str
    delivery_methods_supported: tuple[str, ...] = ()
    configuration_endpoint: str = ""
    status_endpoint: str = ""
    verification_endpoint: str = ""
    critical_subject_members: tuple[str, ...] = ()
    spec_version: str = ""


def describe(metadata_url: str, issuer: str, *, fresh: bool = False) -> Metadata:
    """Return what a transmitter says of itself, asked for at most every ten minutes.

    Raises:
        Unreachable: when it does not answer.
        UnusableTransmitter: when it answers for another issuer, or names addresses that nothing is sent to.
    """
    found = _document(metadata_url, at_most=0 if fresh else KEEP_SECONDS)
    try:
        document = msgspec.convert(found, Metadata)
    except msgspec.ValidationError as error:
        raise UnusableTransmitter(f"What {metadata_url[:200]} says cannot be used: {fit(str(error), 200)}.") from None
    if document.issuer != issuer:
        raise UnusableTransmitter(
            f"{metadata_url[:200]} is for the issuer {fit(document.issuer, 200)}.", hint="Name that issuer: --issuer"
        )
    for url in (
        document.jwks_uri,
        document.configuration_endpoint,
        document.status_endpoint,
        document.verification_endpoint,
    ):
        if url and not may_be_asked(url):
            raise UnusableTransmitter(f"{fit(url, 200)}, which it names, is not an https address.")
    return document


def default_metadata_url(issuer: str) -> str:
    """Return where an issuer describes itself (section 7.2): the path goes behind the well-known part."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/ssf-configuration{parts.path.rstrip('/')}"


def read_token(token: str, *, jwks_uri: str, named_by: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token whose signature is good. The claims are not judged.

    Args:
        token: as it came.
        jwks_uri: where the transmitter lists its keys.
        named_by: the address at which it says so.

    Raises:
        RefusedSignal: when it is no token, or signed by nobody who may.
        Unreachable: when the keys cannot be had.
    """
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise RefusedSignal("invalid_request", "The token is too long.")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise RefusedSignal("invalid_key", "The token is not signed in a way that is accepted.")
        claims = jwt.decode(
            token,
            _key(jwks_uri, named_by, header),
            algorithms=[header["alg"]],
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except jwt.InvalidKeyError as error:
        raise RefusedSignal("invalid_key", f"The token's key is not known: {error}.") from None
    except jwt.InvalidSignatureError:
        raise RefusedSignal("invalid_key", "The token's signature is wrong.") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise RefusedSignal("invalid_request", f"This is no signed token: {str(error)[:150]}.") from None
    return header, claims


def _key(url: str, named_by: str, header: Mapping[str, Any]) -> Any:
    for at_most in (KEEP_SECONDS, ASK_AGAIN_SECONDS):
        keys = [one for one in _key_set(url, named_by, at_most=at_most).keys if one.public_key_use in {None, "sig"}]
        kid = header.get("kid")
        fitting = [one for one in keys if one.key_id == kid] if kid is not None else keys
        if len(fitting) == 1:
            size = getattr(fitting[0].key, "key_size", _MIN_RSA_BITS)
            if str(header.get("alg")).startswith(("RS", "PS")) and size < _MIN_RSA_BITS:
                raise jwt.InvalidKeyError("it has fewer than 2048 bits")
            return fitting[0].key
    raise jwt.InvalidKeyError("the transmitter does not list it")


def _key_set(url: str, named_by: str, *, at_most: float) -> jwt.PyJWKSet:
    try:
        return jwt.PyJWKSet.from_dict(_document(url, at_most=at_most, named_by=named_by))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise Unreachable(f"The keys at {url[:200]} cannot be used: {error}") from None


def _document(url: str, *, at_most: float, named_by: str = "") -> dict[str, Any]:
    """Return a document that is at most so many seconds old. What could not be had a moment ago is not asked for at once."""
    with _lock:
        at, found = _kept.get(url, (0.0, None))
        failed_at, failure = _failed.get(url, (0.0, None))
    now = time.monotonic()
    if found is not None and now - at < at_most:
        return found
    if failure is not None and now - failed_at < min(at_most, ASK_AGAIN_SECONDS):
        raise Unreachable(failure.message)
    try:
        answer = read_document(url, named_by=named_by)
    except Unreachable as error:
        _keep(_failed, url, error)
        raise
    _keep(_kept, url, answer)
    return answer


def _keep(where: dict[str, tuple[float, Kept]], url: str, what: Kept) -> None:
    """Keep what was had of an address last, and of no more addresses than can be many transmitters'."""
    with _lock:
        where.pop(url, None)
        where[url] = (time.monotonic(), what)
        while len(where) > MAX_KEPT:
            del where[next(iter(where))]


def forget_documents() -> None:
    """Forget what was fetched."""
    with _lock:
        _kept.clear()
        _failed.clear()
