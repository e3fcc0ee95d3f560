"""How a device stands to what is required of it, in one word. Pure."""

from enum import StrEnum

import msgspec


class Stands(StrEnum):
    """As the gateway counts it: what nobody judged, and what was judged too long ago, is blocked."""

    COMPLIANT = "compliant"
    GRACE = "grace"
    HELD = "held"
    BLOCKED = "blocked"


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """How one device stands.

    Args:
        stands: in one word.
        until: when it is blocked if nothing is done about it (seconds since the epoch); `None` for never, and where it is blocked already.
    """

    stands: Stands
    until: float | None = None


def stands_at(now: float, *, compliant: bool, lacks: bool, until: float, held_until: float) -> Stands:
    """Return how a device stands at a moment.

    Args:
        now: seconds since the epoch.
        compliant: whether it was judged to be as required, grace included.
        lacks: whether anything that is required of it does not hold.
        until: when that verdict is over.
        held_until: until when it counts as before; 0 for no hold.
    """
    if until <= now or (not compliant and held_until <= now):
        return Stands.BLOCKED
    if not compliant:
        return Stands.HELD
    return Stands.GRACE if lacks else Stands.COMPLIANT
