"""Whether security updates are installed without anybody doing anything: unattended-upgrades, dnf-automatic, or GNOME's PackageKit."""

import configparser
import re
from collections.abc import Mapping

from ostiary.agent.posture.computer import CannotTell, Computer, text_of
from ostiary.agent.posture.finding import Collector, Value
from ostiary.agent.posture.linux.packaging import packaging_here
from ostiary.agent.system.packaging import Packaging

DNF_TIMERS = ("dnf-automatic.timer", "dnf5-automatic.timer", "dnf-automatic-install.timer")
DNF_CONFIGURATION = (
    "/etc/dnf/automatic.conf",
    "/etc/dnf/dnf5-plugins/automatic.conf",
    "/usr/share/dnf5/dnf5-plugins/automatic.conf",
)


def look(computer: Computer) -> Mapping[str, Value]:
    """Return whether they are."""
    packaging = packaging_here(computer)
    if packaging is Packaging.DEB:
        return {"automatic_updates": _by_apt(computer)}
    if packaging is Packaging.DNF:
        return {"automatic_updates": _by_dnf(computer)}
    raise CannotTell("How updates are installed here is not known to the agent.")


def parse_apt(text: str) -> bool:
    """Return whether apt is set to install updates, from `apt-config dump`: lists and unattended-upgrades, at least now and then.

    Source: the comments of /usr/lib/apt/apt.systemd.daily.
    """
    said = dict(re.findall(r'^([A-Za-z0-9:_-]+) "([^"\n]*)";$', text, re.MULTILINE))
    lists, installs = (
        said.get(f"APT::Periodic::{name}", "0") for name in ("Update-Package-Lists", "Unattended-Upgrade")
    )
    return said.get("APT::Periodic::Enable", "1") != "0" and _is_on(lists) and _is_on(installs)


def parse_dnf(text: str) -> bool:
    """Return whether dnf-automatic is set to install what it finds, from its configuration. Raises `CannotTell`."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
        word = parser.get("commands", "apply_updates", fallback="no")
    except (configparser.Error, UnicodeError):
        raise CannotTell("The configuration of dnf-automatic cannot be read.") from None
    return (word or "").strip().lower() in {"yes", "true", "1", "on"}


def _by_apt(computer: Computer) -> bool:
    if not computer.has("unattended-upgrade"):
        return False
    timer = computer.run("systemctl", "is-enabled", "apt-daily-upgrade.timer").said.strip()
    return timer in {"enabled", "static"} and parse_apt(computer.run("apt-config", "dump").said)


def _by_dnf(computer: Computer) -> bool:
    active = [name for name in DNF_TIMERS if computer.run("systemctl", "is-active", name).said.strip() == "active"]
    if "dnf-automatic-install.timer" in active:
        return True
    return bool(active) and parse_dnf(next(filter(None, (text_of(computer, one) for one in DNF_CONFIGURATION)), ""))


def _is_on(text: str) -> bool:
    """Tell whether a period of apt is one: it counts in days, or in seconds, minutes and hours with a letter; `always` is at every chance."""
    return text == "always" or bool(re.fullmatch(r"0*[1-9][0-9]*[smhd]?", text))


COLLECTOR = Collector(facts=("automatic_updates",), look=look)
