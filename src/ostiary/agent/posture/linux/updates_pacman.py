"""Updates that pacman knows of and has not installed. Arch has no releases and marks nothing as security, so every one of them counts.

`pacman --query --upgrades` changes nothing and asks nobody outside; it knows the databases that were synchronised last. Their
files bear the time at which the mirror had them made, so a mirror that is dead or behind is seen as well; older than a week they
tell nothing. When an update came out they do not say: it counts from when the agent first saw one wait for the package, or from the
date of the databases where that is earlier.

Source: pacman(8), `--query`, `--upgrades`; pacman.conf(5), `IgnorePkg`.
"""

import re
from collections.abc import Mapping

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Value
from ostiary.agent.posture.linux.waiting import STALE_DAYS, first_seen, whole_days

SYNC = "/var/lib/pacman/sync"
INSTALLED = "/var/lib/pacman/local"
OWN = ("core.db", "extra.db")
"""The distribution's own, which change every day; how fresh somebody else's are says nothing of them."""
SECONDS = 60.0
_UPGRADE = re.compile(r"^(\S+) \S+ -> \S+(?: \[.*\])?$", re.MULTILINE)


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many wait, and how long the oldest has."""
    names = [name for name in computer.names_in(SYNC) if name.endswith(".db")]
    own = [name for name in names if name in OWN] or names
    made = [at for name in own if (at := computer.changed_at(f"{SYNC}/{name}")) is not None]
    if not made:
        raise CannotTell("pacman has no databases to tell of updates. Run: pacman -Syu")
    days = whole_days(computer.now - max(made))
    if days > STALE_DAYS:
        raise CannotTell(f"pacman's databases are {days} days old. Run: pacman -Syu")
    mark = (*((name, computer.changed_at(f"{SYNC}/{name}")) for name in names), computer.changed_at(INSTALLED))
    waiting = computer.memory.answer("pacman", mark, lambda: _asked(computer))
    return first_seen(computer, "pacman", waiting, listed_at=max(made))


def parse_upgrades(text: str) -> tuple[str, ...]:
    """Return the packages that `pacman -Qu` names; those that its settings ignore as well."""
    return tuple(sorted(set(_UPGRADE.findall(text))))


def _asked(computer: Computer) -> tuple[str, ...]:
    """It ends with 1 where nothing waits, as it does when something is wrong, and then says what."""
    done = computer.run("pacman", "--query", "--upgrades", seconds=SECONDS, errors=True)
    if done.status not in {0, 1} or re.search(r"^error:", done.said, re.MULTILINE):
        raise CannotTell("pacman cannot say which updates wait. Run: pacman -Qu")
    return parse_upgrades(done.said)
