"""One device with everything that its verdict depends on, and the verdict. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from ostiary.baselines.domain.document import Baseline, Stage
from ostiary.baselines.domain.evaluation import NEVER, Judgement, Outcome, judge, together
from ostiary.baselines.domain.requirement import Requirement, next_start, required_of
from ostiary.devices.domain.posture import Platform, Posture
from ostiary.policy.identifiers import DeviceId

_ORDER: Final = {stage.value: number for number, stage in enumerate(Stage)}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One device.

    Args:
        platform: what it runs on; `None` where that is not known.
        groups: of its owner, those that something is required of.
        posture: what is known of it.
        since: by the name of a check, when it began to fail.
        excepted: by the name of a check, until when it is not asked for.
    """

    device: DeviceId
    name: str
    owner: str
    owner_id: str = ""
    platform: Platform | None = None
    groups: frozenset[str] = frozenset()
    posture: Posture = Posture()
    since: dict[str, float] = {}
    excepted: dict[str, float] = {}


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """How a device stands.

    Args:
        required: what is required of it.
        of_required: what that makes of it, one for each.
        others: what every other baseline makes of it.
        compliant: whether it is as all that are required ask.
        until: the first moment at which time alone may change any of this.
    """

    required: tuple[Requirement, ...]
    of_required: tuple[Judgement, ...]
    others: tuple[Judgement, ...]
    compliant: bool
    until: float

    @property
    def meets(self) -> tuple[str, ...]:
        """The baselines of which every check holds."""
        return tuple(sorted(one.baseline for one in (*self.of_required, *self.others) if one.meets))

    @property
    def failing(self) -> tuple[str, ...]:
        """Names of the required checks that do not hold."""
        return tuple(sorted({one.check.name for judged in self.of_required for one in judged.failing}))

    @property
    def blocking(self) -> tuple[str, ...]:
        """Names of the required checks because of which it is not compliant."""
        return tuple(sorted({one.check.name for judged in self.of_required for one in judged.findings if one.blocks}))

    @property
    def lacking(self) -> dict[str, list[str]]:
        """By the name of each baseline that it does not meet, the names of the checks that do not hold."""
        judged = (*self.of_required, *self.others)
        return {each.baseline: sorted(one.check.name for one in each.failing) for each in judged if not each.meets}

    @property
    def unknown(self) -> bool:
        """Whether a required check blocks because something is not known."""
        return any(one.outcome is Outcome.UNKNOWN and one.blocks for each in self.of_required for one in each.findings)

    @property
    def stages(self) -> dict[str, tuple[float, Stage]]:
        """By the name of each required check that fails, since when, and the furthest that has come."""
        found: dict[str, tuple[float, Stage]] = {}
        for one in (one for each in self.of_required for one in each.findings):
            if one.since is None or one.stage is None:
                continue
            since, stage = found.get(one.check.name, (one.since, one.stage))
            further = one.stage if _ORDER[one.stage] > _ORDER[stage] else stage
            found[one.check.name] = min(since, one.since), further
        return found

    @property
    def kept(self) -> frozenset[str]:
        """The required checks whose failing goes on although it is not known now: time asleep is no remedy."""
        findings = (one for each in self.of_required for one in each.findings)
        return frozenset(one.check.name for one in findings if one.outcome in (Outcome.UNKNOWN, Outcome.EXCEPTED))


def judge_case(
    case: Case, baselines: Mapping[str, Baseline], requirements: Iterable[Requirement], now: float
) -> Opinion:
    """Return how a device stands at a moment.

    Args:
        case: the device.
        baselines: every one there is, by name; one that is required and not here is met by nobody.
        requirements: all that there are.
        now: seconds since the epoch.
    """
    asked = tuple(requirements)
    required = required_of(case.device, case.groups, asked, now)
    names = tuple(dict.fromkeys(one.baseline for one in required))
    mine = tuple(_judge(baselines.get(name, Baseline(name=name)), case, now) for name in names)
    others = tuple(_judge(one, case, now) for name, one in baselines.items() if name not in names)
    compliant, until = together(mine)
    ends = [min((found.until for found in one.findings), default=NEVER) for one in others if one.meets]
    start = next_start(asked, now)
    return Opinion(
        required=required,
        of_required=mine,
        others=others,
        compliant=compliant,
        until=min([until, *ends, NEVER if start is None else start]),
    )


def _judge(baseline: Baseline, case: Case, now: float) -> Judgement:
    return judge(baseline, case.posture, case.platform, now=now, since=case.since, excepted=case.excepted)
