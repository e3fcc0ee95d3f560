"""Each built-in baseline can be met on each platform by what the agent's collectors there can tell, without root or administrator."""

import json
from typing import Any

import pytest
from tests.agent_computer import NOW, MadeUp
from tests.unit.agent.test_agent_disks import LUKS_LVM, MOUNTS, SWAPS
from tests.unit.agent.test_agent_elsewhere import WINDOWS, Windows, mac
from tests.unit.agent.test_agent_linux import APT_ON, GNOME, SHOWN, efi
from tests.unit.agent.test_agent_updates import RELEASE

from ostiary.agent.posture.computer import Process
from ostiary.agent.posture.linux import secure_boot
from ostiary.agent.posture.looking import collectors_here, look_at_all
from ostiary.baselines.adapters.built_in import built_in
from ostiary.baselines.domain.document import BUILT_IN
from ostiary.baselines.domain.evaluation import judge
from ostiary.devices.domain.posture import Evidence, Platform, Reported, SourceFacts, combine

PYTHONS_NAME = {"linux": "linux", "macos": "darwin", "windows": "win32"}


def linux_in_order() -> MadeUp:
    """Return somebody's Debian as it should be."""
    return MadeUp(
        files={
            "/etc/os-release": 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
            RELEASE: "Origin: Debian\nDate: Fri, 20 Nov 2026 00:00:00 UTC\n",
            "/var/lib/dpkg/status": "",
            "/proc/self/mounts": MOUNTS.format(kind="ext4"),
            "/proc/swaps": SWAPS,
            "/etc/ufw/ufw.conf": "ENABLED=yes\n",
            f"{secure_boot.VARIABLES}/SecureBoot-{secure_boot.GLOBAL}": efi(1),
        },
        programs={
            "dpkg-query --show": "ii \tadduser\n",
            "apt-cache policy": "adduser:\n  Installed: 3.134\n  Candidate: 3.134\n  Version table:\n *** 3.134 500\n",
            "lsblk": json.dumps({"blockdevices": [LUKS_LVM]}),
            "ufw": "",
            "systemctl is-active": "active\n",
            "systemctl": "enabled\n",
            "loginctl --no-legend --no-pager list-sessions": "2 1000 ada seat0 tty2\n",
            "loginctl --no-pager show-session": SHOWN.format(user=1000, type="wayland"),
            "gsettings": GNOME.format(lock="true", idle=240),
            "apt-config dump": APT_ON,
            "unattended-upgrade": "",
        },
        runs=[Process(pid=9, user=1000, name="gnome-shell")],
        people={1000: ("ada", "users")},
        root=False,
        user=1000,
        ahead_seconds=0.0,
    )


def mac_in_order() -> MadeUp:
    """Return somebody's Mac as it should be."""
    return mac(
        {
            "softwareupdate": "No new software available.\n",
            "sysadminctl": "screenLock delay is immediate",
            "dseditgroup": "no ada is NOT a member of admin",
        }
    )


def pc_in_order() -> Windows:
    """Return somebody's Windows as it should be, which tells them what it tells everybody."""
    said: dict[str, Any] = {
        **WINDOWS,
        "Microsoft.Update.Session": [],
        "Get-BitLockerVolume": None,
        "System.Volume.BitLockerProtection": {"Name": "C:\\", "Protection": 1},
        "InactivityTimeoutSecs": {"Machine": 300},
    }
    return Windows(said, groups='"Everyone","Well-known group","S-1-1-0","Mandatory group"')


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(
    ("platform", "computer"),
    [("linux", linux_in_order), ("macos", mac_in_order), ("windows", pc_in_order)],
    ids=["linux", "macos", "windows"],
)
def test_a_computer_in_order_meets_it(name: str, platform: Platform, computer: Any) -> None:
    told = {"agent": look_at_all(computer(), collectors_here(PYTHONS_NAME[platform]))}
    if platform == "linux":
        # Advisories that can be imported speak of systems of Linux alone.
        told["software"] = (Reported(name="vulnerable_critical", value=0, at=NOW),)
    posture = combine(
        (
            SourceFacts(
                source=source, evidence=Evidence.SELF_REPORTED, lasts=900, facts={one.name: one for one in facts}
            )
            for source, facts in told.items()
        ),
        NOW,
    )
    found = judge(built_in(name), posture, platform, now=NOW, since={}, excepted={})
    assert {one.check.name: posture.unknown for one in found.failing} == {}
    assert found.meets
