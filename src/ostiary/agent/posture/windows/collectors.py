"""Everything that is looked at on Windows, and what PowerShell is asked. None of it was tried on a real one."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Unknown, Value
from ostiary.agent.posture.instance_clock import offset
from ostiary.agent.posture.windows import parsing
from ostiary.devices.domain.support_ends import support_of

SECONDS: Final = 120.0
DAY: Final = 86400.0
SYSTEM: Final = "Get-CimInstance Win32_OperatingSystem | Select-Object Caption, BuildNumber, OperatingSystemSKU"
UPDATES: Final = (
    "@((New-Object -ComObject Microsoft.Update.Session).CreateUpdateSearcher().Search('IsInstalled=0 and IsHidden=0').Updates"
    " | Select-Object @{n='Security'; e={[bool]$_.MsrcSeverity -or @($_.Categories | ForEach-Object CategoryID) -contains"
    " '0fa1201d-4330-4fa8-8ae9-b877473b6441'}}, @{n='At'; e={$_.LastDeploymentChangeTime.ToString('s')}})"
)
"""The category is Security Updates, in every language."""
VOLUMES: Final = (
    "@(Get-BitLockerVolume | Select-Object MountPoint, @{n='VolumeStatus'; e={\"$($_.VolumeStatus)\"}},"
    " @{n='ProtectionStatus'; e={\"$($_.ProtectionStatus)\"}},"
    ' @{n=\'DriveType\'; e={"$((Get-Volume -FilePath "$($_.MountPoint)\\" -ErrorAction SilentlyContinue).DriveType)"}})'
)
PROTECTION: Final = (
    "@(Get-CimInstance Win32_Volume -Filter 'DriveType=3' | Where-Object { $_.Name -notlike '\\\\?\\*' } | Select-Object Name,"
    " @{n='Protection'; e={(New-Object -ComObject Shell.Application).NameSpace($_.Name).Self"
    ".ExtendedProperty('System.Volume.BitLockerProtection')}})"
)
"""What Explorer shows as a lock, which everybody may ask: of every fixed volume that has a letter or a folder."""
PROFILES: Final = (
    "@(Get-NetFirewallProfile -PolicyStore ActiveStore | Select-Object Name, @{n='Enabled'; e={\"$($_.Enabled)\"}},"
    " @{n='DefaultInboundAction'; e={\"$($_.DefaultInboundAction)\"}})"
)
LOCK: Final = (
    "[pscustomobject]@{"
    "Machine=(Get-ItemProperty HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System).InactivityTimeoutSecs;"
    "Active=(Get-ItemProperty 'HKCU:\\Control Panel\\Desktop').ScreenSaveActive;"
    "Secure=(Get-ItemProperty 'HKCU:\\Control Panel\\Desktop').ScreenSaverIsSecure;"
    "Timeout=(Get-ItemProperty 'HKCU:\\Control Panel\\Desktop').ScreenSaveTimeOut}"
)
GUARD: Final = "Get-MpComputerStatus | Select-Object AMServiceEnabled, AntivirusEnabled, RealTimeProtectionEnabled, AntivirusSignatureAge"
AUTOMATIC: Final = (
    "[pscustomobject]@{Level=(New-Object -ComObject Microsoft.Update.AutoUpdate).Settings.NotificationLevel;"
    "Off=(Get-ItemProperty HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate\\AU -ErrorAction SilentlyContinue).NoAutoUpdate}"
)
SECURE_BOOT: Final = (
    "$(try { Confirm-SecureBootUEFI } catch {"
    " (Get-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecureBoot\\State).UEFISecureBootEnabled -eq 1 })"
)
"""The first tells administrators only; the registry says the same to everybody, and nothing where there is no UEFI."""
LISTENING: Final = "@(Get-NetTCPConnection -State Listen | Select-Object LocalAddress, LocalPort)"


def ask(computer: Computer, question: str) -> str:
    """Return what PowerShell answers, as JSON. Raises `CannotTell` when it does not."""
    command = f"$ErrorActionPreference = 'Stop'; [Console]::OutputEncoding = [Text.Encoding]::UTF8; ConvertTo-Json -InputObject ({question}) -Depth 4"
    done = computer.run("powershell.exe", "-NoProfile", "-NonInteractive", "-Command", command, seconds=SECONDS)
    if done.status != 0:
        raise CannotTell("Windows does not tell, or only administrators.")
    return done.said


def system(computer: Computer) -> Mapping[str, Value]:
    """Return which system this is, and how it is supported."""
    words, maker, build = parsing.system(ask(computer, SYSTEM))
    support = support_of(maker, build, today=datetime.fromtimestamp(computer.now, UTC).date())
    if support is None or support.days is None:
        why = Unknown(f"It is not known until when {words} is supported.")
        return {"os_version": words, "os_supported": why, "os_support_days": why}
    return {"os_version": words, "os_supported": support.supported, "os_support_days": support.days}


def updates(computer: Computer) -> Mapping[str, Value]:
    """Return which security updates wait."""
    hour = int(computer.now / 3600)
    count, oldest = parsing.updates(computer.memory.answer("windows", hour, lambda: ask(computer, UPDATES)))
    age = max(0, int((computer.now - oldest) / DAY)) if oldest is not None else 0
    return {"security_updates_pending": count, "security_update_age_days": age}


def disk(computer: Computer) -> Mapping[str, Value]:
    """Return whether the disk is encrypted; BitLocker itself tells administrators only, to others its answer is an error or empty."""
    with suppress(CannotTell):
        return {"disk_encrypted": parsing.bitlocker(ask(computer, VOLUMES))}
    return {"disk_encrypted": parsing.protection(ask(computer, PROTECTION))}


def screen_lock(computer: Computer) -> Mapping[str, Value]:
    """Return how the screen locks."""
    seconds = parsing.lock(ask(computer, LOCK))
    if seconds is None:
        return {"screen_lock": False, "screen_lock_minutes": Unknown("The screen does not lock by itself.")}
    return {"screen_lock": True, "screen_lock_minutes": -(-seconds // 60)}


def antivirus(computer: Computer) -> Mapping[str, Value]:
    """Return whether Microsoft Defender guards."""
    running, current = parsing.guard(ask(computer, GUARD))
    return {"antivirus_running": running, "antivirus_current": current}


COLLECTORS: Final[tuple[Collector, ...]] = (
    Collector(facts=("os_version", "os_supported", "os_support_days"), look=system),
    Collector(facts=("security_updates_pending", "security_update_age_days"), look=updates),
    Collector(facts=("disk_encrypted",), look=disk),
    Collector(facts=("firewall_on",), look=lambda computer: {"firewall_on": parsing.firewall(ask(computer, PROFILES))}),
    Collector(facts=("screen_lock", "screen_lock_minutes"), look=screen_lock),
    Collector(facts=("antivirus_running", "antivirus_current"), look=antivirus),
    Collector(
        facts=("secure_boot",),
        look=lambda computer: {"secure_boot": parsing.secure_boot(ask(computer, SECURE_BOOT))},
    ),
    Collector(
        facts=("automatic_updates",),
        look=lambda computer: {"automatic_updates": parsing.automatic(ask(computer, AUTOMATIC))},
    ),
    Collector(
        facts=("daily_administrator",),
        look=lambda computer: {
            "daily_administrator": parsing.is_administrator(computer.run("whoami", "/groups", "/fo", "csv", "/nh").said)
        },
    ),
    Collector(
        facts=("listening_services",),
        look=lambda computer: {"listening_services": parsing.listening(ask(computer, LISTENING))},
    ),
    Collector(
        facts=("clock_offset_seconds",),
        look=lambda computer: {"clock_offset_seconds": offset(ahead=computer.ahead_seconds)},
    ),
)
