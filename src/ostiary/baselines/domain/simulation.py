"""What another baseline, or another requirement, would do to each device. Pure."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from ostiary.baselines.domain.case import Case, Opinion, judge_case
from ostiary.baselines.domain.document import Baseline
from ostiary.baselines.domain.evaluation import NEVER, Finding, Outcome, block_at
from ostiary.baselines.domain.holding import counts_until
from ostiary.baselines.domain.requirement import Requirement
from ostiary.policy.identifiers import DeviceId


class Effect(StrEnum):
    """What it would do to a device, the worst first."""

    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    LATER = "later"
    WARNED = "warned"
    FINE = "fine"


class Effected(msgspec.Struct, frozen=True, kw_only=True):
    """What it would do to one device.

    Args:
        blocked_at: when it would not be compliant any more, if nothing is done (seconds since the epoch); `None` for never.
        failing: the checks that do not hold.
        newly: whether it is compliant as things are and would not be when this begins.
        used: names of apps that its owner used lately and whose rules ask for this.
    """

    device: DeviceId
    name: str
    owner: str
    effect: Effect
    blocked_at: float | None
    failing: tuple[str, ...]
    newly: bool
    used: tuple[str, ...] = ()


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What it would do to every device, from a moment on."""

    starts_at: float
    devices: tuple[Effected, ...]

    def count(self, effect: Effect) -> int:
        """Return to how many devices it would do this."""
        return sum(1 for one in self.devices if one.effect is effect)


class Blocked(msgspec.Struct, frozen=True):
    """How many of how many devices would be blocked at once that are not now."""

    blocked: int
    of: int


def count_blocked(found: Simulation) -> Blocked:
    """Return what the brake goes by."""
    return Blocked(sum(1 for one in found.devices if one.newly), len(found.devices))


def simulate(
    cases: Iterable[Case],
    baselines: Mapping[str, Baseline],
    requirements: Iterable[Requirement],
    *,
    now: float,
    starts_at: float,
    compliant: Mapping[str, bool],
    used: Mapping[str, tuple[str, ...]],
    held: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Simulation:
    """Return what baselines and requirements would do to devices that stay as they are.

    Args:
        cases: the devices.
        baselines: as they would be.
        requirements: as they would be.
        now: seconds since the epoch: what is known, is known now.
        starts_at: from when on; what fails then began to fail then, unless it is known to have begun earlier.
        compliant: by device, whether it counts as compliant now.
        used: by owner, the apps they used whose rules ask for this.
        held: by device, the checks whose failing is held: who is blocked by nothing else goes on counting as compliant.
    """
    asked = tuple(requirements)
    effects = (
        _effect(
            one,
            judge_case(_later(one, starts_at - now), baselines, asked, starts_at),
            starts_at,
            was=compliant.get(one.device, False),
            used=used.get(one.owner_id, ()),
            held=held.get(one.device, ()),
        )
        for one in cases
    )
    return Simulation(starts_at=starts_at, devices=tuple(sorted(effects, key=_worst_first)))


def _effect(
    case: Case, opinion: Opinion, at: float, *, was: bool, used: tuple[str, ...], held: Collection[str]
) -> Effected:
    findings = [one for each in opinion.of_required for one in each.findings if not one.met]
    ends = min((block_at(one, at) for one in findings), default=NEVER)
    return Effected(
        device=case.device,
        name=case.name,
        owner=case.owner,
        effect=_kind(opinion, findings, ends),
        blocked_at=at if not opinion.compliant else None if ends == NEVER else ends,
        failing=opinion.failing,
        newly=was and not opinion.compliant and not counts_until(opinion.blocking, held, NEVER, at),
        used=used,
    )


def _kind(opinion: Opinion, findings: list[Finding], ends: float) -> Effect:
    if not opinion.compliant:
        fails = any(one.blocks and one.outcome is Outcome.FAILS for one in findings)
        return Effect.BLOCKED if fails else Effect.UNKNOWN
    if ends != NEVER:
        return Effect.LATER
    return Effect.WARNED if findings else Effect.FINE


def _later(case: Case, seconds: float) -> Case:
    """What is known now stays known in the thought: devices go on reporting."""
    if seconds <= 0:
        return case
    known = {
        name: msgspec.structs.replace(
            fact, said=tuple(msgspec.structs.replace(one, until=one.until + seconds) for one in fact.said)
        )
        for name, fact in case.posture.known.items()
    }
    return msgspec.structs.replace(case, posture=msgspec.structs.replace(case.posture, known=known))


_ORDER = {effect: number for number, effect in enumerate(Effect)}


def _worst_first(one: Effected) -> tuple[int, float, str, str]:
    return _ORDER[one.effect], one.blocked_at or NEVER, one.name, one.device
