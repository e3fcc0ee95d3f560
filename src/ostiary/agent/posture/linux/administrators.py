"""Whether whoever works here has administrator rights all day: they are root, or in a group that may become so."""

from collections.abc import Iterable, Mapping

from ostiary.agent.posture.computer import Computer
from ostiary.agent.posture.finding import Collector, Value
from ostiary.agent.posture.linux.sessions import people_here
from ostiary.devices.domain.administrators import POWERFUL_GROUPS


def look(computer: Computer) -> Mapping[str, Value]:
    """Return whether anybody who is signed in has."""
    people = people_here(computer, at_desktop=False)
    return {"daily_administrator": any(is_administrator(one, computer.groups_of(one)[1]) for one in people)}


def is_administrator(user: int, groups: Iterable[str]) -> bool:
    """Tell whether somebody has, from their number and the names of their groups."""
    return user == 0 or not POWERFUL_GROUPS.isdisjoint(groups)


COLLECTOR = Collector(facts=("daily_administrator",), look=look)
