"""The sections of a device's page, in their order. Each is a template and what reads its content; a new one is a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ostiary.baselines.facade import NEVER, block_at, look_at
from ostiary.devices.facade import Device, State, UnusableDevice, get_posture, list_fact_changes
from ostiary.identity.facade import list_sessions
from ostiary.web.console.baseline_words import OUTCOME_WORDS
from ostiary.web.console.device_history import shown_changes
from ostiary.web.console.software import software_of
from ostiary.web.console.tables import SESSIONS
from ostiary.web.fact_words import shown_facts, unspoken

RECENT_CHANGES: Final = 10
MAX_SESSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    Args:
        template: draws it, with what was read as `content`; it draws nothing where there is nothing to say.
        read: returns the content for a device at a moment (seconds since the epoch).
    """

    template: str
    read: Callable[[Device, float], Any]


@dataclass(frozen=True, slots=True)
class FilledSection:
    """One section with its content."""

    template: str
    content: Any


def fill_sections(device: Device, now: float) -> list[FilledSection]:
    """Return every section of a device's page with its content at a moment (seconds since the epoch)."""
    return [FilledSection(one.template, one.read(device, now)) for one in SECTIONS]


def _facts(device: Device, now: float) -> dict[str, Any]:
    posture = get_posture(device.id, now=now)
    return {
        "facts": shown_facts(posture),
        "unspoken": unspoken(posture) if posture.reported_at is not None else (),
        "reported_at": posture.reported_at,
        "stale": posture.reported_at is not None and not posture.known,
    }


def _history(device: Device, _now: float) -> dict[str, Any]:
    found = list_fact_changes(device.id, limit=RECENT_CHANGES + 1)
    return {"changes": shown_changes(found[:RECENT_CHANGES]), "more": len(found) > RECENT_CHANGES}


def _sessions(device: Device, _now: float) -> dict[str, Any]:
    return {"sessions": list_sessions(device=device.id, page_size=MAX_SESSIONS), "columns": SESSIONS.usual}


def _compliance(device: Device, now: float) -> dict[str, Any]:
    if device.state not in (State.ACTIVE, State.QUARANTINED):
        return {}
    try:
        standing = look_at(device.id, now=now)
    except UnusableDevice:
        return {}
    return {
        "verdict": standing.verdict,
        "required": [one.baseline for one in standing.required],
        "meets": standing.verdict.meets,
        "checks": [
            {
                "finding": one,
                "meaning": OUTCOME_WORDS[one.outcome][0],
                "words": OUTCOME_WORDS[one.outcome][1],
                "blocked_at": None if (at := block_at(one, now)) == NEVER else at,
                "mend": one.check.mend.get(standing.platform, "") if standing.platform and not one.met else "",
            }
            for judged in standing.of_required
            for one in judged.findings
        ],
    }


def _software(device: Device, now: float) -> dict[str, Any]:
    return {"device": device, **software_of(device.id, now=now)}


SECTIONS: Final = (
    Section("console/devices/parts/compliance.html", _compliance),
    Section("console/devices/parts/facts.html", _facts),
    Section("console/devices/parts/software.html", _software),
    Section("console/devices/parts/sessions.html", _sessions),
    Section("console/devices/parts/history.html", _history),
)
"""Below what a device is, in this order."""
