"""The words for one unmet condition, and the act that remedies it."""

from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from ostiary.policy.bearers import TOKEN_METHOD
from ostiary.policy.conditions import Facts, opens_at, status
from ostiary.policy.decision import Remedy, RemedyKind, UnmetCondition
from ostiary.policy.identifiers import RuleName
from ostiary.policy.request import ActionClass, AuthStrength
from ostiary.policy.rules.device_words import device_in_words, seen_in_words, value_in_words
from ostiary.policy.rules.document import (
    Condition,
    Countries,
    DeviceFact,
    Hours,
    Mfa,
    Networks,
    RiskBelow,
    Rule,
)
from ostiary.policy.rules.words import PROOFS, duration_in_words, joined, path_in_words

STEP_UP_PATH: Final = "/step-up"
DEVICES_PATH: Final = "/devices"
MEND_PATH: Final = "/devices/mend"
EFFORT: Final = {
    RemedyKind.STEP_UP: 1,
    RemedyKind.SIGN_IN: 1,
    RemedyKind.SET_UP: 2,
    RemedyKind.WAIT: 3,
    RemedyKind.CHANGE_NETWORK: 4,
    RemedyKind.USE_DEVICE: 5,
    RemedyKind.ASK: 6,
}
"""What each act costs the person, to compare."""
_ACTS: Final = {
    ActionClass.VIEW: "viewing",
    ActionClass.EDIT: "editing",
    ActionClass.DELETE: "deleting",
    ActionClass.CONNECT: "connecting",
    ActionClass.UNKNOWN: "this kind of request",
}
_CODES: Final[dict[type[Condition], str]] = {
    Mfa: "mfa",
    Hours: "hours",
    Networks: "network",
    Countries: "country",
    RiskBelow: "risk",
}
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def unmet_condition(rule: RuleName, condition: Condition, facts: Facts) -> UnmetCondition:
    """Return the words and the remedy for a condition that does not hold.

    Args:
        rule: the rule that asks.
        condition: what it asks.
        facts: the request and the moment.
    """
    seen = seen_by(condition, facts)
    match condition:
        case Mfa():
            return _mfa(rule, condition, facts)
        case DeviceFact():
            return _device(rule, condition, facts)
        case Hours():
            return _hours(rule, condition, facts)
        case Networks():
            ranges = ", ".join(condition.ranges)
            return _unmet(
                rule,
                code_of(condition),
                f"This is open only from {ranges}; your address is {seen or 'not known'}.",
                required=ranges,
                seen=seen,
                remedy=Remedy(kind=RemedyKind.CHANGE_NETWORK, words="Connect to the company's network or VPN"),
            )
        case Countries():
            codes = ", ".join(condition.codes)
            return _unmet(
                rule,
                code_of(condition),
                f"This is open only from {codes}; your country is {seen or 'not known'}.",
                required=codes,
                seen=seen,
                remedy=_ask(),
            )
        case RiskBelow():
            return _unmet(
                rule,
                code_of(condition),
                f"The risk must be below {condition.limit}; it is {seen or 'not known'}.",
                required=f"below {condition.limit}",
                seen=seen,
                remedy=_ask(),
            )


def code_of(condition: Condition) -> str:
    """Return the stable name of a condition, as in `UnmetCondition.code`."""
    return f"device.{condition.name}" if isinstance(condition, DeviceFact) else _CODES[type(condition)]


def seen_by(condition: Condition, facts: Facts) -> str:
    """Return what a condition saw, in its own terms; empty when it is not known."""
    match condition:
        case Mfa():
            return facts.strength.name.lower().replace("_", "-")
        case DeviceFact(name=name):
            return "" if (seen := facts.device.get(name)) is None else value_in_words(seen)
        case Hours():
            return "open" if status(condition, facts) else "closed"
        case Networks():
            return str(facts.address or "")
        case Countries():
            return facts.request.context.country or ""
        case RiskBelow():
            return "" if (risk := facts.request.context.risk) is None else str(risk)


def unmet_action(rule: Rule, facts: Facts) -> UnmetCondition:
    """Return the words for a rule that allows other actions than the one asked for."""
    allowed = [_ACTS[action] for action in rule.do or ()]
    asked = _ACTS[facts.request.action]
    words = f"You are allowed {joined(allowed)} here, not {asked}."
    return _unmet(
        rule.name, "action", words, required=", ".join(rule.do or ()), seen=facts.request.action, remedy=_ask()
    )


def unmet_path(rule: Rule, facts: Facts) -> UnmetCondition:
    """Return the words for a rule that covers other paths than the one asked for."""
    scopes = ", ".join(map(path_in_words, rule.paths))
    opened = joined([path_in_words(scope) for scope in rule.paths])
    words = f"No rule opens this part to you; the rule {rule.name} opens only {opened}."
    return _unmet(rule.name, "path", words, required=scopes, seen=facts.request.resource.path, remedy=_ask())


