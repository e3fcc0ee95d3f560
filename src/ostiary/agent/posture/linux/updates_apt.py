"""Security updates that apt knows of and has not installed: a simulated upgrade, and which of it comes from a security archive.

`apt-get -s dist-upgrade` changes nothing and asks nobody outside; it knows what the package lists on disk say, so lists that
nobody refreshed for a week tell nothing. When an update came out the lists do not say: it counts from when the agent first saw it
wait, or from the date of the list where that is earlier, so the true age can be higher.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Value

LISTS = "/var/lib/apt/lists"
REFRESHED = (LISTS, f"{LISTS}/partial", "/var/lib/apt/periodic/update-success-stamp")
STALE_DAYS = 7
SIMULATION_SECONDS = 120.0
SIMULATION = ("apt-get", "--simulate", "--option", "Debug::NoLocking=true", "--quiet=2", "dist-upgrade")
_UPGRADE = re.compile(r"^Inst (\S+) \[[^\]\s]+\] \((\S+)([^)]*)\)", re.MULTILINE)
DAY = 86400.0


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many wait, and how long the oldest has."""
    lists = [name for name in computer.names_in(LISTS) if name.endswith("Release") and "security" in name.lower()]
    if not lists:
        raise CannotTell("apt has no list of security updates. Run: apt-get update")
    refreshed = [at for path in REFRESHED if (at := computer.changed_at(path)) is not None]
    days = int((computer.now - max(refreshed, default=0.0)) / DAY)
    if days > STALE_DAYS:
        raise CannotTell(f"apt's package lists are {days} days old. Run: apt-get update")
    mark = (*refreshed, computer.changed_at("/var/lib/dpkg/status"), *lists)
    waiting = computer.memory.answer("apt", mark, lambda: _simulated(computer))
    dated = [date for name in lists if (date := parse_release_date(computer.read(f"{LISTS}/{name}"))) is not None]
    since = computer.memory.waiting_since("apt", waiting, at_latest=min(computer.now, max(dated, default=computer.now)))
    oldest = min(since.values(), default=computer.now)
    age = max(0, int((computer.now - oldest) / DAY))
    return {"security_updates_pending": len(waiting), "security_update_age_days": age}


def parse_simulation(text: str) -> tuple[str, ...]:
    """Return the packages that would be upgraded from a security archive, each with its new version."""
    found = {f"{name}={version}" for name, version, origins in _UPGRADE.findall(text) if "security" in origins.lower()}
    return tuple(sorted(found))


def parse_release_date(text: str) -> float | None:
    """Return when a list was made (the field `Date` of a Release file), in seconds since the epoch; `None` where it does not say."""
    match = re.search(r"^Date: (.{1,60})$", text, re.MULTILINE)
    if match is None:
        return None
    try:
        date = parsedate_to_datetime(match[1])
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _simulated(computer: Computer) -> tuple[str, ...]:
    done = computer.run(*SIMULATION, seconds=SIMULATION_SECONDS, more={"DEBIAN_FRONTEND": "noninteractive"})
    if done.status != 0:
        raise CannotTell("apt cannot work out an upgrade. Run: apt-get --simulate dist-upgrade")
    return parse_simulation(done.said)
