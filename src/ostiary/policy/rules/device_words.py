"""Conditions on devices as they stand in sentences. The names are those of rules; what reports them is no matter here."""

from collections.abc import Mapping
from typing import Final

from ostiary.policy.rules.document import DeviceFact

_ITS: Final = "its "
_EVIDENCE: Final = {
    "_mdm_reported": (", as its management says", "no device management says whether"),
    "_hardware_attested": (", as its hardware proves", "no hardware proves whether"),
}
"""For a name that asks for more than the device's own word: how that reads, and how it reads that there is none."""

YES_OR_NO: Final[Mapping[str, tuple[str, str]]] = {
    "os_supported": (
        "its operating system still gets security updates",
        "its operating system gets no more security updates",
    ),
    "disk_encrypted": ("its disk is encrypted", "its disk is not encrypted"),
    "firewall_on": ("its firewall is on", "its firewall is off"),
    "screen_lock": ("its screen locks by itself", "its screen does not lock by itself"),
    "antivirus_running": ("its protection against malware runs", "its protection against malware does not run"),
    "antivirus_current": (
        "its protection against malware is up to date",
        "its protection against malware is out of date",
    ),
    "secure_boot": ("its secure boot is on", "its secure boot is off"),
    "automatic_updates": ("its updates are installed by themselves", "its updates are not installed by themselves"),
    "daily_administrator": (
        "its everyday account has administrator rights",
        "its everyday account has no administrator rights",
    ),
}
"""How a fact reads that is true, and how one that is not."""

AMOUNTS: Final[Mapping[str, str]] = {
    "os_version": "its operating system is {}",
    "os_support_days": "its operating system gets security updates for {} days",
    "security_updates_pending": "its number of waiting security updates is {}",
    "security_update_age_days": "its oldest waiting security update is {} days old",
    "screen_lock_minutes": "its screen locks after {} minutes",
    "listening_services": "its number of services that other computers reach is {}",
    "clock_offset_seconds": "its clock is off by {} seconds",
    "vulnerable_critical": "its number of critical vulnerabilities that an update mends is {}",
    "vulnerable_high": "its number of high vulnerabilities that an update mends is {}",
    "key_protection": "its key lies in: {}",
}
"""How a fact reads that is a number or a text."""


def device_in_words(fact: DeviceFact) -> str:
    """Return a condition on the device as it stands in a sentence: "on a device whose disk is encrypted"."""
    if fact.name in ("managed", "compliant"):
        return f"on a {fact.name} device" if fact.value else f"on a device that is not {fact.name}"
    if fact.name == "own":
        return "on one's own device" if fact.value else "on somebody else's device"
    if fact.name.startswith("meets_"):
        met = "meets" if fact.value else "does not meet"
        return f"on a device that {met} the baseline {fact.name.removeprefix('meets_').replace('_', ' ')}"
    name, evidence = _parts(fact.name)
    asked = f"at least {value_in_words(fact.value)}" if fact.at_least else fact.value
    return f"on a device whose {_clause(name, asked)}{_EVIDENCE[evidence][0] if evidence else ''}"


def seen_in_words(fact: DeviceFact, seen: bool | int | str | None) -> str:
    """Return what stands against a condition: "this device's disk is not encrypted", "yours is not", "nobody knows whether …".

    Args:
        fact: the condition.
        seen: what is known; `None` for nothing.
    """
    name, evidence = _parts(fact.name)
    if fact.name in ("managed", "compliant", "own") or fact.name.startswith("meets_"):
        return "nothing is known of yours" if seen is None else "yours is" if seen else "yours is not"
    if name not in YES_OR_NO and name not in AMOUNTS:
        return "nothing is known of yours" if seen is None else f"yours is {value_in_words(seen)}"
    if seen is None:
        asked = f"at least {value_in_words(fact.value)}" if fact.at_least else fact.value
        nobody = _EVIDENCE[evidence][1] if evidence else "nobody knows whether"
        return f"{nobody} this device's {_clause(name, asked)}"
    return f"this device's {_clause(name, seen)}{_EVIDENCE[evidence][0] if evidence else ''}"


def value_in_words(value: bool | int | str) -> str:
    """Return a posture value as it is written in the document."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parts(name: str) -> tuple[str, str]:
    """Return a fact's name without the evidence that it asks for, and that."""
    evidence = next((one for one in _EVIDENCE if name.endswith(one)), "")
    return name.removesuffix(evidence), evidence


def _clause(name: str, value: bool | int | str) -> str:
    """Return what is so, without its first word "its"."""
    if isinstance(value, bool) and name in YES_OR_NO:
        return YES_OR_NO[name][0 if value else 1].removeprefix(_ITS)
    if name in AMOUNTS and not isinstance(value, bool):
        return AMOUNTS[name].format(value).removeprefix(_ITS)
    return f"{name.replace('_', ' ')} is {value_in_words(value)}"
