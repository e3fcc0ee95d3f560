"""How far the clock is off against the instance's: what its answers said last."""

from ostiary.agent.posture.computer import CannotTell


def offset(*, ahead: float | None, kept: bool = False) -> int:
    """Return how far the clock is off, in whole seconds.

    Args:
        ahead: of the instance's clock, in seconds, as measured; `None` where it was not asked yet.
        kept: whether a time service is known to keep it.

    Raises:
        CannotTell: when neither tells anything.
    """
    if ahead is not None:
        return int(abs(ahead))
    if kept:
        return 0
    raise CannotTell("No time service is known to keep the clock, and the instance was not asked yet.")
