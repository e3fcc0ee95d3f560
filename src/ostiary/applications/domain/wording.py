"""What may be typed as an app's names, labels, methods and headers, and how a wrong one is answered."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final, cast, get_args
from urllib.parse import urlsplit, urlunsplit

from ostiary.applications.domain.app import IdentityFact
from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId, Label, parse_slug
from ostiary.policy.request import ActionClass

CONSOLE_APP: Final = AppId("console")
RESERVED_APP_IDS: Final = frozenset({"id", "admin", "console"})
MAX_IDENTITY_HEADERS: Final = 8
MAX_LABELS: Final = 16
MAX_LAUNCH_CHARACTERS: Final = 500
MIN_LIMIT_SECONDS: Final = 60
MAX_LIMIT_SECONDS: Final = 30 * 86_400

_LIMIT = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII)
_LIMIT_UNITS = {"m": 60, "h": 3600, "d": 86_400}
_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,31}", re.ASCII)
_HEADER = re.compile(r"(?:x|remote)-[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_OPENED_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}", re.ASCII)
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_OURS = ("x-ostiary-", "x-envoy-", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto")
_TAKEN = frozenset({"x-request-id", "x-real-ip", "x-http-method-override", "x-http-method", "x-method-override"})


class UnusableApp(OstiaryError):
    """The description of an application cannot be used; nothing was changed."""


class UnknownApp(UnusableApp):
    """No app has that identifier."""


def parse_app_id(text: str) -> AppId:
    """Return `text` as the identifier of a new app.

    Raises:
        MalformedIdentifier: when it is not a slug.
        UnusableApp: when it is reserved.
    """
    if text in RESERVED_APP_IDS:
        raise UnusableApp(f"{text!r} is reserved for Ostiary itself.", hint="Choose another name, such as wiki.")
    return AppId(parse_slug(text, what="app"))


def parse_limit(text: str, *, what: str) -> int | None:
    """Return `15m`, `8h` or `1d` in seconds; `None` for an empty text or `none`.

    Args:
        text: what was typed.
        what: how the value is called in messages.

    Raises:
        UnusableApp: when it is no duration from a minute to a month.
    """
    word = text.strip().lower()
    if word in {"", "none"}:
        return None
    match = _LIMIT.fullmatch(word)
    seconds = int(match[1]) * _LIMIT_UNITS[match[2]] if match else 0
    if not MIN_LIMIT_SECONDS <= seconds <= MAX_LIMIT_SECONDS:
        raise UnusableApp(
            f"{_shown(text)} is no {what}.",
            hint="Write a time from a minute to 30 days: 15m, 8h or 1d. none for no limit.",
        )
    return seconds


def limit_text(seconds: int | None) -> str:
    """Return a limit as it may be typed: `15m`; empty for none."""
    if seconds is None:
        return ""
    unit = next(unit for unit, size in reversed(_LIMIT_UNITS.items()) if seconds % size == 0)
    return f"{seconds // _LIMIT_UNITS[unit]}{unit}"


def parse_host(text: str, *, taken: Mapping[str, str]) -> str:
    """Return a host name for people's browsers, in lower case.

    Args:
        text: what was typed.
        taken: host names in use, with what uses each.

    Raises:
        UnusableApp: when it is no host name, or something else answers there.
    """
    host = text.lower()
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise UnusableApp(
            f"{_shown(text)} is not a host name that a browser can ask for.",
            hint="Write it like wiki.example.com: letters a-z, digits, hyphens and dots, without a port.",
        )
    if labels[-1].isdigit():
        raise UnusableApp(f"{_shown(text)} is an address.", hint="Give the app a name, such as wiki.example.com.")
    if host in taken:
        raise UnusableApp(f"{host} already belongs to {taken[host]}.", hint="Choose another host name.")
    return host


def parse_launch_url(text: str) -> str:
    """Return where people open an app that is not behind the gateway, with its scheme and host in lower case.

    Raises:
        UnusableApp: when it is not an address that a browser can open, or could be read in two ways.
    """
    example = "Write it like https://cloud.example.org/."
    if len(text) > MAX_LAUNCH_CHARACTERS:
        raise UnusableApp(f"The address has more than {MAX_LAUNCH_CHARACTERS} characters.", hint=example)
    if not text.isascii() or not text.isprintable() or any(character in text for character in ' \\"<>^`{|}'):
        raise UnusableApp(f"{_shown(text)} holds characters that no address has.", hint=example)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UnusableApp(f"{_shown(text)} is not an address: {error}.", hint=example) from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc or parts.netloc.endswith(":"):
        raise UnusableApp(f"{_shown(text)} is neither https:// nor http:// with a host.", hint=example)
    if not _OPENED_HOST.fullmatch(parts.hostname) or port == 0:
        raise UnusableApp(f"{_shown(text)} has no host that a browser can ask for.", hint=example)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port is None else f"{host}:{port}"
    return urlunsplit((parts.scheme, authority, parts.path or "/", parts.query, parts.fragment))


def parse_text(text: str, *, what: str, limit: int, required: bool = False) -> str:
    """Return a line of text for people, trimmed and in composed form.

    Args:
        text: what was typed.
        what: the field's name in messages.
        limit: most characters.
        required: whether it may not be empty.

    Raises:
        UnusableApp: when it is too long, empty where it is required, or holds control characters.
    """
    line = unicodedata.normalize("NFC", text).strip()
    if required and not line:
        raise UnusableApp(f"The {what} is empty.")
    if len(line) > limit:
        raise UnusableApp(f"The {what} is longer than {limit} characters.")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in line):
        raise UnusableApp(f"The {what} holds characters that cannot be seen.", hint="Type it again.")
    return line


def parse_labels(texts: Iterable[str]) -> tuple[Label, ...]:
    """Return labels without repetition, sorted."""
    labels = tuple(sorted({Label(parse_slug(text, what="label")) for text in texts}))
    if len(labels) > MAX_LABELS:
        raise UnusableApp(f"An app has at most {MAX_LABELS} labels.")
    return labels


def parse_methods(methods: Mapping[str, str]) -> dict[str, ActionClass]:
    """Return the action classes that differ from the default, by method in upper case."""
    parsed: dict[str, ActionClass] = {}
    for name, action in methods.items():
        method = name.upper()
        if not _METHOD.fullmatch(method):
            raise UnusableApp(f"{_shown(name)} is not an HTTP method.", hint="Write it like PROPFIND=view.")
        try:
            parsed[method] = ActionClass(action)
        except ValueError:
            known = ", ".join(action.value for action in ActionClass)
            raise UnusableApp(
                f"{_shown(str(action))} is not an action.",
                hint=f"Actions are {known}.{_did_you_mean(str(action), list(ActionClass))}",
            ) from None
    return dict(sorted(parsed.items()))


def parse_identity_headers(headers: Mapping[str, str]) -> dict[str, IdentityFact]:
    """Return the plain headers an app wants, by name in lower case.

    A name must start with `X-` or `Remote-`: a header that means something to HTTP itself cannot be one by accident.
    """
    if len(headers) > MAX_IDENTITY_HEADERS:
        raise UnusableApp(f"An app gets at most {MAX_IDENTITY_HEADERS} identity headers.")
    facts: tuple[str, ...] = get_args(IdentityFact)
    parsed: dict[str, IdentityFact] = {}
    for name, fact in headers.items():
        header = name.lower()
        if len(header) > 64 or not _HEADER.fullmatch(header):
            raise UnusableApp(
                f"{_shown(name)} cannot be an identity header.",
                hint="Use a name that starts with X- or Remote-, such as X-Remote-User or Remote-Email.",
            )
        if header.startswith(_OURS) or header in _TAKEN:
            raise UnusableApp(f"{_shown(name)} already has a meaning.", hint="Use a name such as Remote-User.")
        if fact not in facts:
            raise UnusableApp(
                f"{_shown(fact)} is not something Ostiary tells an app.",
                hint=f"Choose one of {', '.join(facts)}.{_did_you_mean(fact, facts)}",
            )
        parsed[header] = cast("IdentityFact", fact)
    return dict(sorted(parsed.items()))


def unknown_app(text: str, known: Iterable[str]) -> UnknownApp:
    """Return the error for an app that does not exist, with the nearest name."""
    names = sorted(known)
    suggestion = _did_you_mean(text, names).strip()
    return UnknownApp(f"There is no app {_shown(text)}.", hint=suggestion or "See them with: ostiary app list")


def _did_you_mean(text: str, known: Iterable[str]) -> str:
    near = get_close_matches(text.lower(), [str(name) for name in known], n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
