"""What can be true of a device: the facts that there are, who says so, and what counts where they disagree. Pure.

A fact is known when somebody said so not long ago, in the form it has to have. What is absent, too old or malformed is not
known, and what is not known satisfies nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Value = bool | int | str
Platform = Literal["linux", "macos", "windows"]
ALL: Final[tuple[Platform, ...]] = ("linux", "macos", "windows")
MAX_FACTS: Final = 64
MAX_VALUE_CHARACTERS: Final = 200
MAX_NUMBER: Final = 2**31
SLACK_SECONDS: Final = 60.0
"""What another process took meanwhile is not from the future: jobs go by when they began, requests wait for locks.

Nothing is kept as later than when it was received, so this makes nothing fresh for longer."""


class Evidence(IntEnum):
    """How much stands behind a fact: the device's own word, its management's, or its hardware's."""

    SELF_REPORTED = 1
    MDM_REPORTED = 2
    HARDWARE_ATTESTED = 3

    @property
    def word(self) -> str:
        """The name in documents: `self-reported`, `mdm-reported` or `hardware-attested`."""
        return self.name.lower().replace("_", "-")

    @property
    def suffix(self) -> str:
        """What stands behind a fact's name in rules that ask for this much."""
        return "" if self is Evidence.SELF_REPORTED else f"_{self.name.lower()}"


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that there is.

    Args:
        name: as rules and baselines write it.
        kind: of its value.
        better: which value is the better one; where sources disagree the worse counts. `None`: neither, the newest counts.
        words: what it says, for people.
        on: the platforms where it means something.
        step: numbers are cut down to a multiple of it, so that what always wavers does not always change.
        kept: whether its changes are worth keeping.
    """

    name: str
    kind: type[bool] | type[int] | type[str]
    better: Literal["true", "false", "more", "less"] | None
    words: str
    on: tuple[Platform, ...] = ALL
    step: int = 1
    kept: bool = True


def _yes(name: str, words: str, on: tuple[Platform, ...] = ALL) -> Spec:
    return Spec(name=name, kind=bool, better="true", words=words, on=on)


def _few(name: str, words: str, *, step: int = 1, kept: bool = True) -> Spec:
    return Spec(name=name, kind=int, better="less", words=words, step=step, kept=kept)


SYSTEM: Final = "os_version"
FACTS: Final[Mapping[str, Spec]] = {
    spec.name: spec
    for spec in (
        Spec(name=SYSTEM, kind=str, better=None, words="Operating system"),
        _yes("os_supported", "The operating system still gets security updates"),
        Spec(
            name="os_support_days",
            kind=int,
            better="more",
            words="Days until the operating system gets no more security updates",
            kept=False,
        ),
        _few("security_updates_pending", "Security updates that wait to be installed"),
        _few("security_update_age_days", "Days that the oldest of them has waited", kept=False),
        _yes("disk_encrypted", "The disk is encrypted"),
        _yes("firewall_on", "The firewall is on"),
        _yes("screen_lock", "The screen locks by itself"),
        _few("screen_lock_minutes", "Minutes until the screen locks"),
        _yes("antivirus_running", "Protection against malware runs"),
        _yes("antivirus_current", "Protection against malware is up to date"),
        _yes("secure_boot", "It starts only software that is signed"),
        _yes("automatic_updates", "Updates are installed by themselves"),
        Spec(
            name="daily_administrator",
            kind=bool,
            better="false",
            words="Whoever works on it has administrator rights all day",
        ),
        _few("listening_services", "Services that other computers can reach"),
        _few("clock_offset_seconds", "Seconds that its clock is off", step=10, kept=False),
        _few("vulnerable_critical", "Critical vulnerabilities in what is installed that an update mends"),
        _few("vulnerable_high", "High vulnerabilities in what is installed that an update mends"),
    )
}
"""Every fact, by name."""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """One fact as somebody says it.

    Args:
        name: of the fact.
        value: `None` where it cannot be told.
        at: when it was looked at, seconds since the epoch.
        problem: why it cannot be told, in a sentence.
    """

    name: Annotated[str, Meta(max_length=63)]
    value: bool | int | Annotated[str, Meta(max_length=MAX_VALUE_CHARACTERS)] | None = None
    at: Annotated[float, Meta(ge=0, le=2**53)]
    problem: Annotated[str, Meta(max_length=MAX_VALUE_CHARACTERS)] = ""


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one source said last.

    Args:
        source: its name: `agent`, `osquery`, `software`, `tpm`, `fleet`, `intune` or `jamf`.
        evidence: how much stands behind it.
        lasts: for how many seconds a fact counts from the moment it was looked at.
        facts: by name.
    """

    source: str
    evidence: Evidence
    lasts: float
    facts: dict[str, Reported]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One source's word on one fact; `until`: the moment it is too old, seconds since the epoch."""

    value: Value
    source: str
    evidence: Evidence
    at: float
    until: float


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that is known.

    Args:
        counts: what is taken for true.
        said: by everybody whose word is fresh, `counts` among them.
        until: the first moment at which one of them is too old (seconds since the epoch).
    """

    counts: Said
    said: tuple[Said, ...]

    @property
    def value(self) -> Value:
        """What is taken for true."""
        return self.counts.value

    @property
    def until(self) -> float:
        """The first moment at which somebody's word on it is too old."""
        return min(one.until for one in self.said)

    @property
    def disputed(self) -> bool:
        """Whether those who speak of it disagree."""
        return any(one.value != self.value for one in self.said)


