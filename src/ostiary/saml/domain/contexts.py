"""How somebody signed in, in SAML's words, and whether that is what an application asks for.

An application that asks for a password is content with a passkey: what was proved counts as every class that asks for no
more, and the assertion then names the class that was asked for.

Source: OASIS SAML 2.0 core, 3.3.2.2.1; authentication contexts, 3.4; REFEDS MFA profile 1.2.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.policy.request import Authentication, AuthStrength

_CLASSES: Final = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
UNSPECIFIED: Final = f"{_CLASSES}unspecified"
PASSWORD: Final = f"{_CLASSES}PasswordProtectedTransport"
REFEDS_MFA: Final = "https://refeds.org/profile/mfa"
REFEDS_SFA: Final = "https://refeds.org/profile/sfa"
REFEDS_RESISTANT: Final = "https://refeds.org/profile/mfa/phishing-resistant"
PHISHING_RESISTANT: Final = "http://schemas.openid.net/pape/policies/2007/06/phishing-resistant"

ASKS_FOR: Final = {
    UNSPECIFIED: AuthStrength.SINGLE,
    f"{_CLASSES}Password": AuthStrength.SINGLE,
    PASSWORD: AuthStrength.SINGLE,
    REFEDS_SFA: AuthStrength.SINGLE,
    REFEDS_MFA: AuthStrength.OTP,
    "http://schemas.microsoft.com/claims/multipleauthn": AuthStrength.OTP,
    REFEDS_RESISTANT: AuthStrength.PHISHING_RESISTANT,
    f"{_CLASSES}TimeSyncToken": AuthStrength.OTP,
    f"{_CLASSES}MobileTwoFactorUnregistered": AuthStrength.OTP,
    f"{_CLASSES}MobileTwoFactorContract": AuthStrength.OTP,
    PHISHING_RESISTANT: AuthStrength.PHISHING_RESISTANT,
}
"""What each class asks for at least. A class that does not stand here cannot be given."""

_STRENGTHS: Final = frozenset(ASKS_FOR.values())


class Comparison(StrEnum):
    """How what was proved has to compare to what is asked for."""

    EXACT = "exact"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    BETTER = "better"


class AskedContext(msgspec.Struct, frozen=True, kw_only=True):
    """What an application asks for: one of these classes, in its order of liking."""

    classes: tuple[str, ...] = ()
    comparison: Comparison = Comparison.EXACT


def context_of(authentications: Collection[Authentication]) -> str:
    """Return the class that says what was proved, when none was asked for."""
    if strongest_of(authentications) >= AuthStrength.OTP:
        return REFEDS_MFA
    return PASSWORD if any(one.method == "password" for one in authentications) else UNSPECIFIED


def strongest_of(authentications: Collection[Authentication]) -> AuthStrength:
    """Return the strongest thing that was proved."""
    return max((one.strength for one in authentications), default=AuthStrength.SINGLE)


def needed(asked: AskedContext) -> AuthStrength | None:
    """Return the least that would do; `None` when nothing would.

    Where the application sets a maximum, anything does. No class stands for a recovery code: better than a password is a
    code that changes.
    """
    if not asked.classes:
        return AuthStrength.SINGLE
    known = [ASKS_FOR[one] for one in asked.classes if one in ASKS_FOR]
    if not known:
        return None
    if asked.comparison is Comparison.MAXIMUM:
        return AuthStrength.SINGLE
    if asked.comparison is not Comparison.BETTER:
        return min(known)
    return min((one for one in _STRENGTHS if one > max(known)), default=None)


def answer(asked: AskedContext, authentications: Collection[Authentication]) -> str | None:
    """Return the class to name to an application; `None` when what was proved is not what it asks for."""
    least, strength = needed(asked), strongest_of(authentications)
    if least is None or strength < least:
        return None
    if not asked.classes:
        return context_of(authentications)
    if asked.comparison is Comparison.BETTER:
        return REFEDS_RESISTANT if least is AuthStrength.PHISHING_RESISTANT else context_of(authentications)
    given = [one for one in asked.classes if one in ASKS_FOR and ASKS_FOR[one] <= strength]
    return _at_most(asked, given, context_of(authentications)) if asked.comparison is Comparison.MAXIMUM else given[0]


def _at_most(asked: AskedContext, given: list[str], own: str) -> str:
    """Return the strongest class that was proved and does not exceed the strongest that was asked for."""
    ceiling = max(ASKS_FOR[one] for one in asked.classes if one in ASKS_FOR)
    return max([*given, *([own] if ASKS_FOR[own] <= ceiling else [])], key=lambda one: ASKS_FOR[one])
