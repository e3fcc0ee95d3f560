"""Which tokens of somebody else's issuer stand for a service: the issuer, the audience, and what the claims must say. Pure.

Source: RFC 7519 (claims); GitHub, GitLab and Kubernetes on the claims of their tokens.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from ostiary.errors import OstiaryError

GITHUB: Final = "https://token.actions.githubusercontent.com"
GITLAB: Final = "https://gitlab.com"
MAX_RULES: Final = 12
MAX_TEXT_CHARACTERS: Final = 500
IDENTIFYING: Final = frozenset(
    {
        "sub",
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "project_path",
        "project_id",
        "namespace_path",
        "namespace_id",
    }
)
"""Claims that say whose job it is. An issuer like GitHub signs for everybody; one of these keeps everybody else out.

`job_workflow_ref` is none of them: anybody's repository may call a public workflow, and its jobs then carry that name.
"""

_CLAIM: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,99}", re.ASCII)


class UnusableTrust(OstiaryError):
    """What was said of an issuer cannot be relied on."""


class UnusableIssuer(UnusableTrust):
    """An issuer is no address."""


class UnusableAudience(UnusableTrust):
    """An audience cannot be asked for."""


class UnusableClaims(UnusableTrust):
    """What claims must be cannot be read, or lets strangers in."""


class UnusableKeySet(UnusableTrust):
    """A key set that was handed in cannot be used."""


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one issuer that stand for a service.

    Args:
        id: names it in commands.
        issuer: the `iss` of its tokens, an https address.
        audience: what `aud` must hold.
        claims: for each claim what it must be; `*` in the middle of a text stands for anything.
        keys: the issuer's key set (RFC 7517) where it is not fetched; empty fetches it.
        once: whether each of its tokens is good for one of ours only.
        used_at: when one of its tokens last stood for the service, to the minute; `None` for never.
    """

    id: str
    issuer: str
    audience: str
    claims: dict[str, str]
    keys: str = ""
    once: bool = False
    used_at: float | None = None


def usually_once(issuer: str) -> bool:
    """Return whether an issuer's tokens are good once unless somebody says otherwise.

    GitHub makes a new token whenever a job asks, so one that comes twice was taken from somewhere. GitLab gives a job one token
    for its whole life, and Kubernetes a pod one file for an hour or so: there the same token rightly comes again. Of others
    nothing is known.
    """
    return issuer == GITHUB


def parse_issuer(text: str) -> str:
    """Return an issuer as its tokens name it.

    Raises:
        UnusableIssuer: when it is no https address without query and fragment (OpenID Connect Discovery 1.0, section 3).
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= MAX_TEXT_CHARACTERS
    if not plain or parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UnusableIssuer(
            f"{text[:80]!r} is no issuer.", hint=f"Write it exactly as in the tokens' `iss`, for instance {GITHUB}"
        )
    return text


def parse_claims(claims: Mapping[str, str]) -> dict[str, str]:
    """Return the rules for claims, when they keep strangers out.

    Raises:
        UnusableClaims: when one cannot be read, or none says whose job it must be.
    """
    if len(claims) > MAX_RULES:
        raise UnusableClaims("There are too many claims.", hint=f"Name at most {MAX_RULES}.")
    for name, value in claims.items():
        if not _CLAIM.fullmatch(name):
            raise UnusableClaims(
                f"{name[:40]!r} names no claim.", hint="Write NAME=VALUE, for instance repository=acme/web"
            )
        if not value or len(value) > MAX_TEXT_CHARACTERS or not value.isprintable():
            raise UnusableClaims(f"The claim {name} needs a value.", hint=f"Write {name}=VALUE")
        if not value.replace("*", "").strip():
            raise UnusableClaims(f"The claim {name} would be anything.", hint="Say what it must be.")
    if not any(name in IDENTIFYING and "*" not in value for name, value in claims.items()):
        raise UnusableClaims(
            "Nothing says whose job it must be: the issuer signs for others too.",
            hint="Name one of these claims, without `*`: " + ", ".join(sorted(IDENTIFYING)),
        )
    return dict(claims)


def parse_audience(text: str) -> str:
    """Return an audience.

    Raises:
        UnusableAudience: when it is empty, too long or cannot be seen.
    """
    if not text or len(text) > MAX_TEXT_CHARACTERS or not text.isprintable():
        raise UnusableAudience(
            "The audience cannot be used.", hint="Give the address of the sign-in host, and ask the issuer for it."
        )
    return text


def read_claims(written: Iterable[str]) -> dict[str, str]:
    """Return `NAME=VALUE` texts as rules for claims, not yet judged.

    Raises:
        UnusableClaims: when one is not written so, or a claim is named twice.
    """
    claims: dict[str, str] = {}
    for text in written:
        name, equals, value = text.partition("=")
        if not equals or name.strip() in claims:
            raise UnusableClaims(f"{text[:60]!r} is no claim.", hint="Write each once: repository=acme/web")
        claims[name.strip()] = value.strip()
    return claims


def unmet_claim(rules: Mapping[str, str], claims: Mapping[str, Any]) -> str | None:
    """Return the first claim that is not as the rules demand; `None` when all are.

    Args:
        rules: for each claim what it must be.
        claims: of a verified token. What is absent, or neither text nor number nor truth value, meets nothing.
    """
    return next((name for name, wanted in rules.items() if not meets(wanted, claims.get(name))), None)


def meets(wanted: str, said: object) -> bool:
    """Return whether a claim is as a rule demands.

    Args:
        wanted: what it must be; `*` stands for anything.
        said: the claim as it was read from JSON.
    """
    match said:
        case bool():
            text = "true" if said else "false"
        case int() | str():
            text = str(said)
        case _:
            return False
    return len(text) <= MAX_TEXT_CHARACTERS * 4 and _fits(wanted, text)


def _fits(wanted: str, text: str) -> bool:
    """Compare in one pass: each part is looked for behind the one before, so that no text costs more than another."""
    first, *parts = wanted.split("*")
    if not parts:
        return text == wanted
    *inner, last = parts
    place, end = len(first), len(text) - len(last)
    if place > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in inner:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
