"""Baselines, checks and what a simulation found, in the words of the console."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.baselines.facade import (
    EVERYBODY,
    Check,
    Effect,
    ExceptionState,
    Outcome,
    Requirement,
    Severity,
    Simulation,
    check_in_words,
    ladder_in_words,
)

MOST_DEVICES: Final = 200
EFFECT_WORDS: Final[dict[Effect, tuple[str, Promise]]] = {
    Effect.BLOCKED: ("refused", gettext_lazy("Blocked at once")),
    Effect.UNKNOWN: ("refused", gettext_lazy("Blocked: not known")),
    Effect.LATER: ("held", gettext_lazy("Blocked later")),
    Effect.WARNED: ("held", gettext_lazy("Told")),
    Effect.FINE: ("allowed", gettext_lazy("Fine")),
}
OUTCOME_WORDS: Final[dict[Outcome, tuple[str, Promise]]] = {
    Outcome.HOLDS: ("allowed", gettext_lazy("Holds")),
    Outcome.FAILS: ("held", gettext_lazy("Fails")),
    Outcome.UNKNOWN: ("refused", gettext_lazy("Not known")),
    Outcome.EXCEPTED: ("allowed", gettext_lazy("Excepted")),
}
STATE_WORDS: Final[dict[ExceptionState, tuple[str, Promise]]] = {
    ExceptionState.WAITING: ("held", gettext_lazy("Waiting")),
    ExceptionState.GRANTED: ("allowed", gettext_lazy("Granted")),
    ExceptionState.REFUSED: ("refused", gettext_lazy("Refused")),
    ExceptionState.ENDED: ("", gettext_lazy("Ended")),
}
SEVERITY_WORDS: Final[dict[Severity, Promise]] = {
    Severity.LOW: gettext_lazy("low"),
    Severity.MEDIUM: gettext_lazy("medium"),
    Severity.HIGH: gettext_lazy("high"),
    Severity.CRITICAL: gettext_lazy("critical"),
}


def asked_of(
    name: str, requirements: Iterable[Requirement], now: float, names: Mapping[str, str], *, most: int = 10**6
) -> list[dict[str, Any]]:
    """Return of whom a baseline is required: in words, and from when where that is not yet.

    Args:
        name: of the baseline.
        requirements: all that there are.
        now: seconds since the epoch.
        names: of devices, by identifier.
        most: so many single devices are named; more are counted.
    """
    found = tuple(requirements)
    if not any(not one.group and not one.device and one.starts_at <= now for one in found):
        found = (EVERYBODY, *found)
    asked = [one for one in found if one.baseline == name]
    single = [one for one in asked if one.device]
    counted = single if len(single) > most else []
    shown = [
        {"whom": _whom(one, names), "device": one.device, "starts_at": one.starts_at if one.starts_at > now else None}
        for one in asked
        if one not in counted
    ]
    if counted:
        words = ngettext("%(count)d single device", "%(count)d single devices", len(counted))
        shown.append({"whom": words % {"count": len(counted)}, "device": "", "starts_at": None})
    return shown


def shown_check(check: Check) -> dict[str, Any]:
    """Return a check as a page shows it."""
    return {
        "check": check,
        "asks": check_in_words(check),
        "ladder": ladder_in_words(check.ladder),
        "severity": SEVERITY_WORDS[check.severity],
        "evidence": check.evidence.word,
        "on": ", ".join(check.on),
        "mend": list(check.mend.items()),
    }


def shown_simulation(found: Simulation) -> dict[str, Any]:
    """Return what a simulation found as a page shows it: counts, and the devices, the worst first."""
    counts = [(*EFFECT_WORDS[one], found.count(one)) for one in Effect if found.count(one)]
    return {
        "simulation": found,
        "counts": counts,
        "effects": [(one, *EFFECT_WORDS[one.effect]) for one in found.devices[:MOST_DEVICES]],
        "more": max(0, len(found.devices) - MOST_DEVICES),
    }


def _whom(one: Requirement, names: Mapping[str, str]) -> str:
    if one.device:
        return _("the device %(device)s") % {"device": names.get(one.device, one.device)}
    return _("devices of %(group)s") % {"group": one.group} if one.group else _("every device")
