"""Which baselines are required of a device: its own, else those of its owner's groups, else the one for everybody."""

from collections.abc import Collection, Iterable

import msgspec

from ostiary.baselines.domain.document import DEFAULT


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """One baseline that is required.

    Args:
        baseline: its name.
        group: of whose members' devices; empty for no group.
        device: of which device; empty for no single one. Neither: of every device.
        starts_at: from when (seconds since the epoch).
        by: who said so.
    """

    baseline: str
    group: str = ""
    device: str = ""
    starts_at: float = 0.0
    by: str = ""

    @property
    def scope(self) -> tuple[str, str]:
        """Of whom: one requirement for each is in force at a time."""
        return self.group, self.device


EVERYBODY = Requirement(baseline=DEFAULT)
"""What is required while nobody asked for anything else."""


def required_of(
    device: str, groups: Collection[str], requirements: Iterable[Requirement], now: float
) -> tuple[Requirement, ...]:
    """Return what is required of a device: of one scope, the one that began last.

    Args:
        device: its identifier.
        groups: of its owner.
        requirements: all that there are, those that begin later included.
        now: seconds since the epoch.

    Returns:
        Its own; else those of all its owner's groups that have one; else the one for everybody. Never nothing.
    """
    in_force: dict[tuple[str, str], Requirement] = {(EVERYBODY.scope): EVERYBODY}
    for one in sorted(requirements, key=lambda one: one.starts_at):
        if one.starts_at <= now:
            in_force[one.scope] = one
    own = in_force.get(("", device))
    if own is not None:
        return (own,)
    of_groups = tuple(in_force[group, ""] for group in sorted(groups) if group and (group, "") in in_force)
    return of_groups or (in_force["", ""],)


def next_start(requirements: Iterable[Requirement], now: float) -> float | None:
    """Return when the next requirement begins; `None` where all have begun."""
    return min((one.starts_at for one in requirements if one.starts_at > now), default=None)
