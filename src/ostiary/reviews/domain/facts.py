"""What is known of one entitlement when its review begins, and what was found when a removal was read back. Pure types."""

from enum import StrEnum

import msgspec


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """One app that is in reach, and what may be done there once the conditions of the rules are met.

    Args:
        app: its identifier.
        name: what people call it.
        actions: `view`, `edit`, `delete`, `connect`.
        rules: those that let somebody in.
    """

    app: str
    name: str
    actions: tuple[str, ...]
    rules: tuple[str, ...] = ()


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """How often somebody used an app in the time that was looked at.

    Args:
        app: its identifier.
        count: requests that passed.
        last_at: the latest, seconds since the epoch.
        actions: what was done.
    """

    app: str
    count: int
    last_at: float
    actions: tuple[str, ...] = ()


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """What others who hold the same do.

    Args:
        people: how many others hold it.
        used: how many of them used what it opens.
        median: how often those who used it did, in the middle.
    """

    people: int = 0
    used: int = 0
    median: int = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """An entitlement as it was at the start. Moments are seconds since the epoch.

    Args:
        granted_by, granted_at, why, ends_at: of the membership or the role.
        groups: what it brings: the group itself, or those of the role.
        other_ways: for what other reasons the person is in one of these groups.
        active: whether the person's account could sign in.
        opens: what the rules open to these groups alone.
        gives: what the person would lose without it.
        widens: what would open without it, because a rule that refuses names one of its groups.
        uses: of what it opens.
        peers: the same of others.
        recorded_since: how far back the record of use goes, within the time that was looked at.
        narrower: a group or role that opens all that was used and less besides; empty when there is none.
    """

    granted_by: str = ""
    granted_at: float = 0.0
    why: str = ""
    ends_at: float | None = None
    groups: tuple[str, ...] = ()
    other_ways: tuple[str, ...] = ()
    active: bool = True
    opens: tuple[Opened, ...] = ()
    gives: tuple[Opened, ...] = ()
    widens: tuple[Opened, ...] = ()
    uses: tuple[Use, ...] = ()
    peers: Peers = Peers()
    recorded_since: float = 0.0
    narrower: str = ""

    @property
    def count(self) -> int:
        """How often any of it was used."""
        return sum(one.count for one in self.uses)

    @property
    def last_at(self) -> float | None:
        """When any of it was last used."""
        return max((one.last_at for one in self.uses), default=None)


class Ground(StrEnum):
    """Why an answer is suggested, or none."""

    USED = "used"
    NEW = "new"
    NARROWER = "narrower"
    SELDOM = "seldom"
    SELDOM_FIXED = "seldom_fixed"
    UNUSED = "unused"
    NOTHING_LOST = "nothing_lost"
    SWITCHED_OFF = "switched_off"
    ENDS = "ends"
    OPENS_NOTHING = "opens_nothing"
    RECORD_SHORT = "record_short"
    CONSOLE = "console"
    WIDENS = "widens"


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that the record speaks for.

    Args:
        answer: `keep`, `reduce` or `remove`; empty when the record cannot tell, and a person has to look.
        ground: why.
        until: the end that would be given, seconds since the epoch.
        narrower: what would take its place.
    """

    answer: str
    ground: Ground
    until: float | None = None
    narrower: str = ""


class StillReached(msgspec.Struct, frozen=True, kw_only=True):
    """An app that is still in reach after a removal, and by what other way.

    Args:
        rules: those that let the person in.
        groups: through which of their groups; empty where a rule means everybody, or the person by name.
    """

    app: str
    name: str
    actions: tuple[str, ...]
    rules: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class ReadBack(msgspec.Struct, frozen=True, kw_only=True):
    """What the published facts said after a removal or a reduction.

    Args:
        at: when they were asked, seconds since the epoch.
        generation: of the facts.
        gone: apps and actions that the membership alone gave and that are out of reach now.
        still: what is in reach all the same.
        ends_at: until when the membership itself lasts, for one that was given an end; `still` is then what stays in
            reach after it.
    """

    at: float
    generation: int
    gone: tuple[Opened, ...] = ()
    still: tuple[StillReached, ...] = ()
    ends_at: float | None = None
