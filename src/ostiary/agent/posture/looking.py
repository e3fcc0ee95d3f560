"""Looks at this computer: everything, or only what is quick. Which collectors there are is up to the platform."""

import sys
from collections.abc import Hashable, Iterable, Sequence

from ostiary.agent.posture.computer import Computer
from ostiary.agent.posture.finding import Collector, look_at
from ostiary.devices.domain.posture import Reported


def collectors_here(platform: str = sys.platform) -> Sequence[Collector]:
    """Return the collectors of a platform, as Python names it; none for one that the agent does not know."""
    if platform == "linux":
        from ostiary.agent.posture.linux.collectors import COLLECTORS as LINUX  # noqa: PLC0415 - only its own are loaded

        return LINUX
    if platform == "darwin":
        from ostiary.agent.posture.macos.collectors import COLLECTORS as MACOS  # noqa: PLC0415

        return MACOS
    if platform == "win32":
        from ostiary.agent.posture.windows.collectors import COLLECTORS as WINDOWS  # noqa: PLC0415

        return WINDOWS
    return ()


def look_at_all(computer: Computer, collectors: Iterable[Collector]) -> tuple[Reported, ...]:
    """Return every fact, with its value or with why there is none."""
    return tuple(fact for collector in collectors for fact in look_at(collector, computer))


def look_quickly(computer: Computer, collectors: Iterable[Collector]) -> tuple[Reported, ...]:
    """Return the facts that are cheap to look at."""
    return look_at_all(computer, (one for one in collectors if one.quick))


def marks_of(computer: Computer, collectors: Iterable[Collector]) -> tuple[Hashable, ...]:
    """Return the marks of those collectors that have one."""
    return tuple(one.mark(computer) for one in collectors if one.mark is not None)


def changed(before: Iterable[Reported], after: Iterable[Reported]) -> bool:
    """Tell whether any fact that both know of has another value, or is known to only one of them."""
    known = {one.name: one.value for one in before}
    return any(one.name in known and known[one.name] != one.value for one in after)
