"""Whether the screen locks by itself, and after how many minutes: for everybody at a desktop, the least strict counts.

GNOME and Cinnamon are asked by gsettings, KDE's files kscreenlockerrc, `.xscreensaver` and swayidle's configuration are read. Which of them
somebody uses is told by what runs for them.
"""

import math
import re
from collections.abc import Mapping

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Unknown, Value
from ostiary.agent.posture.linux.kconfig import is_true, read_group
from ostiary.agent.posture.linux.sessions import people_here

SCHEMAS = {"gnome-shell": "org.gnome.desktop", "cinnamon": "org.cinnamon.desktop"}
KDE = frozenset({"plasmashell", "ksmserver", "kwin_wayland", "kwin_x11"})
DESKTOPS = KDE | SCHEMAS.keys() | {"xscreensaver", "swayidle"}
KDE_MINUTES = 5
"""What Plasma does unless it is told otherwise."""
ONLY_DEFAULTS = ("Can't find module", "unable to open file")
"""What gsettings complains of when it goes on to say what nobody has set."""
LOCKERS = ("swaylock", "gtklock", "waylock", "hyprlock", "loginctl lock-session")


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """How a screen locks: `seconds` after the last key, `None` for never."""

    seconds: int | None


def look(computer: Computer) -> Mapping[str, Value]:
    """Return how everybody's screen locks."""
    return words_of([lock_of(computer, user) for user in people_here(computer, at_desktop=True)])


def desktops(computer: Computer) -> frozenset[tuple[int, str]]:
    """Return for whom which desktop runs: at a start nobody is there yet, and once somebody is their lock should be known at once."""
    return frozenset(
        (process.user, process.name)
        for process in computer.processes()
        if process.name in DESKTOPS and (computer.root or process.user == computer.user)
    )


def words_of(locks: list[Lock]) -> dict[str, Value]:
    """Return the facts from everybody's locks, at least one."""
    seconds = [one.seconds for one in locks]
    if any(one is None for one in seconds):
        return {"screen_lock": False, "screen_lock_minutes": Unknown("The screen does not lock by itself.")}
    longest = max(one for one in seconds if one is not None)
    return {"screen_lock": True, "screen_lock_minutes": -(-longest // 60)}


def lock_of(computer: Computer, user: int) -> Lock:
    """Return how one person's screen locks. Raises `CannotTell`."""
    runs = {process.name for process in computer.processes() if process.user == user}
    home = computer.home_of(user)
    for program, schema in SCHEMAS.items():
        if program in runs:
            return _by_gsettings(computer, user, home, schema)
    if runs & KDE:
        return parse_kde(*(_text(computer, f"{folder}/kscreenlockerrc") for folder in ("/etc/xdg", f"{home}/.config")))
    if "xscreensaver" in runs:
        return parse_xscreensaver(_text(computer, f"{home}/.xscreensaver"))
    if "swayidle" in runs:
        return parse_swayidle(computer.read(f"{home}/.config/swayidle/config"))
    raise CannotTell("The desktop in use here is none whose lock can be looked at.")


def parse_gsettings(text: str) -> Lock:
    """Return what GNOME's settings say, from `gsettings list-recursively` of the schemas screensaver and session.

    Raises:
        CannotTell: when they do not say it.
    """
    said = dict(words[1:] for line in text.splitlines() if len(words := line.split(None, 2)) == 3)
    enabled, idle = said.get("lock-enabled"), _number(said.get("idle-delay", ""))
    delay = _number(said.get("lock-delay", "uint32 0"))
    if enabled not in {"true", "false"} or idle is None or delay is None:
        raise CannotTell("The desktop's settings do not say whether the screen locks.")
    return Lock(seconds=idle + delay if enabled == "true" and idle > 0 else None)


def parse_kde(*texts: str) -> Lock:
    """Return what files of the name kscreenlockerrc say, the system's before the person's; what is not there is as Plasma does it by itself."""
    said = read_group(texts, "Daemon")
    seconds, grace = _seconds(said.get("Timeout", str(KDE_MINUTES))), _number(said.get("LockGrace", "0"))
    locks = all(is_true(said.get(name, "true")) for name in ("Autolock", "RequirePassword"))
    return Lock(seconds=seconds + (grace or 0) if locks and seconds else None)


def parse_xscreensaver(text: str) -> Lock:
    """Return what `.xscreensaver` says; it locks nothing unless it is told to."""
    said = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            said[name.strip()] = value.strip()
    timeout, more = _clock(said.get("timeout", "0:10:00")), _clock(said.get("lockTimeout", "0:00:00"))
    if said.get("lock", "False").lower() != "true" or said.get("mode", "random").lower() == "off" or not timeout:
        return Lock(seconds=None)
    return Lock(seconds=timeout + (more or 0))


def parse_swayidle(text: str) -> Lock:
    """Return what swayidle's configuration says: the shortest `timeout` after which a locker is started."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*timeout\s+(\d{1,7})\s+(.*)", line, re.ASCII)
        if match and int(match[1]) > 0 and any(locker in match[2] for locker in LOCKERS):
            found.append(int(match[1]))
    return Lock(seconds=min(found, default=None))


def _by_gsettings(computer: Computer, user: int, home: str, schema: str) -> Lock:
    runtime = f"/run/user/{user}"
    more = {
        "HOME": home,
        "XDG_RUNTIME_DIR": runtime,
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
        "GSETTINGS_BACKEND": "dconf",
    }
    said = [
        computer.run("gsettings", "list-recursively", f"{schema}.{part}", user=user, more=more, errors=True).said
        for part in ("screensaver", "session")
    ]
    if any(words in text for text in said for words in ONLY_DEFAULTS):
        raise CannotTell("The settings of the person at the desktop cannot be read.")
    return parse_gsettings("\n".join(said))


def _number(text: str) -> int | None:
    word = text.rsplit(" ", maxsplit=1)[-1]
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 7 else None


def _seconds(minutes: str) -> int | None:
    """Return the seconds of minutes that may have a fraction."""
    return math.ceil(float(minutes) * 60) if re.fullmatch(r"\d{1,6}(\.\d{1,9})?", minutes, re.ASCII) else None


def _clock(text: str) -> int | None:
    parts = text.split(":")
    if len(parts) != 3 or any(_number(part) is None for part in parts):
        return None
    hours, minutes, seconds = (int(part) for part in parts)
    return hours * 3600 + minutes * 60 + seconds


def _text(computer: Computer, path: str) -> str:
    try:
        return computer.read(path)
    except CannotTell:
        if computer.changed_at(path) is not None:
            raise
        return ""


COLLECTOR = Collector(facts=("screen_lock", "screen_lock_minutes"), look=look, mark=desktops)
