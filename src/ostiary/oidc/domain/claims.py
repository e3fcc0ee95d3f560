"""What an application is told about somebody, and how strong their proof was.

Source: OpenID Connect Core 1.0, sections 2 and 5.1; RFC 8176 (amr); OpenID Connect Extended Authentication Profile 1.0 (`phr`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ostiary.oidc.domain.client import Client
from ostiary.policy.request import Authentication, AuthStrength

USUAL: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "profile": (("name", "name"), ("preferred_username", "email")),
    "email": (("email", "email"),),
    "groups": (("groups", "groups"),),
    "roles": (("roles", "roles"),),
}
"""For each scope, the claims that it brings and where their values come from. A user name is the whole address: two people
may share what stands before the @."""

ACR_PHISHING_RESISTANT: Final = "phr"
ACR_SECOND_FACTOR: Final = "mfa"
ACR_SINGLE: Final = "single"
ACR_VALUES: Final = (ACR_PHISHING_RESISTANT, ACR_SECOND_FACTOR, ACR_SINGLE)
_AMR: Final[Mapping[str, tuple[str, ...]]] = {
    "password": ("pwd",),
    "totp": ("otp",),
    "recovery_code": ("otp",),
    "webauthn": ("pop", "user"),
}
"""In the words of RFC 8176, section 2. A passkey may live in hardware or be copied between somebody's devices, which nobody
can tell from outside: `pop` claims neither. A link by mail, or another directory's word, has no word there."""
_FACTORS: Final[Mapping[str, frozenset[str]]] = {
    "password": frozenset({"known"}),
    "totp": frozenset({"held"}),
    "recovery_code": frozenset({"held"}),
    "webauthn": frozenset({"held", "verified"}),
    "directory_otp": frozenset({"known", "held"}),
    "directory_phishing_resistant": frozenset({"held", "verified"}),
}
"""What kinds of factor a proof is made of; a passkey asks its owner for a PIN or a finger besides."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The person as the facts know them.

    Args:
        id: their identifier, which never changes.
        groups: where they belong at this moment.
    """

    id: str
    email: str
    name: str
    groups: tuple[str, ...]
    email_verified: bool = False


def claims_about(about: About, scopes: Iterable[str], client: Client) -> dict[str, Any]:
    """Return the claims that a client gets for its scopes, by its own mapping where it has one; `sub` aside.

    Args:
        about: who.
        scopes: what was asked for.
        client: who asked.
    """
    wanted = [pair for scope in scopes for pair in USUAL.get(scope, ())]
    sources = {**dict(wanted), **client.claims}
    found: dict[str, Any] = {}
    for claim, source in sources.items():
        value = _value(source, about, client.roles)
        if value is not None:
            found[claim] = value
    if "email" in scopes and sources.get("email") == "email":
        found["email_verified"] = about.email_verified
    return found


def counted_since(proofs: Iterable[Authentication], since: float) -> tuple[Authentication, ...]:
    """Return the proofs that a token speaks of: those given since a moment.

    `auth_time`, `acr` and `amr` say how and when somebody was authenticated (Core, section 2). Where a client wanted that
    done anew (`prompt=login`, `max_age`), what was proved before says nothing about it.

    Args:
        proofs: all of a session.
        since: seconds since the epoch; 0 where the client set no bound: then the whole sign-in is meant.
    """
    return tuple(one for one in proofs if one.at >= since)


def acr_of(proofs: Iterable[Authentication]) -> str:
    """Return how strong the strongest proof is: phishing-resistant, a second factor, or neither."""
    strength = max((one.strength for one in proofs), default=AuthStrength.SINGLE)
    if strength >= AuthStrength.PHISHING_RESISTANT:
        return ACR_PHISHING_RESISTANT
    return ACR_SECOND_FACTOR if strength >= AuthStrength.ANY else ACR_SINGLE


def amr_of(proofs: Iterable[Authentication]) -> list[str]:
    """Return what was proved, in the words of RFC 8176; `mfa` only where these proofs hold two kinds of factor.

    A code alone, given anew in a sign-in that began with a password, is `otp` and no more: the password was not.
    """
    given = tuple(proofs)
    names = {name for one in given for name in _AMR.get(one.method, ())}
    if len(frozenset[str]().union(*(_FACTORS.get(one.method, frozenset()) for one in given))) > 1:
        names.add("mfa")
    return sorted(names)


def auth_time_of(proofs: Iterable[Authentication]) -> float:
    """Return when somebody last proved who they are; 0 where they did not."""
    return max((one.at for one in proofs), default=0.0)


def _value(source: str, about: About, roles: Mapping[str, str]) -> Any:
    match source:
        case "id":
            return about.id
        case "email":
            return about.email
        case "username":
            return about.email.partition("@")[0]
        case "name":
            return about.name
        case "groups":
            return sorted(about.groups)
        case "roles":
            return _roles(about, roles)
        case "role":
            return next(iter(_roles(about, roles)), None)
    return None


def _roles(about: About, roles: Mapping[str, str]) -> list[str]:
    """Return each role once, in the client's order."""
    mine = set(about.groups)
    return list(dict.fromkeys(role for group, role in roles.items() if group == "*" or group in mine))
