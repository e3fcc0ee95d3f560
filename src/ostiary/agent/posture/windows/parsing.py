"""What PowerShell says of Windows, as JSON, read as Microsoft documents it. Pure; anything else is `CannotTell`.

`ConvertTo-Json` writes one object where there is one and a list where there are several; both are taken.
"""

import ipaddress
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from ostiary.agent.posture.computer import CannotTell

ADMINISTRATORS = "S-1-5-32-544"
"""The group Administrators, in every language; listed as well where it only counts after a click on yes."""
ENTERPRISE_SKUS = frozenset({4, 27, 121, 122})
"""OperatingSystemSKU of Win32_OperatingSystem: Enterprise and Education, each with its N edition."""
HOME_SKUS = frozenset({48, 49, 98, 99, 100, 101, 161, 162})
PROTECTED = frozenset({1, 6})
SCHEDULED = 4
"""NotificationLevel of IAutomaticUpdatesSettings: installed by schedule."""
CURRENT_DAYS = 7
T = TypeVar("T")


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Of Win32_OperatingSystem."""

    Caption: str
    BuildNumber: str
    OperatingSystemSKU: int


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """Of IUpdate; `At` is LastDeploymentChangeTime, ISO 8601."""

    Security: bool
    At: str = ""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """Of Get-BitLockerVolume, its enumerations as words."""

    MountPoint: str
    VolumeStatus: str
    ProtectionStatus: str
    DriveType: str = "Fixed"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A volume as Explorer shows it; `Protection` is the shell's System.Volume.BitLockerProtection, absent where it says nothing."""

    Name: str
    Protection: int | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Of Get-NetFirewallProfile, its enumerations as words."""

    Name: str
    Enabled: str
    DefaultInboundAction: str = "NotConfigured"


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Of Get-MpComputerStatus; the age is in days."""

    AMServiceEnabled: bool
    AntivirusEnabled: bool
    RealTimeProtectionEnabled: bool
    AntivirusSignatureAge: int


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """Of the registry: the machine's limit without input (seconds), and the person's screen saver; absent is `None`."""

    Machine: int | None = None
    Active: str | None = None
    Secure: str | None = None
    Timeout: str | None = None


class Automatic(msgspec.Struct, frozen=True, kw_only=True):
    """Of IAutomaticUpdates: how much happens by itself, and the policy that switches all of it off."""

    Level: int
    Off: int | None = None


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Of Get-NetTCPConnection."""

    LocalAddress: str
    LocalPort: int


def system(text: str) -> tuple[str, str, str]:
    """Return the name for people, and under which maker and build its support stands."""
    said = _one(text, System)
    if said.OperatingSystemSKU in ENTERPRISE_SKUS:
        maker = "windows-enterprise"
    else:
        maker = "windows" if said.OperatingSystemSKU in HOME_SKUS else "windows-other"
    return f"{said.Caption.strip()[:80]} ({said.BuildNumber[:10]})", maker, said.BuildNumber


def updates(text: str) -> tuple[int, float | None]:
    """Return how many security updates wait, and when the oldest came out (seconds since the epoch)."""
    waiting = [one for one in _some(text, Update) if one.Security]
    times = []
    for one in waiting:
        try:
            at = datetime.fromisoformat(one.At[:19])
            times.append(at.replace(tzinfo=UTC).timestamp())
        except (ValueError, OverflowError):
            raise CannotTell("Windows Update does not say when its updates came out.") from None
    return len(waiting), min(times, default=None)


def bitlocker(text: str) -> bool:
    """Return whether every fixed volume is encrypted and protected."""
    fixed = [one for one in _some(text, Volume) if one.DriveType != "Removable"]
    if not fixed:
        raise CannotTell("BitLocker knows of no volume.")
    return all((one.VolumeStatus, one.ProtectionStatus) == ("FullyEncrypted", "On") for one in fixed)


def protection(text: str) -> bool:
    """Return whether Explorer shows every fixed volume as protected.

    The numbers are not documented by Microsoft: 1 is on, 6 on and locked, 2 off; 3 and 4 are on the way, 5 is suspended and 8 waits
    to be activated, with the key in the open. What else there may be (0, 7) is not taken for protection.
    """
    volumes = _some(text, Shown)
    if any(one.Protection is not None and one.Protection not in PROTECTED for one in volumes):
        return False
    if not volumes or any(one.Protection is None for one in volumes):
        raise CannotTell("Windows does not show whether every volume is encrypted.")
    return True


def firewall(text: str) -> bool:
    """Return whether every profile is on and turns away what nobody let in."""
    profiles = _some(text, Profile)
    if not profiles:
        raise CannotTell("The firewall has no profile.")
    return all(one.Enabled == "True" and one.DefaultInboundAction != "Allow" for one in profiles)


def lock(text: str) -> int | None:
    """Return after how many seconds the screen locks, the sooner of machine's and person's; `None` for never."""
    said = _one(text, Lock)
    found = [said.Machine] if said.Machine and said.Machine > 0 else []
    seconds = _number(said.Timeout)
    if (said.Active, said.Secure) == ("1", "1") and seconds:
        found.append(seconds)
    return min(found, default=None)


def guard(text: str) -> tuple[bool, bool]:
    """Return whether Microsoft Defender guards, and whether what it knows is new."""
    said = _one(text, Guard)
    running = said.AMServiceEnabled and said.AntivirusEnabled and said.RealTimeProtectionEnabled
    return running, 0 <= said.AntivirusSignatureAge <= CURRENT_DAYS


def secure_boot(text: str) -> bool:
    """Return what Confirm-SecureBootUEFI says."""
    return bool(_decoded(text, bool))


def automatic(text: str) -> bool:
    """Return whether updates are installed by schedule."""
    said = _one(text, Automatic)
    return said.Level == SCHEDULED and not said.Off


def is_administrator(text: str) -> bool:
    """Return whether the person is in the group Administrators, from `whoami /groups /fo csv /nh`."""
    if "S-1-" not in text:
        raise CannotTell("whoami does not say in which groups somebody is.")
    return f'"{ADMINISTRATORS}"' in text


def listening(text: str) -> int:
    """Return how many ports others can reach."""
    found = set()
    for one in _some(text, Listening):
        try:
            address = ipaddress.ip_address(one.LocalAddress.partition("%")[0])
        except ValueError:
            raise CannotTell("Windows names an address that is none.") from None
        if not address.is_loopback:
            found.add(one.LocalPort)
    return len(found)


def _one(text: str, kind: type[T]) -> T:
    several = _some(text, kind)
    if len(several) != 1:
        raise CannotTell("Windows said something else than was asked.")
    return several[0]


def _some(text: str, kind: type[T]) -> tuple[T, ...]:
    decoded = _decoded(text, Any)
    try:
        return msgspec.convert(decoded if isinstance(decoded, list) else [decoded], tuple[kind, ...])  # type: ignore[valid-type]
    except (msgspec.MsgspecError, RecursionError):
        raise CannotTell("Windows said something else than was asked.") from None


def _decoded(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text.strip().removeprefix("\ufeff"), type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise CannotTell("Windows said something else than was asked.") from None


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 7 else 0
