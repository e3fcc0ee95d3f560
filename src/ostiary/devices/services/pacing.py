"""How often what is known of each device changed lately. Kept by the process that takes reports; nothing of it is stored."""

import threading
from typing import Final

from ostiary.devices.domain.flapping import pay

_FORGOTTEN_FROM: Final = 10_000
_LOCK: Final = threading.Lock()
_paid_until: Final[dict[str, float]] = {}


def may_change(device: str, *, now: float) -> bool:
    """Count a change of what is known of a device; tell whether it is taken as it comes.

    Args:
        device: which.
        now: seconds since the epoch.
    """
    with _LOCK:
        paid = pay(_paid_until.get(device, 0.0), now)
        if paid is None:
            return False
        if device not in _paid_until and len(_paid_until) >= _FORGOTTEN_FROM:
            for one in [one for one, until in _paid_until.items() if until <= now]:
                del _paid_until[one]
        _paid_until[device] = paid
        return True


def forget_pace(device: str) -> None:
    """Begin to count anew for a device: what is known of it was forgotten."""
    with _LOCK:
        _paid_until.pop(device, None)
