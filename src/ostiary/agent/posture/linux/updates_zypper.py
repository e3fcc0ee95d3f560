"""Security updates that zypper knows of and has not installed: the patches that are needed, each with the day it came out.

`zypper --no-refresh list-patches` changes nothing and asks nobody outside; it tells what the repositories' data on disk say, of which those for
updates have to have been looked for within a week: zypper touches what it has when there is nothing newer. What is counted is patches, also those that are locked, not packages. Tumbleweed and its kin have no
patches: there every update counts, from when the agent first saw one wait for the package.

As XML zypper shows patches of every category, whatever it is asked for, and those that have to wait for an update of itself apart.

Source: zypper(8), `list-patches`, `list-updates`, `--xmlout`, exit codes; openSUSE's zypper XML and its schema, xmlout.rnc.
"""

import re
from collections.abc import Mapping

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Value
from ostiary.agent.posture.linux.packaging import release_of
from ostiary.agent.posture.linux.repositories import used_repositories
from ostiary.agent.posture.linux.waiting import STALE_DAYS, first_seen, whole_days
from ostiary.agent.system.packaging import RPM_DATABASES

REPOSITORIES = "/etc/zypp/repos.d"
CACHE = "/var/cache/zypp/raw"
ROLLING = frozenset({"opensuse-tumbleweed", "opensuse-slowroll", "opensuse-microos", "opensuse-aeon", "aeon", "kalpa"})
SECONDS = 120.0
WELL = frozenset({0, 100, 101, 102, 103, 106})
"""Ends that only inform: updates are needed, or a restart, or a repository that cannot be read was left out."""
READ_ONLY = {"ZYPP_READONLY_HACK": "1"}
"""It takes no lock, so it neither waits for whoever installs something nor stands in their way."""
_TAG = re.compile(r"<(update|issue-date)\s([^<>]*)>")
_ATTRIBUTE = re.compile(r'([a-z_-]+)="([^"<>]*)"')


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An update; `kind` is `patch` or `package`, `at` when a patch came out (seconds since the epoch), where that is said."""

    kind: str
    name: str
    category: str
    at: float | None = None


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many wait, and how long the oldest has."""
    rolling = release_of(computer).get("ID", "") in ROLLING
    sources = _sources(computer, rolling=rolling)
    refreshed = {alias: computer.changed_at(f"{CACHE}/{alias}/repodata/repomd.xml") for alias in sources}
    at = min((one or 0.0 for one in refreshed.values()), default=0.0)
    days = whole_days(computer.now - at)
    if days > STALE_DAYS:
        known = f"{days} days old" if at else "not there"
        raise CannotTell(f"What zypper knows of updates is {known}. Run: zypper refresh")
    mark = (*refreshed.items(), *(computer.changed_at(path) for path in RPM_DATABASES))
    if rolling:
        packages = computer.memory.answer("zypper", mark, lambda: _asked(computer, "list-updates"))
        return first_seen(computer, "zypper", [one.name for one in packages if one.kind == "package"], listed_at=at)
    patches = computer.memory.answer("zypper", mark, lambda: _asked(computer, "list-patches"))
    found = {one.name: one.at for one in patches if one.kind == "patch" and one.category == "security"}
    times = [one for one in found.values() if one is not None]
    if found and not times:
        raise CannotTell("zypper does not say when its patches came out.")
    age = whole_days(computer.now - min(times, default=computer.now))
    return {"security_updates_pending": len(found), "security_update_age_days": age}


def parse_updates(text: str) -> tuple[Waiting, ...]:
    """Return the updates in zypper's XML. Raises `CannotTell` where it is not whole, or there are no patches at all."""
    if "</update-status>" not in text:
        raise CannotTell("What zypper says of updates is not whole.")
    if '<appletinfo status="no-update-repositories"' in text:
        raise CannotTell("The package sources here have no patches, so security updates cannot be told from others.")
    found: list[Waiting] = []
    for tag, words in _TAG.findall(text):
        said = dict(_ATTRIBUTE.findall(words))
        if tag == "update":
            name = said.get("name", "")[:120]
            found.append(Waiting(kind=said.get("kind", ""), name=name, category=said.get("category", "")))
        elif found and re.fullmatch(r"[0-9]{1,12}", moment := said.get("time_t", "")):
            found[-1] = msgspec.structs.replace(found[-1], at=float(moment))
    return tuple(found)


def _sources(computer: Computer, *, rolling: bool) -> tuple[str, ...]:
    """Return the folders of the repositories in use that bring the distribution's updates, by their names; all where none is called so.

    How fresh somebody else's repositories are says nothing of them.
    """
    used = sorted({alias.replace("/", "_") for alias in used_repositories(computer, REPOSITORIES)})
    for word in ("oss",) if rolling else ("update", "oss"):
        if named := tuple(one for one in used if word in one.lower()):
            return named
    return tuple(used)


def _asked(computer: Computer, question: str) -> tuple[Waiting, ...]:
    words = ("zypper", "--xmlout", "--non-interactive", "--no-refresh", question)
    done = computer.run(*words, seconds=SECONDS, more=READ_ONLY)
    if done.status not in WELL:
        raise CannotTell(f"zypper cannot say which updates wait. Run: zypper {question}")
    return parse_updates(done.said)
