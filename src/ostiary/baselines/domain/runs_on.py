"""What a device is taken to run on: what it said when it was enrolled, unless somebody says otherwise since. Pure."""

from collections.abc import Iterable

from ostiary.devices.domain.platforms import platform_of
from ostiary.devices.domain.posture import Platform


def runs_on(enrolled: str, systems: Iterable[str]) -> Platform | None:
    """Return the platform whose checks are asked of a device; `None` where it is not known, and every one is.

    Which checks are asked must not be for the device alone to say: where it was enrolled as one thing and reports another, or its
    management or osquery knows another, neither is believed.

    Args:
        enrolled: what it said it runs on when it was enrolled.
        systems: the operating system, as each source said last.
    """
    stated = platform_of(enrolled)
    others = {platform_of(one) for one in systems} - {None, stated}
    return None if others else stated
