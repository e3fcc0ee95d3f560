"""How a device stands, as the rest of Ostiary sees it."""

from enum import StrEnum

import msgspec

from ostiary.baselines.domain.document import Baseline
from ostiary.baselines.domain.evaluation import Judgement
from ostiary.baselines.domain.requirement import Requirement
from ostiary.devices.domain.posture import Platform
from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import DeviceId


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one device stands, as published.

    Args:
        device: which.
        name: what people call it.
        owner: the address of whoever answers for it.
        compliant: whether it is as it is required to be, grace included; while it is held, as it was before.
        until: until when that is so (seconds since the epoch).
        meets: the baselines of which every check holds.
        failing: names of the required checks that do not hold.
        unknown: whether any of them is not known.
        required: the baselines that are required of it.
        held_until: until when it counts as it did before although it does not comply; 0 where nothing is held.
        blocking: names of the required checks because of which it does not comply.
        held_checks: names of the checks whose failing is held; empty where nothing is.
    """

    device: DeviceId
    name: str
    owner: str
    compliant: bool
    until: float
    meets: tuple[str, ...]
    failing: tuple[str, ...]
    unknown: bool
    required: tuple[str, ...]
    held_until: float = 0.0
    blocking: tuple[str, ...] = ()
    held_checks: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether it counts as compliant only because too many turned at once."""
        return self.held_until > 0.0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one device stands right now, check by check.

    Args:
        verdict: as published.
        platform: what it runs on; `None` where that is not known.
        required: what is required of it, and by whom.
        judgements: what each baseline there is makes of it; those required first.
    """

    verdict: Verdict
    platform: Platform | None
    required: tuple[Requirement, ...]
    judgements: tuple[Judgement, ...]

    @property
    def of_required(self) -> tuple[Judgement, ...]:
        """What the required ones make of it."""
        names = {one.baseline for one in self.required}
        return tuple(one for one in self.judgements if one.baseline in names)


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline that there is.

    Args:
        baseline: with everything it takes from another.
        document: its text.
        number: of its version; 0 for a built-in one.
        written_at: seconds since the epoch; 0 for a built-in one.
    """

    baseline: Baseline
    document: str
    number: int = 0
    written_at: float = 0.0
    written_by: str = ""

    @property
    def built_in(self) -> bool:
        """Whether it came with the product."""
        return self.number == 0


class ExceptionState(StrEnum):
    """How an exception stands."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    ENDED = "ended"


class Excepted(msgspec.Struct, frozen=True, kw_only=True):
    """An exception: for how long a check is not asked of a device, who asked for it and why, and who answered."""

    id: int
    device: DeviceId
    device_name: str
    owner: str
    check: str
    state: ExceptionState
    reason: str
    asked_by: str
    asked_at: float
    until: float
    answered_by: str = ""
    answered_at: float = 0.0
    answer: str = ""


class UnknownException(OstiaryError):
    """There is no such exception."""


class UnusableException(OstiaryError):
    """This cannot be done with an exception."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Devices whose turn is held: how many of how many, since when, until when, and who keeps it so."""

    devices: int
    of: int
    held_at: float
    until: float
    kept_by: str = ""


class NothingHeld(OstiaryError):
    """No turn is held."""


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many devices stood how on a day, written `2026-11-23` (UTC)."""

    day: str
    compliant: int
    grace: int
    blocked: int
    unknown: int
