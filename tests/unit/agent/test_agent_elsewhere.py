"""What macOS and Windows say, in the forms their makers document, and what the agent makes of it. Neither is here to be asked."""

import json
from typing import Any

import pytest
from tests.agent_computer import MadeUp

from ostiary.agent.posture.computer import Ran
from ostiary.agent.posture.looking import collectors_here, look_at_all
from ostiary.devices.domain.posture import FACTS

MAC = {
    "sw_vers": "ProductName:\t\tmacOS\nProductVersion:\t\t15.1\nBuildVersion:\t\t24B83\n",
    "softwareupdate": "Software Update found the following new or updated software:\n* Label: macOS Sequoia 15.2-24C101\n\tTitle: macOS Sequoia 15.2, Version: 15.2, Size: 6000000KiB, Recommended: YES, Action: restart, \n* Label: Printer-1\n\tTitle: Printer, Version: 1, Recommended: NO, \n",
    "fdesetup status": "FileVault is On.\n",
    "/usr/libexec/ApplicationFirewall/socketfilterfw": "Firewall is enabled. (State = 1) \n",
    "sysadminctl": "2026-11-22 10:00:00.000 sysadminctl[501:9001] screenLock delay is 60 seconds\n",
    "defaults -currentHost": "600\n",
    "pmset": "System-wide power settings:\n displaysleep         5 (display sleep prevented by coreaudiod)\n",
    "spctl": "assessments enabled\n",
    "csrutil": "System Integrity Protection status: enabled.\n",
    "defaults read": "{\n    AutomaticCheckEnabled = 1;\n    AutomaticallyInstallMacOSUpdates = 1;\n    CriticalUpdateInstall = 1;\n}\n",
    "stat": "ada\n",
    "dseditgroup": "yes ada is a member of admin\n",
    "netstat": "Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)\ntcp4       0      0  *.22                   *.*                    LISTEN\ntcp6       0      0  *.22                   *.*                    LISTEN\ntcp4       0      0  127.0.0.1.631          *.*                    LISTEN\n",
}
MAC_SEEN = {
    "os_version": "macOS 15.1",
    "os_supported": True,
    "os_support_days": "Apple does not say when.",
    "security_updates_pending": 1,
    "security_update_age_days": 0,
    "disk_encrypted": True,
    "firewall_on": True,
    "screen_lock": True,
    "screen_lock_minutes": 6,
    "antivirus_running": True,
    "antivirus_current": "macOS does not say how new what it knows is.",
    "secure_boot": True,
    "automatic_updates": True,
    "daily_administrator": True,
    "listening_services": 1,
    "clock_offset_seconds": 0,
}
WINDOWS: dict[str, Any] = {
    "Win32_OperatingSystem": {"Caption": "Microsoft Windows 11 Pro", "BuildNumber": "26200", "OperatingSystemSKU": 48},
    "Microsoft.Update.Session": [{"Security": True, "At": "2026-11-10T00:00:00"}, {"Security": False, "At": "2026-01-01T00:00:00"}],
    "Get-BitLockerVolume": {"MountPoint": "C:", "VolumeStatus": "FullyEncrypted", "ProtectionStatus": "On", "DriveType": "Fixed"},
    "Get-NetFirewallProfile": [{"Name": name, "Enabled": "True", "DefaultInboundAction": "Block"} for name in ("Domain", "Private", "Public")],
    "InactivityTimeoutSecs": {"Machine": 900, "Active": "1", "Secure": "1", "Timeout": "600"},
    "Get-MpComputerStatus": {"AMServiceEnabled": True, "AntivirusEnabled": True, "RealTimeProtectionEnabled": True, "AntivirusSignatureAge": 1},
    "Confirm-SecureBootUEFI": True,
    "Microsoft.Update.AutoUpdate": {"Level": 4, "Off": None},
    "Get-NetTCPConnection": [{"LocalAddress": "::", "LocalPort": 445}, {"LocalAddress": "0.0.0.0", "LocalPort": 445}, {"LocalAddress": "127.0.0.1", "LocalPort": 5040}],
}  # fmt: skip
WINDOWS_SEEN = {
    "os_version": "Microsoft Windows 11 Pro (26200)",
    "os_supported": True,
    "os_support_days": 324,
    "security_updates_pending": 1,
    "security_update_age_days": 12,
    "disk_encrypted": True,
    "firewall_on": True,
    "screen_lock": True,
    "screen_lock_minutes": 10,
    "antivirus_running": True,
    "antivirus_current": True,
    "secure_boot": True,
    "automatic_updates": True,
    "daily_administrator": True,
    "listening_services": 1,
    "clock_offset_seconds": 0,
}


