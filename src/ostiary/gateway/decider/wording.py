"""What a refusal says to a person: status, heading and one sentence for each reason. Nothing here decides."""

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.policy.decision import Deny, ReasonCode, RemedyKind


class Wording(msgspec.Struct, frozen=True):
    """How one reason is said; `{app}` stands for the app's name.

    Args:
        status: of the answer.
        heading: what happened.
        lead: why, one sentence.
        advice: what to do, when that does not depend on the request.
        ask: whether asking somebody for access could help.
    """

    status: int
    heading: str
    lead: str
    advice: str = ""
    ask: bool = False


_WAIT: Final = "Try again in a minute. If it stays like this, tell whoever runs this service."

WORDINGS: Final[Mapping[ReasonCode, Wording]] = {
    ReasonCode.NO_RULES: Wording(
        403, "Nothing is open yet", "This service has no rules yet, and without rules nobody enters.", ask=True
    ),
    ReasonCode.NO_RULE_APPLIES: Wording(
        403, "{app} is not open to you", "No rule gives your account access to {app}.", ask=True
    ),
    ReasonCode.CONDITIONS_UNMET: Wording(403, "One more step before {app} opens", ""),
    ReasonCode.DENIED_BY_RULE: Wording(
        403, "{app} is closed to you", "A rule keeps your account out of {app}.", ask=True
    ),
    ReasonCode.ENGINE_ERROR: Wording(
        503,
        "{app} cannot be opened now",
        "The rules could not be evaluated, so nobody is let in.",
        "Whoever runs this service sees an alarm about it.",
    ),
    ReasonCode.UNKNOWN_RESOURCE: Wording(
        404, "There is nothing at this address", "The address leads to no app. Check how it is spelt."
    ),
    ReasonCode.UNKNOWN_SUBJECT: Wording(
        403, "Your account is not known here", "You are signed in with an account that no longer exists.", ask=True
    ),
    ReasonCode.INPUT_TOO_LONG: Wording(
        414, "This address is too long", "The address is longer than anything that can be decided on."
    ),
    ReasonCode.MALFORMED_REQUEST: Wording(
        400,
        "This address cannot be opened",
        "The request could be read in more than one way, so it is not let through.",
    ),
    ReasonCode.UNAUTHENTICATED: Wording(401, "Sign in to open {app}", "You are not signed in to {app}."),
    ReasonCode.SESSION_ENDED: Wording(401, "Your sign-in has ended", "Sign in again to open {app}."),
    ReasonCode.OTHER_DEVICE: Wording(
        401,
        "Your sign-in belongs to another device",
        "It began on a device that proves itself, and counts only there. Sign in here to open {app}.",
    ),
    ReasonCode.SESSION_IDLE: Wording(403, "Are you still there?", ""),
    ReasonCode.PROOF_TOO_OLD: Wording(403, "Confirm that it is you", ""),
    ReasonCode.PERSON_DISABLED: Wording(
        403, "Your account is switched off", "It cannot open anything until somebody switches it on again.", ask=True
    ),
    ReasonCode.SERVICE_DISABLED: Wording(
        403,
        "This service is switched off",
        "It is disabled, or its time is over.",
        "Whoever answers for it can switch it on again or give it another end.",
    ),
    ReasonCode.TOKEN_REFUSED: Wording(
        401,
        "The token is not accepted",
        "It has run out, was taken back, or is not meant for {app}.",
        "Get a new one.",
    ),
    ReasonCode.TOKEN_SCOPE: Wording(
        403,
        "The token does not cover this",
        "It is for other apps, or for viewing only.",
        "Make a token whose scope includes it.",
    ),
    ReasonCode.STALE_FACTS: Wording(
        503,
        "{app} cannot be opened now",
        "It is not certain who may do what at the moment, so nobody is let in.",
        _WAIT,
    ),
    ReasonCode.RECORD_UNAVAILABLE: Wording(
        503,
        "{app} cannot be opened now",
        "Requests cannot be put on record at the moment, so none is let through.",
        _WAIT,
    ),
}

_HEADINGS: Final[Mapping[RemedyKind, str]] = {
    RemedyKind.WAIT: "{app} is closed at the moment",
    RemedyKind.CHANGE_NETWORK: "{app} does not open from here",
    RemedyKind.USE_DEVICE: "{app} does not open on this device",
    RemedyKind.ASK: "{app} does not open for this",
}

_PATH: Final = "path"
_PART_NOT_OPEN: Final = "This part of {app} is not open to you"
_DENIED_IN_PART: Final = Wording(
    403, "This part of {app} is closed to you", "A rule keeps your account out of this part of {app}.", ask=True
)


def wording_of(deny: Deny) -> Wording:
    """Return the words for a refusal's reason; a rule about a part of an app does not close all of it."""
    if deny.reason is ReasonCode.DENIED_BY_RULE and deny.in_part:
        return _DENIED_IN_PART
    return WORDINGS[deny.reason]


def lead_of(deny: Deny, app: str) -> str:
    """Return why: what denying rules say of themselves, then the first condition that is not met.

    Args:
        deny: the decision.
        app: the app's name.
    """
    said = [*map(_as_sentence, deny.because), *(unmet.words for unmet in deny.unmet[:1])]
    return " ".join(dict.fromkeys(said)) or wording_of(deny).lead.format(app=app)


def heading_of(deny: Deny, app: str) -> str:
    """Return what happened, in a few words: by what the nearest rule asks for, where it asks for something.

    Args:
        deny: the decision.
        app: the app's name.
    """
    first = deny.unmet[0] if deny.unmet and deny.reason is ReasonCode.CONDITIONS_UNMET else None
    kind = first.remedy.kind if first is not None and first.remedy is not None else None
    heading = _HEADINGS.get(kind) if kind is not None else None
    if first is not None and first.code == _PATH:
        heading = _PART_NOT_OPEN
    return (heading or wording_of(deny).heading).format(app=app)


def _as_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