class Posture(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a device at one moment.

    Args:
        known: facts by name.
        unknown: why each other fact is not known that somebody spoke of, by name.
        reported_at: when any source last spoke (seconds since the epoch); `None` for never.
        systems: the operating system as each source said last, however long ago: what a computer is does not age.
    """

    known: dict[str, Known] = {}
    unknown: dict[str, str] = {}
    reported_at: float | None = None
    systems: tuple[str, ...] = ()

    def value(self, name: str, evidence: Evidence = Evidence.SELF_REPORTED) -> Value | None:
        """Return what counts of a fact among those with at least this evidence; `None` where it is not known."""
        fact = self.known.get(name)
        said = [] if fact is None else [one for one in fact.said if one.evidence >= evidence]
        return _counting(FACTS[name], said).value if said else None

    def for_rules(self) -> dict[str, Value]:
        """Return what rules may read: each fact, and again for each stronger evidence there is."""
        return {
            f"{name}{evidence.suffix}": value
            for name in self.known
            for evidence in Evidence
            if (value := self.value(name, evidence)) is not None
        }

    def until(self) -> float | None:
        """Return the first moment at which any of it is too old; `None` where nothing is known."""
        return min((fact.until for fact in self.known.values()), default=None)


class ChangedFact(msgspec.Struct, frozen=True, kw_only=True):
    """One source said something else than before; `None` for what it could not tell. `at`: seconds since the epoch."""

    at: float
    name: str
    source: str
    value: Value | None
    before: Value | None


def combine(sources: Iterable[SourceFacts], now: float) -> Posture:
    """Return what is known of a device.

    Args:
        sources: what each said last.
        now: seconds since the epoch.
    """
    said: dict[str, list[Said]] = {}
    unknown: dict[str, str] = {}
    spoke: list[float] = []
    systems: list[str] = []
    for source in sorted(sources, key=lambda one: (-one.evidence, one.source)):
        for name, fact in source.facts.items():
            spoke.append(fact.at)
            why = _unusable(name, fact, lasts=source.lasts, now=now)
            if name == SYSTEM and isinstance(fact.value, str):
                systems.append(fact.value)
            if name not in FACTS:
                continue
            if why:
                unknown.setdefault(name, why)
            elif fact.value is not None:
                value = _cut(FACTS[name], fact.value)
                one = Said(
                    value=value,
                    source=source.source,
                    evidence=source.evidence,
                    at=fact.at,
                    until=fact.at + source.lasts,
                )
                said.setdefault(name, []).append(one)
    known = {name: Known(counts=_counting(FACTS[name], ones), said=tuple(ones)) for name, ones in said.items()}
    left = {name: why for name, why in unknown.items() if name not in known}
    return Posture(known=known, unknown=left, reported_at=max(spoke, default=None), systems=tuple(systems))


def is_worse(before: Mapping[str, Value], after: Mapping[str, Value]) -> bool:
    """Tell whether a rule that was met before may not be met any more: something is not known now, or less good.

    Args:
        before: facts as rules read them.
        after: the same, later.
    """
    return any(name not in after or _differs_for_worse(name, value, after[name]) for name, value in before.items())


def _differs_for_worse(name: str, before: Value, after: Value) -> bool:
    spec = spec_of(name)
    if before == after:
        return False
    return spec is None or spec.better is None or _badness(spec, after) > _badness(spec, before)


def spec_of(name: str) -> Spec | None:
    """Return the fact behind a name that rules write, whichever evidence it asks for; `None` where there is none."""
    for evidence in Evidence:
        if evidence.suffix and name.endswith(evidence.suffix):
            return FACTS.get(name.removesuffix(evidence.suffix))
    return FACTS.get(name)


def _unusable(name: str, fact: Reported, *, lasts: float, now: float) -> str:
    spec = FACTS.get(name)
    if spec is None:
        return "There is no such fact."
    if fact.value is None:
        return fact.problem or "It cannot be told."
    if type(fact.value) is not spec.kind or (isinstance(fact.value, int) and abs(fact.value) > MAX_NUMBER):
        return "What was reported is malformed."
    if not fact.at - SLACK_SECONDS <= now < fact.at + lasts:
        return "It was reported too long ago."
    return ""


def _cut(spec: Spec, value: Value) -> Value:
    if spec.kind is int and spec.step > 1 and isinstance(value, int):
        return value // spec.step * spec.step
    return value


def _counting(spec: Spec, said: Sequence[Said]) -> Said:
    """Return whose word counts: the worst; among equals, and where nothing is worse, the newest."""
    return max(said, key=lambda one: (_badness(spec, one.value), one.at))


def _badness(spec: Spec, value: Value) -> int:
    match spec.better:
        case "true" | "more":
            return -int(value)
        case "false" | "less":
            return int(value)
    return 0