class Windows(MadeUp):
    """Answers PowerShell by what it is asked for."""

    def __init__(
        self,
        answers: dict[str, Any],
        *,
        groups: str = '"BUILTIN\\Administrators","Alias","S-1-5-32-544","Group used for deny only"',
    ) -> None:
        super().__init__(root=False, user=-1, ahead_seconds=0.0)
        self.answers, self.groups = answers, groups

    def run(self, *words: str, **_more: Any) -> Ran:
        if words[0] == "whoami":
            return Ran(status=0, said=self.groups)
        answer = next((one for name, one in self.answers.items() if name in words[-1]), None)
        return Ran(status=1, said="") if answer is None else Ran(status=0, said=json.dumps(answer) + "\r\n")


def seen(computer: MadeUp, platform: str) -> dict[str, Any]:
    """Return each fact's value, or why there is none."""
    found = look_at_all(computer, collectors_here(platform))
    return {one.name: one.problem if one.value is None else one.value for one in found}


def mac(said: dict[str, str]) -> MadeUp:
    """Return a Mac of somebody, where programs say something else."""
    return MadeUp(
        programs={**MAC, **said},
        root=False,
        user=501,
        ahead_seconds=0.0,
    )


def test_a_mac_in_order_and_a_pc_in_order() -> None:
    assert seen(mac({}), "darwin") == MAC_SEEN
    assert seen(Windows(WINDOWS), "win32") == WINDOWS_SEEN
    assert MAC_SEEN.keys() == WINDOWS_SEEN.keys() == FACTS.keys() - {"vulnerable_critical", "vulnerable_high"}
    assert collectors_here("sunos5") == ()


@pytest.mark.parametrize(
    ("said", "fact", "value"),
    [
        ({"fdesetup status": "FileVault is Off.\n"}, "disk_encrypted", False),
        ({"fdesetup status": "FileVault is On.\nEncryption in progress: Percent completed = 12\n"}, "disk_encrypted", False),
        ({"/usr/libexec/ApplicationFirewall/socketfilterfw": "Firewall is disabled. (State = 0)"}, "firewall_on", False),
        ({"sysadminctl": "screenLock is off"}, "screen_lock", False),
        ({"sysadminctl": "screenLock delay is immediate"}, "screen_lock_minutes", 5),
        ({"csrutil": "System Integrity Protection status: enabled (Custom Configuration)."}, "secure_boot", False),
        ({"spctl": "assessments disabled"}, "antivirus_running", False),
        ({"defaults read": "{\n    AutomaticallyInstallMacOSUpdates = 0;\n    CriticalUpdateInstall = 1;\n}"}, "automatic_updates", False),
        ({"dseditgroup": "no ada is NOT a member of admin"}, "daily_administrator", False),
        ({"softwareupdate": "No new software available.\n"}, "security_updates_pending", 0),
        ({"sw_vers": "ProductName: macOS\nProductVersion: 13.7.8\n"}, "os_supported", False),
        ({"stat": "root\n"}, "daily_administrator", "Nobody is signed in at this computer."),
    ],
)  # fmt: skip
def test_a_mac_that_is_not_in_order(said: dict[str, str], fact: str, value: Any) -> None:
    assert seen(mac(said), "darwin")[fact] == value


