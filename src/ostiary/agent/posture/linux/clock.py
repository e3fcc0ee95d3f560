"""How far the clock is off: against the instance's, and where a time service keeps it, by what the kernel knows of that (adjtimex(2))."""

import ctypes
from collections.abc import Mapping

from ostiary.agent.posture.computer import Computer
from ostiary.agent.posture.finding import Collector, Value
from ostiary.agent.posture.instance_clock import offset

TIME_ERROR = 5
"""adjtimex(2): the clock is not kept by anybody."""
_BYTES = 512
"""More than `struct timex` has anywhere."""


def look(computer: Computer) -> Mapping[str, Value]:
    """Return by how many seconds it is off."""
    return {"clock_offset_seconds": offset(ahead=computer.ahead_seconds, kept=is_kept())}


def is_kept() -> bool:
    """Return whether the kernel says that somebody keeps its clock."""
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_BYTES)))
    except (OSError, AttributeError):
        return False
    return 0 <= state < TIME_ERROR


COLLECTOR = Collector(facts=("clock_offset_seconds",), look=look)
