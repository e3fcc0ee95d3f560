"""All devices together: what they run on, which of them tell of themselves, how each fact stands, what is oldest. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.devices.domain.glance import JUDGED, PLATFORMS, looks_good
from ostiary.devices.domain.posture import FACTS, Platform, Posture, Value
from ostiary.policy.identifiers import DeviceId

OLDEST: Final = 5
_PATCHES, _SUPPORT, _VERSION = "security_update_age_days", "os_support_days", "os_version"
_YES_OR_NO: Final = {"yes": True, "true": True, "no": False, "false": False}


class Telling(StrEnum):
    """Whether a device is told of: lately, not for too long, or never."""

    TELLS = "tells"
    SILENT = "silent"
    NEVER = "never"


class Looks(StrEnum):
    """How a fact looks by itself."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One device of the fleet.

    Args:
        family: what it runs on; `None` where it does not say.
        values: what is known of it, by the names that rules use.
        telling: whether it is told of.
    """

    id: DeviceId
    name: str
    owner: str
    family: Platform | None
    values: Mapping[str, Value]
    telling: Telling


class FactCount(msgspec.Struct, frozen=True, kw_only=True):
    """How one fact stands on the devices that can have it."""

    name: str
    good: int = 0
    bad: int = 0
    unknown: int = 0


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One operating system: on how many devices, and for how many days it is looked after, where that is known."""

    name: str
    devices: int
    support_days: int | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A device whose oldest security update has waited for so many days."""

    id: DeviceId
    name: str
    owner: str
    days: int


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """All devices together.

    Args:
        devices: how many.
        platforms: how many run on what, the most first.
        telling: how many tell, went silent, never told.
        facts: each that is good or bad by itself.
        waiting: those whose security updates have waited longest.
        versions: the operating systems, those that are looked after for the shortest time first.
    """

    devices: int
    platforms: tuple[tuple[Platform, int], ...]
    telling: tuple[tuple[Telling, int], ...]
    facts: tuple[FactCount, ...]
    waiting: tuple[Waiting, ...]
    versions: tuple[Version, ...]


def telling_of(posture: Posture) -> Telling:
    """Tell whether a device is told of; one that goes on telling nothing but what cannot be told tells as well."""
    if posture.reported_at is None:
        return Telling.NEVER
    return Telling.TELLS if posture.known else Telling.SILENT


def looks_of(name: str, value: Value | None) -> Looks | None:
    """Return how a fact looks on a device, `None` being not known; `None` for one that is neither good nor bad."""
    if value is None:
        return Looks.UNKNOWN
    good = looks_good(name, value)
    return None if good is None else Looks.GOOD if good else Looks.BAD


def bad_facts(posture: Posture) -> tuple[str, ...]:
    """Return the names of the facts that look bad on a device."""
    return tuple(name for name in JUDGED if looks_of(name, posture.value(name)) is Looks.BAD)


def fact_is(values: Mapping[str, Value], name: str, wanted: str) -> bool:
    """Tell whether a fact is as somebody asks.

    Args:
        values: what is known of the device, by the names that rules use.
        name: of the fact.
        wanted: `good`, `bad` or `unknown`; anything else is its value: `yes`, `3`, `Debian 12`.
    """
    if wanted in set(Looks):
        return looks_of(name, values.get(name)) == wanted
    return name in values and values[name] == _value(name, wanted)


def summarise(members: Sequence[Member]) -> Fleet:
    """Return all devices together."""
    families = Counter(one.family for one in members if one.family is not None)
    telling = Counter(one.telling for one in members)
    return Fleet(
        devices=len(members),
        platforms=tuple(sorted(families.items(), key=lambda one: (-one[1], PLATFORMS.index(one[0])))),
        telling=tuple((one, telling[one]) for one in Telling),
        facts=_counts(members),
        waiting=_waiting(members),
        versions=_versions(members),
    )


def _counts(members: Iterable[Member]) -> tuple[FactCount, ...]:
    """Count each value once: there are many devices and few values."""
    seen: Counter[tuple[Platform | None, str, Value | None, type]] = Counter()
    for one in members:
        family, value_of = one.family, one.values.get
        seen.update([(family, name, value := value_of(name), type(value)) for name in JUDGED])
    looks: Counter[tuple[str, Looks | None]] = Counter()
    for (family, name, value, _kind), count in seen.items():
        if family in (None, *FACTS[name].on):
            looks[name, looks_of(name, value)] += count
    return tuple(
        FactCount(
            name=name, good=looks[name, Looks.GOOD], bad=looks[name, Looks.BAD], unknown=looks[name, Looks.UNKNOWN]
        )
        for name in JUDGED
    )


def _waiting(members: Iterable[Member]) -> tuple[Waiting, ...]:
    found = [
        Waiting(id=one.id, name=one.name, owner=one.owner, days=days)
        for one in members
        if type(days := one.values.get(_PATCHES)) is int and days > 0
    ]
    return tuple(sorted(found, key=lambda one: (-one.days, one.name, one.id))[:OLDEST])


def _versions(members: Iterable[Member]) -> tuple[Version, ...]:
    found: dict[str, list[int]] = {}
    devices: Counter[str] = Counter()
    for one in members:
        name, days = one.values.get(_VERSION), one.values.get(_SUPPORT)
        if isinstance(name, str):
            devices[name] += 1
            found.setdefault(name, []).extend([days] if type(days) is int else [])
    versions = [
        Version(name=name, devices=devices[name], support_days=min(days, default=None)) for name, days in found.items()
    ]
    return tuple(sorted(versions, key=lambda one: (one.support_days is None, one.support_days or 0, one.name)))


def _value(name: str, text: str) -> Value | None:
    spec = FACTS.get(name)
    if spec is None:
        return None
    if spec.kind is bool:
        return _YES_OR_NO.get(text.casefold())
    if spec.kind is int:
        return int(text) if text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 12 else None
    return text