@pytest.mark.parametrize(
    ("name", "answer", "fact", "value"),
    [
        ("Get-BitLockerVolume", [WINDOWS["Get-BitLockerVolume"], {"MountPoint": "D:", "VolumeStatus": "FullyDecrypted", "ProtectionStatus": "Off"}], "disk_encrypted", False),
        ("Get-BitLockerVolume", {"MountPoint": "C:", "VolumeStatus": "FullyEncrypted", "ProtectionStatus": "Off"}, "disk_encrypted", False),
        ("Get-NetFirewallProfile", [{"Name": "Public", "Enabled": "False"}], "firewall_on", False),
        ("Get-NetFirewallProfile", [{"Name": "Public", "Enabled": "True", "DefaultInboundAction": "Allow"}], "firewall_on", False),
        ("InactivityTimeoutSecs", {"Machine": None, "Active": "1", "Secure": "0", "Timeout": "600"}, "screen_lock", False),
        ("InactivityTimeoutSecs", {"Machine": 300, "Active": None, "Secure": None, "Timeout": None}, "screen_lock_minutes", 5),
        ("Get-MpComputerStatus", {**WINDOWS["Get-MpComputerStatus"], "AntivirusSignatureAge": 30}, "antivirus_current", False),
        ("Confirm-SecureBootUEFI", False, "secure_boot", False),
        ("Microsoft.Update.AutoUpdate", {"Level": 4, "Off": 1}, "automatic_updates", False),
        ("Microsoft.Update.Session", [], "security_updates_pending", 0),
        ("Win32_OperatingSystem", {"Caption": "Microsoft Windows 10 Pro", "BuildNumber": "19045", "OperatingSystemSKU": 48}, "os_supported", False),
        ("Win32_OperatingSystem", {"Caption": "Microsoft Windows 10 Enterprise LTSC", "BuildNumber": "19044", "OperatingSystemSKU": 125}, "os_supported", "It is not known until when Microsoft Windows 10 Enterprise LTSC (19044) is supported."),
        ("Get-BitLockerVolume", None, "disk_encrypted", "Windows does not tell, or only administrators."),
        ("Get-BitLockerVolume", {"surprise": 1}, "disk_encrypted", "Windows does not tell, or only administrators."),
    ],
)  # fmt: skip
def test_a_pc_that_is_not_in_order(name: str, answer: Any, fact: str, value: Any) -> None:
    assert seen(Windows({**WINDOWS, name: answer}), "win32")[fact] == value


@pytest.mark.parametrize("administrators_only", [None, []])
@pytest.mark.parametrize(
    ("shown", "encrypted"),
    [
        ({"Name": "C:\\", "Protection": 1}, True),
        ([{"Name": "C:\\", "Protection": 1}, {"Name": "D:\\", "Protection": 6}], True),
        ([{"Name": "C:\\", "Protection": 1}, {"Name": "D:\\", "Protection": 2}], False),
        *(({"Name": "C:\\", "Protection": number}, False) for number in (0, 3, 4, 5, 8)),
        ([{"Name": "C:\\", "Protection": 2}, {"Name": "D:\\", "Protection": None}], False),
        ([{"Name": "C:\\", "Protection": 1}, {"Name": "D:\\", "Protection": None}], "Windows does not show whether every volume is encrypted."),
        ([], "Windows does not show whether every volume is encrypted."),
    ],
)  # fmt: skip
def test_who_is_no_administrator_is_told_by_what_explorer_shows(
    administrators_only: Any, shown: Any, encrypted: Any
) -> None:
    said = {**WINDOWS, "Get-BitLockerVolume": administrators_only, "System.Volume.BitLockerProtection": shown}
    (collector,) = (one for one in collectors_here("win32") if one.facts == ("disk_encrypted",))
    (fact,) = look_at_all(Windows(said), [collector])
    assert (fact.problem if fact.value is None else fact.value) == encrypted


def test_a_pc_that_says_nothing_says_not_that_all_is_well() -> None:
    class Silent(Windows):
        def run(self, *words: str, **_more: Any) -> Ran:
            return Ran(status=0, said="")

    known = look_at_all(Silent({}), collectors_here("win32"))
    assert {one.name for one in known if one.value is not None} == {"clock_offset_seconds"}


def test_who_is_not_in_the_group_is_no_administrator() -> None:
    computer = Windows(WINDOWS, groups='"Everyone","Well-known group","S-1-1-0","Mandatory group"')
    assert seen(computer, "win32")["daily_administrator"] is False


def test_the_next_version_of_an_update_of_macos_does_not_make_its_wait_shorter() -> None:
    computer = mac({})
    age = "security_update_age_days"
    assert {one.name: one.value for one in look_at_all(computer, collectors_here("darwin"))}[age] == 0
    computer.now += 20 * 86400
    computer.programs["softwareupdate"] = MAC["softwareupdate"].replace("15.2", "15.3")
    assert {one.name: one.value for one in look_at_all(computer, collectors_here("darwin"))}[age] == 20
