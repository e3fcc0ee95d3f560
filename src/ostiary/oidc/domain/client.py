"""A client of the provider, and which values one may have.

Source: RFC 6749 section 3.1.2; RFC 8252 sections 7.1 and 7.3; RFC 9700 section 4.1 (exact redirect URIs); OpenID Connect
Back-Channel Logout 1.0, section 2.2.
"""

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId, parse_slug

MAX_URIS: Final = 20
MAX_URI_CHARACTERS: Final = 500
MAX_CLAIMS: Final = 20
MAX_KEYS: Final = 5
SOURCES: Final = ("id", "email", "username", "name", "groups", "role", "roles", "none")
"""Where a claim's value comes from; `none` leaves the claim out."""

FIXED_CLAIMS: Final = frozenset(
    {
        *("iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "sid", "nonce", "events"),
        *("auth_time", "acr", "amr", "at_hash", "c_hash"),
    }
)
"""What says who issued a token to whom, when and on what proof. No client's mapping changes that."""

_CLAIM = re.compile(r"[A-Za-z][A-Za-z0-9_./:-]{0,63}", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+", re.ASCII)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}", re.ASCII)
_NOT_IN_URIS = frozenset(' \\"<>^`{|}*')
_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})


class ClientKind(StrEnum):
    """How a client proves itself."""

    SECRET = "secret"  # noqa: S105 - names a kind
    KEY = "key"
    PUBLIC = "public"


class UnusableClient(OstiaryError):
    """The description of a client cannot be used; nothing was changed."""


class UnknownClient(UnusableClient):
    """No app of that name signs in by OpenID Connect."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """An application that asks who somebody is.

    Args:
        id: `client_id`, the app's identifier.
        name: what people read.
        kind: how it proves itself.
        redirect_uris: where codes may be sent, exactly.
        post_logout_redirect_uris: where somebody may go after signing out, exactly.
        backchannel_logout_uri: where it wants to be told that a sign-in ended; empty for not at all.
        pkce: whether it must prove that a code was asked for by itself (RFC 7636); without it a secret must do.
        claims: claim to source, besides or in place of the usual ones.
        roles: what members of a group are to the app; `*` is everybody.
        keys: its public keys (JWK), for the kind `KEY`.
        preset: the product it was set up as; empty for none.
        added_at: seconds since the epoch.
        secret_made_at: when its secret was made; `None` where it has none.
    """

    id: AppId
    name: str
    kind: ClientKind
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    pkce: bool = True
    claims: Mapping[str, str] = {}
    roles: Mapping[str, str] = {}
    keys: tuple[Mapping[str, Any], ...] = ()
    preset: str = ""
    added_at: float = 0.0
    secret_made_at: float | None = None


def parse_redirect_uris(texts: Iterable[str], *, what: str = "redirect URI", required: bool = True) -> tuple[str, ...]:
    """Return addresses to which a browser may be sent, as they were written: they are compared letter by letter.

    Args:
        texts: what was typed.
        what: what they are called in messages.
        required: whether there must be one.

    Raises:
        UnusableClient: when one is not `https://…`, `http://` to this machine, or a scheme of an app's own.
    """
    uris = tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if required and not uris:
        raise UnusableClient(f"There is no {what}.", hint="The app's documentation says which one it uses.")
    if len(uris) > MAX_URIS:
        raise UnusableClient(f"A client has at most {MAX_URIS} of each kind of address.")
    for uri in uris:
        _check_uri(uri, what, own_schemes=True)
    return uris


def parse_backchannel_uri(text: str) -> str:
    """Return where a client is told that a sign-in ended; empty stays empty.

    Raises:
        UnusableClient: when it is neither `https://…` nor `http://` to this machine.
    """
    uri = text.strip()
    if uri:
        _check_uri(uri, "back-channel logout URI", own_schemes=False)
    return uri


def parse_claims(claims: Mapping[str, str]) -> dict[str, str]:
    """Return claims with the source of each.

    Raises:
        UnusableClient: when a claim cannot be mapped or a source is not known.
    """
    if len(claims) > MAX_CLAIMS:
        raise UnusableClient(f"A client has at most {MAX_CLAIMS} claims of its own.")
    for name, source in claims.items():
        if not _CLAIM.fullmatch(name) or name in FIXED_CLAIMS:
            raise UnusableClient(
                f"{name[:60]!r} cannot be a claim of its own.", hint="Use a name such as groups, role or department."
            )
        if source not in SOURCES:
            raise UnusableClient(f"{source[:60]!r} is nothing that a claim is made of.", hint=f"{', '.join(SOURCES)}.")
    return dict(sorted(claims.items()))


def parse_roles(roles: Mapping[str, str]) -> dict[str, str]:
    """Return what members of groups are to an app, in the order in which it was written: the first that fits is the role.

    Raises:
        UnusableClient, MalformedIdentifier: when a group or a role cannot be used.
    """
    if len(roles) > MAX_CLAIMS:
        raise UnusableClient(f"A client has at most {MAX_CLAIMS} roles.")
    for group, role in roles.items():
        if group != "*":
            parse_slug(group, what="group")
        if not role or len(role) > 100 or not role.isprintable():
            raise UnusableClient(f"The role of {group} is empty, too long or cannot be read.")
    return dict(roles)


def parse_keys(text: str) -> list[dict[str, Any]]:
    """Return the public keys in a JWK Set or a single JWK.

    Raises:
        UnusableClient: when there is none, or a private one.
    """
    hint = 'Give the client\'s public keys as a JWK Set: a file with {"keys": [...]}.'
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableClient("The keys are not JSON.", hint=hint) from None
    keys = content.get("keys", [content]) if isinstance(content, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
        raise UnusableClient(f"There must be one to {MAX_KEYS} keys.", hint=hint)
    for key in keys:
        if not isinstance(key, dict) or key.get("kty") not in {"RSA", "EC", "OKP"}:
            raise UnusableClient("One of the keys is neither RSA, EC nor OKP.", hint=hint)
        if _PRIVATE_PARTS & key.keys():
            raise UnusableClient("One of the keys is private: it belongs to the app alone.", hint=hint)
    return keys


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(uri: str) -> str:
    """Return scheme and host of an address, for a browser's content security policy; a scheme alone for an app's own."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"https", "http"} else f"{parts.scheme}:"


def _check_uri(uri: str, what: str, *, own_schemes: bool) -> None:
    hint = "Write it in full, like https://cloud.example.org/callback; no * and no #."
    shown = repr(uri[:100])
    if len(uri) > MAX_URI_CHARACTERS or not uri.isascii() or not uri.isprintable() or _NOT_IN_URIS & set(uri):
        raise UnusableClient(f"The {what} {shown} is too long or holds characters that no address has.", hint=hint)
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise UnusableClient(f"The {what} {shown} is not an address: {error}.", hint=hint) from None
    if "#" in uri or ";" in parts.netloc or "," in parts.netloc or "'" in parts.netloc:
        raise UnusableClient(f"The {what} {shown} has a fragment or a strange host.", hint=hint)
    if own_schemes and _SCHEME.fullmatch(parts.scheme):
        return
    if parts.scheme not in {"https", "http"} or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise UnusableClient(f"The {what} {shown} is not https:// with a host.", hint=hint)
    if "@" in parts.netloc or parts.netloc.endswith(":") or port == 0 or parts.netloc != parts.netloc.lower():
        raise UnusableClient(f"The {what} {shown} has a user name, a strange port or capital letters.", hint=hint)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UnusableClient(
            f"The {what} {shown} is not encrypted.",
            hint="Use https://. An app that has none gets it behind the gateway: ostiary app add.",
        )
