"""What a baseline makes of a device at one moment. Nothing is stored or looked up here.

A check holds, fails or is not known. What is absent, too old, malformed or too little vouched for is not known: it never satisfies, and it has
no grace. What fails has as much grace as the check's ladder gives it, from the moment it began to fail.
"""

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from ostiary.baselines.domain.document import Baseline, Bound, Check, Demand, Ladder, Stage
from ostiary.devices.domain.posture import Platform, Posture, Value

NEVER = math.inf


class Outcome(StrEnum):
    """How a device stands to one check."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"
    EXCEPTED = "excepted"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How a device stands to one check.

    Args:
        failing: the facts that are not as they should be, or not known.
        since: when it began to fail; `None` unless it fails.
        stage: what comes of it now; `None` where it holds or is excepted.
        next_stage: what comes next with time alone; `None` for nothing.
        next_at: when (seconds since the epoch); infinite for never.
        until: when time alone may end that it holds or is excepted; infinite for never.
    """

    check: Check
    outcome: Outcome
    failing: tuple[str, ...] = ()
    since: float | None = None
    stage: Stage | None = None
    next_stage: Stage | None = None
    next_at: float = NEVER
    until: float = NEVER

    @property
    def blocks(self) -> bool:
        """Whether the device is not compliant because of this."""
        return self.stage is Stage.BLOCK

    @property
    def met(self) -> bool:
        """Whether it needs no grace."""
        return self.outcome in (Outcome.HOLDS, Outcome.EXCEPTED)


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What one baseline makes of a device at one moment.

    Args:
        findings: for every check that is asked of its platform.
        compliant: whether none of them blocks; never where nothing is asked of it.
        meets: whether every one of them holds or is excepted, without any grace.
        until: the first moment at which time alone may change any of this (seconds since the epoch); infinite for never.
    """

    baseline: str
    findings: tuple[Finding, ...]
    compliant: bool
    meets: bool
    until: float

    @property
    def failing(self) -> tuple[Finding, ...]:
        """Those that neither hold nor are excepted."""
        return tuple(one for one in self.findings if not one.met)


def judge(
    baseline: Baseline,
    posture: Posture,
    platform: Platform | None,
    *,
    now: float,
    since: Mapping[str, float],
    excepted: Mapping[str, float],
) -> Judgement:
    """Return what a baseline makes of a device.

    Args:
        baseline: with everything it takes from another.
        posture: what is known of the device.
        platform: what it runs on; `None` where that is not known: then every check is asked of it.
        now: seconds since the epoch.
        since: by the name of a check, when it began to fail; what is missing begins now.
        excepted: by the name of a check, until when nobody asks for it.
    """
    asked = [one for one in baseline.checks if platform is None or platform in one.on]
    findings = tuple(_find(one, posture, now=now, since=since, excepted=excepted.get(one.name, 0.0)) for one in asked)
    return Judgement(
        baseline=baseline.name,
        findings=findings,
        compliant=bool(findings) and not any(one.blocks for one in findings),
        meets=bool(findings) and all(one.met for one in findings),
        until=min((min(one.until, one.next_at) for one in findings), default=NEVER),
    )


def _find(check: Check, posture: Posture, *, now: float, since: Mapping[str, float], excepted: float) -> Finding:
    if excepted > now:
        return Finding(check=check, outcome=Outcome.EXCEPTED, until=excepted)
    values = {demand.fact: posture.value(demand.fact, check.evidence) for demand in check.require}
    unknown = tuple(name for name, value in values.items() if value is None)
    if unknown:
        stage = Stage.BLOCK if check.ladder.block is not None else Stage.REPORT
        return Finding(check=check, outcome=Outcome.UNKNOWN, failing=unknown, stage=stage)
    end = min(_known_until(posture, demand.fact, check) for demand in check.require)
    failing = tuple(one.fact for one in check.require if not satisfies(one, values[one.fact]))
    if not failing:
        return Finding(check=check, outcome=Outcome.HOLDS, until=end)
    began = min(since.get(check.name, now), now)
    stage, following, at = stage_at(check.ladder, began, now)
    return Finding(
        check=check,
        outcome=Outcome.FAILS,
        failing=failing,
        since=began,
        stage=stage,
        next_stage=following,
        next_at=at,
        until=end,
    )


def satisfies(demand: Demand, value: Value | None) -> bool:
    """Tell whether a fact is as it should be. A value of another kind than the one asked for never is."""
    if value is None or type(value) is not type(demand.value):
        return False
    if demand.bound is Bound.EXACTLY or isinstance(value, str | bool) or isinstance(demand.value, str | bool):
        return value == demand.value
    return value >= demand.value if demand.bound is Bound.AT_LEAST else value <= demand.value


def stage_at(ladder: Ladder, since: float, now: float) -> tuple[Stage, Stage | None, float]:
    """Return the stage that a failing has reached, the next one, and when that begins."""
    spans = ((Stage.NOTIFY, ladder.notify), (Stage.WARN, ladder.warn), (Stage.BLOCK, ladder.block))
    stage = Stage.REPORT
    for one, span in spans:
        if span is None:
            continue
        if now < since + span:
            return stage, one, since + span
        stage = one
    return stage, None, NEVER


def block_at(finding: Finding, now: float) -> float:
    """Return when a check blocks if nothing is done about it: `now` where it does already, infinite where it never will."""
    if finding.blocks:
        return now
    if finding.since is None or finding.check.ladder.block is None:
        return NEVER
    return max(now, finding.since + finding.check.ladder.block)


def together(judgements: Iterable[Judgement]) -> tuple[bool, float]:
    """Return whether a device is as all of these ask, and until when time alone leaves that so. No judgement is no compliance."""
    found = tuple(judgements)
    return bool(found) and all(one.compliant for one in found), min((one.until for one in found), default=NEVER)


def _known_until(posture: Posture, fact: str, check: Check) -> float:
    """The first moment at which anybody's word on it that counts for this check is too old."""
    said = posture.known[fact].said
    return min(one.until for one in said if one.evidence >= check.evidence)
