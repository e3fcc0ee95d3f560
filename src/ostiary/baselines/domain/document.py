"""A baseline as its document says it, and as it is worked with. How it is read is in `reader`, what it makes of a device in `evaluation`.

Moments are seconds since the epoch, spans are seconds.
"""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.devices.domain.posture import Evidence, Platform, Value
from ostiary.errors import OstiaryError

BUILT_IN: Final = ("minimum", "standard", "strict")
"""Those that come with the product, the mildest first. Their documents are in `baselines/builtin`."""
DEFAULT: Final = "minimum"
"""What is required of every device while nobody asked for anything else."""


class UnknownBaseline(OstiaryError):
    """There is no such baseline."""


class UnusableBaseline(OstiaryError):
    """This cannot be done with a baseline."""


class Severity(StrEnum):
    """How much it matters, for lists."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Stage(StrEnum):
    """What comes of a check that fails. Each begins some time after the failing did; reporting begins at once."""

    REPORT = "report"
    NOTIFY = "notify"
    WARN = "warn"
    BLOCK = "block"


STAGES: Final = tuple(Stage)


def stages_after(stage: Stage) -> tuple[Stage, ...]:
    """Return the stages that come after one."""
    return STAGES[STAGES.index(stage) + 1 :]


class Bound(StrEnum):
    """How a fact is compared with what a check asks."""

    EXACTLY = "exactly"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What one fact must be."""

    fact: str
    bound: Bound = Bound.EXACTLY
    value: Value


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """How long after a check began to fail each stage begins, in seconds; `None` for a stage that never comes.

    Where `block` never comes the check is only told of: it takes nothing away.
    """

    notify: int | None = 0
    warn: int | None = None
    block: int | None = 0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is asked of a device.

    Args:
        name: unique in the baseline; `a-z0-9-`.
        require: every one of these must be so; never empty.
        on: the platforms it is asked of.
        evidence: a fact whose word is worth less counts as not known.
        why: what it is good for, in the words of whoever has the device.
        mend: how to put it right, by platform.
        line: where it begins in its document; 0 where it comes from the one that this is based on.
    """

    name: str
    require: tuple[Demand, ...]
    on: tuple[Platform, ...]
    severity: Severity = Severity.MEDIUM
    evidence: Evidence = Evidence.SELF_REPORTED
    ladder: Ladder = Ladder()
    why: str = ""
    mend: dict[Platform, str] = {}
    line: int = 0


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline, with everything that it takes from the one it is based on.

    Args:
        name: `a-z0-9_`; rules ask for it as `meets_<name>`.
        words: what it is for, one sentence.
        based_on: the built-in baseline whose checks it takes; empty for none.
        dropped: those of them that it leaves out.
    """

    name: str
    words: str = ""
    based_on: str = ""
    dropped: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


def fact_of(name: str) -> str:
    """Return the name under which rules ask whether a device meets a baseline."""
    return f"meets_{name}"
