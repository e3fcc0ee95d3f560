"""The facts of devices in words, for the console and the portal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.devices.facade import FACTS, Evidence, Known, Posture, Said, Value, looks_good


@dataclass(frozen=True, slots=True)
class FactWords:
    """One fact.

    Args:
        name: what is looked at.
        yes: how it reads where it is true.
        no: how it reads where it is false.
        counted: how a number of it reads.
    """

    name: Promise
    yes: Promise | str = ""
    no: Promise | str = ""
    counted: Callable[[int], str] = str


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}


def _days_left(count: int) -> str:
    if count >= 0:
        return _days(count)
    return ngettext("none for %(count)d day", "none for %(count)d days", -count) % {"count": -count}


def _minutes(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def _seconds(count: int) -> str:
    return ngettext("%(count)d second", "%(count)d seconds", count) % {"count": count}


_ON, _OFF = gettext_lazy("on"), gettext_lazy("off")
FACT_WORDS: Final[dict[str, FactWords]] = {
    "os_version": FactWords(gettext_lazy("Operating system")),
    "os_supported": FactWords(
        gettext_lazy("Support for the operating system"), gettext_lazy("goes on"), gettext_lazy("has ended")
    ),
    "os_support_days": FactWords(gettext_lazy("Support left"), counted=_days_left),
    "security_updates_pending": FactWords(gettext_lazy("Security updates waiting")),
    "security_update_age_days": FactWords(gettext_lazy("Oldest security update waits for"), counted=_days),
    "disk_encrypted": FactWords(gettext_lazy("Disk"), gettext_lazy("encrypted"), gettext_lazy("not encrypted")),
    "firewall_on": FactWords(gettext_lazy("Firewall"), _ON, _OFF),
    "screen_lock": FactWords(gettext_lazy("Screen lock"), _ON, _OFF),
    "screen_lock_minutes": FactWords(gettext_lazy("The screen locks after"), counted=_minutes),
    "antivirus_running": FactWords(
        gettext_lazy("Protection against malware"), gettext_lazy("running"), gettext_lazy("not running")
    ),
    "antivirus_current": FactWords(
        gettext_lazy("What the protection knows"), gettext_lazy("up to date"), gettext_lazy("out of date")
    ),
    "secure_boot": FactWords(gettext_lazy("Secure boot"), _ON, _OFF),
    "automatic_updates": FactWords(gettext_lazy("Automatic updates"), _ON, _OFF),
    "daily_administrator": FactWords(
        gettext_lazy("The everyday account"),
        gettext_lazy("has administrator rights"),
        gettext_lazy("has no administrator rights"),
    ),
    "listening_services": FactWords(gettext_lazy("Services that other computers can reach")),
    "clock_offset_seconds": FactWords(gettext_lazy("The clock is off by"), counted=_seconds),
    "vulnerable_critical": FactWords(gettext_lazy("Critical vulnerabilities that an update mends")),
    "vulnerable_high": FactWords(gettext_lazy("High vulnerabilities that an update mends")),
}
EVIDENCE_WORDS: Final[dict[Evidence, Promise]] = {
    Evidence.SELF_REPORTED: gettext_lazy("Its own word"),
    Evidence.MDM_REPORTED: gettext_lazy("Its management's word"),
    Evidence.HARDWARE_ATTESTED: gettext_lazy("Proved by its hardware"),
}
SOURCE_WORDS: Final[dict[str, Promise]] = {
    "agent": gettext_lazy("agent"),
    "osquery": gettext_lazy("osquery"),
    "software": gettext_lazy("list of software"),
    "tpm": gettext_lazy("security chip (TPM)"),
    "fleet": gettext_lazy("Fleet"),
    "intune": gettext_lazy("Intune"),
    "jamf": gettext_lazy("Jamf"),
}


@dataclass(frozen=True, slots=True)
class ShownSaid:
    """One source's word; `at`: when it looked (seconds since the epoch)."""

    value: str
    source: str
    evidence: Promise
    at: float


@dataclass(frozen=True, slots=True)
class ShownFact:
    """One fact of a device.

    Args:
        key: its name in rules.
        name: in words.
        value: in words; empty where it is not known.
        meaning: `allowed` where it looks good, `refused` where it looks bad, `held` where it is not known, or nothing.
        counts: whose word counts; `None` where it is not known.
        others: everybody else's who says something else.
        why: why it is not known.
    """

    key: str
    name: str
    value: str = ""
    meaning: str = ""
    counts: ShownSaid | None = None
    others: tuple[ShownSaid, ...] = ()
    why: str = ""

    @property
    def newest_counts(self) -> bool:
        """Whether neither value is the better one, so that the newest word counts where they disagree."""
        spec = FACTS.get(self.key)
        return spec is not None and spec.better is None


def fact_name(name: str) -> str:
    """Return what a fact looks at."""
    words = FACT_WORDS.get(name)
    return name if words is None else str(words.name)


def fact_value(name: str, value: Value | None) -> str:
    """Return how a value of a fact reads; what is not known says so."""
    words = FACT_WORDS.get(name)
    if value is None:
        return _("not known")
    if words is None or isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return str(words.yes if value else words.no)
    return words.counted(value)


def seen_in_words(name: str, posture: Posture, evidence: Evidence = Evidence.SELF_REPORTED) -> str:
    """Return what was seen of a fact, or why it is not known.

    Args:
        name: of the fact.
        posture: what is known of the device.
        evidence: whose word counts here: as much as this, or more.
    """
    value = posture.value(name, evidence)
    if value is not None:
        return f"{fact_name(name)}: {fact_value(name, value)}"
    if name in posture.known:
        return _("%(fact)s: nobody whose word counts here has said so.") % {"fact": fact_name(name)}
    return f"{fact_name(name)}: {fact_value(name, None)}. {posture.unknown.get(name, '')}".rstrip(". ")


def source_name(source: str) -> str:
    """Return what a source is called."""
    return str(SOURCE_WORDS.get(source, source))


def shown_facts(posture: Posture) -> tuple[ShownFact, ...]:
    """Return what is known of a device and what is not, of which somebody spoke."""
    spoken_of = (name for name in FACTS if name in posture.known or name in posture.unknown)
    return tuple(
        _known(name, posture.known[name])
        if name in posture.known
        else ShownFact(name, fact_name(name), meaning="held", why=posture.unknown[name])
        for name in spoken_of
    )


def unspoken(posture: Posture) -> tuple[str, ...]:
    """Return what nobody said anything of, in words."""
    return tuple(fact_name(name) for name in FACTS if name not in posture.known and name not in posture.unknown)


def _known(name: str, fact: Known) -> ShownFact:
    good = looks_good(name, fact.value)
    return ShownFact(
        name,
        fact_name(name),
        value=fact_value(name, fact.value),
        meaning="" if good is None else "allowed" if good else "refused",
        counts=_said(name, fact.counts),
        others=tuple(_said(name, one) for one in fact.said if one.value != fact.value),
    )


def _said(name: str, said: Said) -> ShownSaid:
    return ShownSaid(fact_value(name, said.value), source_name(said.source), EVIDENCE_WORDS[said.evidence], said.at)
