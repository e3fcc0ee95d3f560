"""Which system this is, and whether it is still supported: `/etc/os-release` (os-release(5)) and the list of support ends."""

import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Unknown, Value
from ostiary.devices.domain.support_ends import ROLLING, support_of

MAX_WORDS_CHARACTERS = 120


def look(computer: Computer) -> Mapping[str, Value]:
    """Return name and version, and how it is supported."""
    try:
        text = computer.read("/etc/os-release")
    except CannotTell:
        text = computer.read("/usr/lib/os-release")
    return parse_os_release(text, now=computer.now)


def parse_os_release(text: str, *, now: float) -> dict[str, Value]:
    """Return what os-release says; `now` in seconds since the epoch."""
    said = read_fields(text)
    system, release = said.get("ID", ""), said.get("VERSION_ID", "")
    name = said.get("PRETTY_NAME") or " ".join(filter(None, (said.get("NAME"), release)))
    words: Value = name[:MAX_WORDS_CHARACTERS] or Unknown("os-release does not say which system this is.")
    today = datetime.fromtimestamp(now, UTC).date()
    support = support_of(system, release, today=today, says=said.get("SUPPORT_END", ""))
    if support is None:
        why = Unknown(f"It is not known until when {name[:80] or 'this system'} is supported.")
        return {"os_version": words, "os_supported": why, "os_support_days": why}
    ends = "It has no releases that end." if system in ROLLING else "Its makers do not say when."
    days: Value = Unknown(ends) if support.days is None else support.days
    return {"os_version": words, "os_supported": support.supported, "os_support_days": days}


def read_fields(text: str) -> dict[str, str]:
    """Return the assignments in a file that a shell could read, without being one; others are passed over."""
    found = {}
    for line in text.splitlines():
        if match := re.fullmatch(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)", line):
            try:
                words = shlex.split(match[2], comments=False)
            except ValueError:
                continue
            found[match[1]] = "".join(char for char in " ".join(words) if char.isprintable())
    return found


COLLECTOR = Collector(facts=("os_version", "os_supported", "os_support_days"), look=look, quick=True)