def confirm_words(strength: AuthStrength, *, again: bool = False) -> str:
    """Return the act of giving a proof; `again` when one as strong was given too long ago."""
    return f"Confirm {'again ' if again else ''}with {PROOFS[strength]}"


def come_back_words(at: float, zone: str) -> str:
    """Return the act of waiting until a moment."""
    return f"Come back on {moment_text(at, zone)}"


def moment_text(moment: float, zone: str) -> str:
    """Return a moment as the wall clock of a zone shows it: "Monday 24 November, 07:00 (Europe/Berlin)"."""
    local = datetime.fromtimestamp(moment, ZoneInfo(zone))
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}, {local:%H:%M} ({zone})"


def _mfa(rule: RuleName, condition: Mfa, facts: Facts) -> UnmetCondition:
    within = condition.within_seconds
    age = f" from the last {duration_in_words(within)}" if within else ""
    need = "phishing-resistant" if condition.strength is AuthStrength.PHISHING_RESISTANT else "otp"
    query = {"need": need} | ({"within": str(within)} if within else {}) | {"app": facts.request.resource.app}
    words = f"This needs {PROOFS[condition.strength]}{age}; you gave {PROOFS[facts.strength]}"
    words += " longer ago." if within and facts.strength >= condition.strength else "."
    program = _program(facts)
    return _unmet(
        rule,
        code_of(condition),
        f"This needs a person who signs in; {program} cannot." if program else words,
        required=condition.strength.name.lower().replace("_", "-") + (f" within {within}s" if within else ""),
        seen=seen_by(condition, facts),
        remedy=None
        if program
        else Remedy(
            kind=RemedyKind.STEP_UP,
            words=confirm_words(condition.strength),
            path=f"{STEP_UP_PATH}?{urlencode(query)}",
        ),
    )


def _program(facts: Facts) -> str:
    """Return what asks where no person is there who could prove anything; empty where one is."""
    subject = facts.request.subject
    if subject.service is not None:
        return "a service"
    return "a token" if any(proof.method == TOKEN_METHOD for proof in subject.authentications) else ""


def _device(rule: RuleName, condition: DeviceFact, facts: Facts) -> UnmetCondition:
    value, known = value_in_words(condition.value), seen_in_words(condition, facts.device.get(condition.name))
    wanted = f"at least {value}" if condition.at_least else value
    return _unmet(
        rule,
        code_of(condition),
        f"This is open only {device_in_words(condition)}; {known}.",
        required=wanted,
        seen=seen_by(condition, facts),
        remedy=_other_device(condition, facts),
    )


def _other_device(condition: DeviceFact, facts: Facts) -> Remedy:
    """Return the way to a device that meets the condition: their own page says what theirs lacks, or how to enrol it.

    Of somebody else's device they are told whose matter it is, not what it lacks.
    """
    if not _program(facts):
        if facts.device.get("managed") is True and facts.device.get("own") is False:
            return Remedy(
                kind=RemedyKind.USE_DEVICE, words="Use a device of your own: this one is somebody else's to mend"
            )
        if facts.device.get("managed") is True:
            return Remedy(kind=RemedyKind.USE_DEVICE, words="See what this device lacks", path=MEND_PATH)
        wants_unmanaged = condition.name == "managed" and condition.value is not True
        if "managed" not in facts.device and not wants_unmanaged:
            return Remedy(kind=RemedyKind.USE_DEVICE, words="Enrol this device", path=DEVICES_PATH)
    return Remedy(kind=RemedyKind.USE_DEVICE, words="Use a device that your company looks after")


def _hours(rule: RuleName, condition: Hours, facts: Facts) -> UnmetCondition:
    windows, at, zone = (
        "; ".join(map(str, condition.windows)),
        opens_at(condition, facts.now),
        condition.windows[0].zone,
    )
    remedy = _ask()
    if at is not None:
        remedy = Remedy(kind=RemedyKind.WAIT, words=come_back_words(at, zone), at=at)
    return _unmet(
        rule,
        code_of(condition),
        f"This is open {windows} only.",
        required=windows,
        seen=seen_by(condition, facts),
        remedy=remedy,
    )


def _unmet(rule: RuleName, code: str, words: str, *, required: str, seen: str, remedy: Remedy | None) -> UnmetCondition:
    facts = (("required", required), ("seen", seen or "not known"))
    return UnmetCondition(rule=rule, code=code, words=words, facts=facts, remedy=remedy)


def _ask() -> Remedy:
    return Remedy(kind=RemedyKind.ASK, words="Ask for access")
