"""The heartbeat: when the worker last confirmed that the snapshot holds what the database holds.

Without a recent one nothing is decided. What the worker checks before it beats lives in `publisher`.
"""

import math
from pathlib import Path
from typing import Final

from ostiary.gateway.replaced_file import replace_file

HEARTBEAT_FILE: Final = "heartbeat"
FUTURE_TOLERANCE_SECONDS: Final = 5.0
_MAX_BYTES: Final = 64


def beat(folder: Path, now: float) -> None:
    """Note that the facts in `folder` were confirmed at `now` (seconds since the epoch).

    Raises:
        OSError: when it cannot be written.
    """
    replace_file(folder / HEARTBEAT_FILE, f"{now:.3f}\n".encode(), durable=False)


def read_heartbeat(folder: Path) -> float | None:
    """Return when the facts were last confirmed, or `None` when that cannot be read."""
    try:
        with (folder / HEARTBEAT_FILE).open("rb") as file:
            moment = float(file.read(_MAX_BYTES))
    except (OSError, ValueError):
        return None
    return moment if math.isfinite(moment) else None


def heartbeat_age(folder: Path, now: float) -> float | None:
    """Return how many seconds ago the facts were confirmed, or `None` when that is not known.

    A heartbeat from the future says nothing about its age: the clock was stepped back. It counts as unknown until
    the worker beats again.
    """
    moment = read_heartbeat(folder)
    if moment is None or moment > now + FUTURE_TOLERANCE_SECONDS:
        return None
    return max(0.0, now - moment)
