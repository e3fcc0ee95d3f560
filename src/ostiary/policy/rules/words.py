"""A rule in one plain sentence, and the parts of two rules side by side."""

from typing import Final

from ostiary.policy.request import ActionClass, AuthStrength
from ostiary.policy.rules.device_words import device_in_words
from ostiary.policy.rules.document import (
    Condition,
    Countries,
    DeviceFact,
    Effect,
    Hours,
    Mfa,
    Networks,
    PathScope,
    RiskBelow,
    Rule,
    Target,
    TargetKind,
    Who,
    WhoKind,
)

PROOFS: Final = {
    AuthStrength.SINGLE: "a password",
    AuthStrength.ANY: "a second factor",
    AuthStrength.OTP: "a one-time code",
    AuthStrength.PHISHING_RESISTANT: "a passkey or security key",
}
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_WHO: Final = {
    WhoKind.GROUP: "members of {}",
    WhoKind.PERSON: "person {}",
    WhoKind.EMAIL: "{}",
    WhoKind.SERVICE: "the service {}",
    WhoKind.ANYONE: "anyone",
}
_TARGETS: Final = {TargetKind.APP: "{}", TargetKind.LABEL: "apps labelled {}", TargetKind.ANYTHING: "any app"}
_VERBS: Final = {ActionClass.CONNECT: "connect to"}


def rule_in_words(rule: Rule) -> str:
    """Return the rule as one sentence."""
    may = "may" if rule.effect is Effect.ALLOW else "may never"
    sentence = f"{_who(rule.who)} {may} {_acts(rule.do)} {_targets(rule.to)}"
    sentence += f" under {joined([path_in_words(scope) for scope in rule.paths], 'or')}" if rule.paths else ""
    sentence += "".join(f", {condition_in_words(condition)}" for condition in rule.when)
    if rule.unless:
        sentence += f", unless {joined([condition_in_words(condition) for condition in rule.unless])}"
    if rule.require:
        sentence += f"; {joined([OBLIGATIONS[obligation] for obligation in rule.require])}"
    return sentence[0].upper() + sentence[1:] + "."


def parts_in_words(rule: Rule) -> dict[str, str]:
    """Return each part of the rule as it reads, by its key in the document; parts it does not have are empty."""
    return {
        "allow" if rule.effect is Effect.ALLOW else "deny": _who(rule.who),
        "to": _targets(rule.to),
        "do": joined(sorted(rule.do)) if rule.do is not None else "any",
        "paths": ", ".join(sorted(path_in_words(scope) for scope in rule.paths)),
        "when": ", ".join(sorted(condition_in_words(condition) for condition in rule.when)),
        "unless": ", ".join(sorted(condition_in_words(condition) for condition in rule.unless)),
        "require": ", ".join(sorted(rule.require)),
        "describe": rule.describe,
    }


def condition_in_words(condition: Condition) -> str:
    """Return a condition as it stands in a sentence: "with a one-time code from the last 12 hours"."""
    match condition:
        case Mfa(strength=strength, within_seconds=within):
            return f"with {PROOFS[strength]}" + (f" from the last {duration_in_words(within)}" if within else "")
        case DeviceFact():
            return device_in_words(condition)
        case Hours(windows=windows):
            return f"at {joined(list(map(str, windows)), 'or')}"
        case Networks(ranges=ranges):
            return f"from the network {joined(list(ranges), 'or')}"
        case Countries(codes=codes):
            return f"from {joined(list(codes), 'or')}"
        case RiskBelow(limit=limit):
            return f"with a risk below {limit}"


def path_in_words(scope: PathScope) -> str:
    """Return the scope as it is written in the document."""
    return scope.path + ("/*" if scope.below else "")


def duration_in_words(seconds: int) -> str:
    """Return a duration in its largest whole unit: "12 hours"."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return _counted(seconds // size, unit)


def rounded_span(seconds: float) -> str:
    """Return a span in its largest unit that it fills at least twice, cut to whole ones: "3 hours" for 3 h 59 min."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= 2 * size), _UNITS[-1])
    return _counted(int(seconds // size), unit)


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def joined(words: list[str], last: str = "and") -> str:
    """Return "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


OBLIGATIONS: Final = {
    "justify": "they must say why",
    "mask": "sensitive data is masked",
    "record": "the session is recorded",
}


def _who(who: tuple[Who, ...]) -> str:
    return joined(sorted(_WHO[one.kind].format(one.name) for one in who))


def _targets(targets: tuple[Target, ...]) -> str:
    return joined(sorted(_TARGETS[target.kind].format(target.name) for target in targets))


def _acts(do: tuple[ActionClass, ...] | None) -> str:
    return "use" if do is None else joined([_VERBS.get(action, action.value) for action in sorted(do)])
