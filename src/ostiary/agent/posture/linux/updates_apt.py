"""Security updates that apt knows of and has not installed: of every package, which newer versions come from a security archive.

`apt-cache policy` changes nothing and asks nobody outside; it knows what the package lists on disk say. A package counts when an
update waits for it, held or not, and a security archive has any version that is newer than the installed one: what comes
out there is mended in every later version. Of a security archive that made no list for a week nothing can be told, however fresh the
lists of others are. When an update came out the lists do not say: it counts from when the agent first saw one wait for the package, or
from the date of the list where that is earlier, so the true age can be higher.

Source: apt-cache(8), `policy`; sources.list(5); the Debian repository format, `Date`.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Value
from ostiary.agent.posture.linux.waiting import STALE_DAYS, first_seen, whole_days

LISTS = "/var/lib/apt/lists"
SETTINGS = ("/etc/apt/preferences", "/etc/apt/preferences.d")
STATUS = "/var/lib/dpkg/status"
SECONDS = 120.0
NAMED = ("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\\t${binary:Package}\\n")
_PACKAGE = re.compile(r"^(?=\S)(.+):\n((?:[ ].*\n?)*)", re.MULTILINE)
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+) ")
_SUPPORT = "esm.ubuntu.com_"
"""Ubuntu Pro's archives get something new for some releases only now and then."""


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how many wait, and how long the oldest has."""
    made = {
        name: at for name in computer.names_in(LISTS) if is_security_list(name) and (at := _made_at(computer, name))
    }
    if not made:
        raise CannotTell("apt has no list of security updates. Run: apt-get update")
    counted = {name: at for name, at in made.items() if not name.startswith(_SUPPORT)} or made
    days = whole_days(computer.now - min(counted.values()))
    if days > STALE_DAYS:
        raise CannotTell(f"apt's list of security updates is {days} days old. Run: apt-get update")
    mark = (tuple(made.items()), *(computer.changed_at(path) for path in (LISTS, STATUS, *SETTINGS)))
    waiting = computer.memory.answer("apt", mark, lambda: _asked(computer))
    return first_seen(computer, "apt", waiting, listed_at=max(counted.values()))


def is_security_list(name: str) -> bool:
    """Tell whether a file in apt's folder of lists is the Release file of a security archive, by its address and suite."""
    if not name.endswith(("_InRelease", "_Release")):
        return False
    address, _dists, suite = name.partition("_dists_")
    return _is_security(address.replace("_", "/"), suite)


def parse_policy(text: str) -> tuple[str, ...]:
    """Return the packages for which an update waits that a security archive has, or that is newer than one it has."""
    found = {name for name, table in _PACKAGE.findall(text) if _waits(table.splitlines())}
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


def _waits(table: list[str]) -> bool:
    """Tell it of the lines below a package's name: versions, the newest first, each with where it comes from."""
    said = {name.strip(): value.strip() for name, _colon, value in (line.partition(":") for line in table[:2])}
    candidate, reached, secure = said.get("Candidate"), False, False
    for line in table:
        if match := _VERSION.match(line):
            if line.startswith(" ***"):
                return reached and secure
            reached = reached or match[1] == candidate
        elif reached and (words := line.split())[1:]:
            secure = secure or _is_security(words[1], words[2] if words[2:] else "")
    return False


def _is_security(address: str, suite: str) -> bool:
    """Tell whether an archive brings security updates; an address that has the word in it is none (a project's own, say)."""
    return "security" in suite.lower() or "debian-security" in address or "security.debian.org" in address


def _made_at(computer: Computer, name: str) -> float | None:
    path = f"{LISTS}/{name}"
    try:
        date = parse_release_date(computer.read(path))
    except CannotTell:
        date = None
    return computer.changed_at(path) if date is None else date


def _asked(computer: Computer) -> tuple[str, ...]:
    named = computer.run(*NAMED, seconds=SECONDS)
    names = [line[4:].strip() for line in named.said.splitlines() if line[1:2] == "i" and line[3:4] == "\t"]
    if named.status != 0 or not names:
        raise CannotTell("dpkg cannot say what is installed. Run: dpkg-query --show")
    done = computer.run("apt-cache", "policy", *names, seconds=SECONDS)
    if done.status != 0 or "Candidate:" not in done.said:
        raise CannotTell("apt cannot say which updates wait. Run: apt-cache policy")
    return parse_policy(done.said)
