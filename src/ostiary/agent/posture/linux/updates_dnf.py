"""Security updates that dnf knows of and has not installed: the advisories in its cache, each with the day it came out.

`dnf --cacheonly updateinfo info --security` changes nothing and asks nobody outside; where any repository with advisories was not looked at
for a week, it tells nothing, however fresh others are. What is counted is advisories, not packages. Repositories without advisories (CentOS Stream) would look as if nothing waited, so
where no advisory at all is known, nothing is.

It is root's cache that is asked, which is the one that is refreshed and the one whose age is looked at. dnf 4 takes it for everybody who says
`--cacheonly`; dnf 5 would take a person's own, however old, so it is told, and told to write nothing there. Where root's cache is for
root alone (its umask), a person cannot tell.

Source: dnf(8), `--cacheonly`; dnf5-caching(7); dnf5.conf(5), `cachedir`, `build_cache`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Value
from ostiary.agent.posture.linux.repositories import used_repositories
from ostiary.agent.posture.linux.waiting import STALE_DAYS, whole_days
from ostiary.agent.system.packaging import RPM_DATABASES

CACHE_4, CACHE_5 = "/var/cache/dnf", "/var/cache/libdnf5"
REPOSITORIES = ("/etc/yum.repos.d", "/etc/dnf/repos.override.d")
SECONDS = 120.0
_FOLDER = re.compile(r"(.+)-[0-9a-f]+")
_FIELD = re.compile(r"^\s*(Update ID|Name|Updated|Issued)\s*:\s*(\S.*?)\s*$", re.MULTILINE)


class Advisory(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory; `at` is when it came out (seconds since the epoch), `None` where that cannot be read."""

    name: str
    at: float | None


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many wait, and how long the oldest has."""
    program, cache = _dnf(computer)
    refreshed = _refreshed(computer, cache)
    if not refreshed:
        raise CannotTell("dnf has no cache. Run: dnf makecache")
    oldest = min(refreshed, key=lambda name: refreshed[name])
    days = whole_days(computer.now - refreshed[oldest])
    if days > STALE_DAYS:
        of = f" of {oldest}" if oldest else ""
        raise CannotTell(f"dnf's cache{of} is {days} days old. Run: dnf makecache")
    mark = (*refreshed.items(), *(computer.changed_at(path) for path in (cache, *RPM_DATABASES)))
    waiting = computer.memory.answer("dnf", mark, lambda: _asked(computer, program, cache))
    times = [one.at for one in waiting if one.at is not None]
    if waiting and not times:
        raise CannotTell("dnf does not say when its advisories came out.")
    age = whole_days(computer.now - min(times, default=computer.now))
    return {"security_updates_pending": len(waiting), "security_update_age_days": age}


def parse_advisories(text: str) -> tuple[Advisory, ...]:
    """Return the advisories in `dnf updateinfo info`, of dnf 4 (`Update ID`, `Updated`) and dnf 5 (`Name`, `Issued`)."""
    found: dict[str, float | None] = {}
    name = ""
    for field, value in _FIELD.findall(text):
        if field in {"Update ID", "Name"}:
            name = value[:80]
            found.setdefault(name, None)
        elif name and found[name] is None:
            found[name] = _moment(value)
    return tuple(Advisory(name=one, at=at) for one, at in found.items())


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _dnf(computer: Computer) -> tuple[str, str]:
    """Return the program to ask and root's cache of it. Where dnf 5 has taken the place of dnf 4, `dnf` is a link to it."""
    fourth = computer.has("dnf") and not computer.target_of("/usr/bin/dnf").endswith("dnf5")
    return ("dnf", CACHE_4) if fourth else ("dnf5", CACHE_5)


def _refreshed(computer: Computer, cache: str) -> dict[str, float]:
    """Return when each repository in use that brings advisories was last looked at; where there is none, when any was, without a name.

    Its folder is called as it is, with a number that changes with its address and release; dnf touches the list of packages in
    it when there is nothing newer.
    """
    found: dict[str, float] = {}
    folders = [(name, match[1]) for name in computer.names_in(cache) if (match := _FOLDER.fullmatch(name))]
    used = used_repositories(computer, *REPOSITORIES)
    for folder, name in folders:
        files = computer.names_in(f"{cache}/{folder}/repodata")
        if name in used and any("updateinfo" in one for one in files):
            times = (computer.changed_at(f"{cache}/{folder}/repodata/{one}") for one in files)
            found[name] = max(found.get(name, 0.0), *(at for at in times if at is not None))
    anything = [
        at
        for folder, _name in folders
        for path in (f"{cache}/{folder}/repodata/repomd.xml", f"{cache}/{folder}/repodata")
        if (at := computer.changed_at(path)) is not None
    ]
    return found or ({"": max(anything)} if anything else {})


def _asked(computer: Computer, program: str, cache: str) -> tuple[Advisory, ...]:
    shared = (f"--setopt=cachedir={cache}", "--setopt=build_cache=0") if cache == CACHE_5 and not computer.root else ()
    words = (program, "--quiet", "--cacheonly", *shared, "updateinfo")
    done = computer.run(*words, "info", "--security", seconds=SECONDS)
    if done.status != 0:
        raise CannotTell("dnf cannot say which updates wait. Run: dnf updateinfo info --security")
    waiting = parse_advisories(done.said)
    if not waiting and not computer.run(*words, "list", "--all", seconds=SECONDS).said.strip():
        raise CannotTell("The package sources here have no advisories, so security updates cannot be told from others.")
    return waiting
