"""What the programs of macOS say, read as Apple documents them. Pure; anything else is `CannotTell`."""

import re

from ostiary.agent.posture.computer import CannotTell

MAX_ITEMS = 500


def version(text: str) -> tuple[str, str]:
    """Return name and version from `sw_vers`: `ProductName: macOS`, `ProductVersion: 15.1`."""
    said = {
        name.strip(): value.strip()
        for name, colon, value in (line.partition(":") for line in text.splitlines())
        if colon
    }
    name, release = said.get("ProductName", ""), said.get("ProductVersion", "")
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3}){0,3}", release, re.ASCII) or not name:
        raise CannotTell("sw_vers does not say which system this is.")
    return f"{name[:40]} {release}", release


def pending(text: str) -> tuple[str, ...]:
    """Return the labels of recommended updates from `softwareupdate --list --no-scan`."""
    if "No new software available" in text:
        return ()
    found, label = [], ""
    for line in text.splitlines():
        if match := re.match(r"\s*\* Label: (.{1,200})$", line):
            label = match[1].strip()
        elif label and "Recommended: YES" in line:
            found.append(label)
            label = ""
    if not found and "Label:" not in text:
        raise CannotTell("softwareupdate does not say what waits.")
    return tuple(found[:MAX_ITEMS])


def without_version(label: str) -> str:
    """Return what an update is of: `macOS Sequoia` of `macOS Sequoia 15.2-24C101`; the label where there is nothing else to it."""
    return re.sub(r"[ -]*[0-9].*$", "", label) or label


def filevault(text: str) -> bool:
    """Return whether the disk is encrypted from `fdesetup status`; one that is still being encrypted is not."""
    if "Encryption in progress" in text or "Decryption in progress" in text:
        return False
    if match := re.search(r"FileVault is (On|Off)\b", text):
        return match[1] == "On"
    raise CannotTell("fdesetup does not say whether FileVault is on.")


def firewall(text: str) -> bool:
    """Return whether the firewall is on from `socketfilterfw --getglobalstate`."""
    if match := re.search(r"\(State ?= ?([0-2])\)", text):
        return match[1] != "0"
    raise CannotTell("The firewall does not say whether it is on.")


def lock_delay(text: str) -> int | None:
    """Return after how many seconds without a screen a password is asked for, from `sysadminctl -screenLock status`; `None` for never."""
    if "screenLock is off" in text:
        return None
    if "screenLock delay is immediate" in text:
        return 0
    if match := re.search(r"screenLock delay is (\d{1,7})(?:\.\d+)? seconds", text, re.ASCII):
        return int(match[1])
    raise CannotTell("sysadminctl does not say whether the screen locks.")


def idle_seconds(saver: str, power: str) -> int | None:
    """Return after how many seconds the screen goes off, the sooner of two; `None` for never.

    Args:
        saver: of `defaults -currentHost read com.apple.screensaver idleTime`; 0 for never.
        power: of `pmset -g`, whose `displaysleep` is in minutes.
    """
    found = []
    if (word := saver.strip()).isascii() and word.isdecimal() and len(word) <= 7 and int(word) > 0:
        found.append(int(word))
    match = re.search(r"^\s*displaysleep\s+(\d{1,5})\b", power, re.MULTILINE | re.ASCII)
    if match and int(match[1]) > 0:
        found.append(int(match[1]) * 60)
    return min(found, default=None)


def integrity(text: str) -> bool:
    """Return whether System Integrity Protection is on, all of it, from `csrutil status`."""
    if match := re.search(r"System Integrity Protection status: (enabled|disabled|unknown)", text):
        return match[1] == "enabled" and "Custom Configuration" not in text
    raise CannotTell("csrutil does not say whether System Integrity Protection is on.")


def gatekeeper(text: str) -> bool:
    """Return whether Gatekeeper looks at what is opened, from `spctl --status`."""
    if match := re.search(r"assessments (enabled|disabled)", text):
        return match[1] == "enabled"
    raise CannotTell("spctl does not say whether Gatekeeper is on.")


def automatic_updates(text: str) -> bool:
    """Return whether system and security updates install themselves, from `defaults read /Library/Preferences/com.apple.SoftwareUpdate`."""
    said = dict(re.findall(r"^\s*(\w{1,60}) = (\d{1,3});$", text, re.MULTILINE | re.ASCII))
    wanted = ("AutomaticallyInstallMacOSUpdates", "CriticalUpdateInstall")
    if not all(name in said for name in wanted):
        raise CannotTell("The settings do not say whether updates install themselves.")
    return all(said[name] != "0" for name in wanted) and said.get("AutomaticCheckEnabled", "1") != "0"


def is_member(text: str) -> bool:
    """Return whether somebody is an administrator from `dseditgroup -o checkmember -m NAME admin`."""
    if match := re.match(r"(yes|no)\b", text.strip()):
        return match[1] == "yes"
    raise CannotTell("dseditgroup does not say who is an administrator.")


def listening(text: str) -> int:
    """Return how many services others can reach from `netstat -an`: TCP that listens, not on the loopback."""
    found = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 6 and words[0].startswith("tcp") and words[-1] == "LISTEN":
            address, dot, port = words[3].rpartition(".")
            if dot and not (address.startswith("127.") or address in {"::1", "fe80::1%lo0"}):
                found.add(port)
    if "Local Address" not in text:
        raise CannotTell("netstat does not say what listens.")
    return len(found)
