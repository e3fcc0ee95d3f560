"""Everything that is looked at on macOS, and the programs that are asked. None of it was tried on a real one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Unknown, Value
from ostiary.agent.posture.instance_clock import offset
from ostiary.agent.posture.macos import parsing
from ostiary.devices.domain.support_ends import support_of

FIREWALL: Final = "/usr/libexec/ApplicationFirewall/socketfilterfw"
SETTINGS: Final = "/Library/Preferences/com.apple.SoftwareUpdate"
DAY: Final = 86400.0


def system(computer: Computer) -> Mapping[str, Value]:
    """Return which system this is, and how it is supported."""
    words, release = parsing.version(computer.run("sw_vers").said)
    support = support_of("macos", release, today=datetime.fromtimestamp(computer.now, UTC).date())
    if support is None:
        why = Unknown(f"It is not known until when {words} is supported.")
        return {"os_version": words, "os_supported": why, "os_support_days": why}
    days: Value = Unknown("Apple does not say when.") if support.days is None else support.days
    return {"os_version": words, "os_supported": support.supported, "os_support_days": days}


def updates(computer: Computer) -> Mapping[str, Value]:
    """Return which updates wait, as far as the last search of the system's own knows."""
    waiting = parsing.pending(computer.run("softwareupdate", "--list", "--no-scan", seconds=60, errors=True).said)
    names = map(parsing.without_version, waiting)
    since = computer.memory.waiting_since("macos", names, at_latest=computer.now)
    age = int((computer.now - min(since.values(), default=computer.now)) / DAY)
    return {"security_updates_pending": len(waiting), "security_update_age_days": age}


def screen_lock(computer: Computer) -> Mapping[str, Value]:
    """Return how the screen of the person whose agent this is locks."""
    if computer.root:
        raise CannotTell("How somebody's screen locks only their own agent sees.")
    delay = parsing.lock_delay(computer.run("sysadminctl", "-screenLock", "status", errors=True).said)
    saver = computer.run("defaults", "-currentHost", "read", "com.apple.screensaver", "idleTime").said
    idle = parsing.idle_seconds(saver, computer.run("pmset", "-g").said)
    if delay is None or idle is None:
        return {"screen_lock": False, "screen_lock_minutes": Unknown("The screen does not lock by itself.")}
    return {"screen_lock": True, "screen_lock_minutes": -(-(idle + delay) // 60)}


def antivirus(computer: Computer) -> Mapping[str, Value]:
    """Return whether what the system itself brings against malware is on."""
    on = parsing.gatekeeper(computer.run("spctl", "--status", errors=True).said)
    return {"antivirus_running": on, "antivirus_current": Unknown("macOS does not say how new what it knows is.")}


def administrators(computer: Computer) -> Mapping[str, Value]:
    """Return whether whoever is at the screen is an administrator."""
    name = computer.run("stat", "-f", "%Su", "/dev/console").said.strip()
    if not name.isprintable() or name.startswith("-") or name in {"", "root", "_windowserver"}:
        raise CannotTell("Nobody is signed in at this computer.")
    return {
        "daily_administrator": parsing.is_member(
            computer.run("dseditgroup", "-o", "checkmember", "-m", name, "admin").said
        )
    }


COLLECTORS: Final[tuple[Collector, ...]] = (
    Collector(facts=("os_version", "os_supported", "os_support_days"), look=system),
    Collector(facts=("security_updates_pending", "security_update_age_days"), look=updates),
    Collector(
        facts=("disk_encrypted",),
        look=lambda computer: {"disk_encrypted": parsing.filevault(computer.run("fdesetup", "status").said)},
        quick=True,
    ),
    Collector(
        facts=("firewall_on",),
        look=lambda computer: {"firewall_on": parsing.firewall(computer.run(FIREWALL, "--getglobalstate").said)},
        quick=True,
    ),
    Collector(facts=("screen_lock", "screen_lock_minutes"), look=screen_lock),
    Collector(facts=("antivirus_running", "antivirus_current"), look=antivirus),
    Collector(
        facts=("secure_boot",),
        look=lambda computer: {"secure_boot": parsing.integrity(computer.run("csrutil", "status").said)},
    ),
    Collector(
        facts=("automatic_updates",),
        look=lambda computer: {
            "automatic_updates": parsing.automatic_updates(computer.run("defaults", "read", SETTINGS).said)
        },
    ),
    Collector(facts=("daily_administrator",), look=administrators),
    Collector(
        facts=("listening_services",),
        look=lambda computer: {"listening_services": parsing.listening(computer.run("netstat", "-an").said)},
        quick=True,
    ),
    Collector(
        facts=("clock_offset_seconds",),
        look=lambda computer: {"clock_offset_seconds": offset(ahead=computer.ahead_seconds)},
    ),
)
