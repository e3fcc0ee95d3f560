"""How a device looks at a glance: which of its facts look bad by themselves. Pure.

What is required of a device is not said here: overviews use it, no decision does.
"""

from collections.abc import Mapping
from typing import Final, get_args

from ostiary.devices.domain.posture import FACTS, Platform, Value

PLATFORMS: Final[tuple[Platform, ...]] = get_args(Platform)
AT_MOST: Final[Mapping[str, int]] = {
    "security_updates_pending": 0,
    "security_update_age_days": 14,
    "screen_lock_minutes": 15,
    "clock_offset_seconds": 60,
    "vulnerable_critical": 0,
    "vulnerable_high": 0,
}
AT_LEAST: Final[Mapping[str, int]] = {"os_support_days": 1}
JUDGED: Final = tuple(
    name
    for name, spec in FACTS.items()
    if (spec.kind is bool and spec.better is not None) or name in AT_MOST or name in AT_LEAST
)
"""The facts that look good or bad by themselves, in their order."""


def looks_good(name: str, value: Value) -> bool | None:
    """Tell whether a fact looks good by itself; `None` for one that says nothing either way.

    Args:
        name: of the fact.
        value: what is known of it.
    """
    spec = FACTS.get(name)
    if spec is None or type(value) is not spec.kind:
        return None
    if isinstance(value, bool):
        return None if spec.better is None else value is (spec.better == "true")
    if isinstance(value, int) and name in AT_MOST:
        return value <= AT_MOST[name]
    if isinstance(value, int) and name in AT_LEAST:
        return value >= AT_LEAST[name]
    return None
