"""Whatever files and programs say, each reader tells something of it or says that it cannot; nothing else comes out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent_computer import NOW, MadeUp

from ostiary.agent.posture.computer import CannotTell, Process, Ran
from ostiary.agent.posture.finding import look_at
from ostiary.agent.posture.linux import (
    antivirus,
    automatic_updates,
    disks,
    firewall,
    listening,
    screen_lock,
    secure_boot,
    sessions,
    system,
    updates_apt,
    updates_dnf,
    updates_pacman,
    updates_zypper,
    zfs,
)
from ostiary.agent.posture.looking import collectors_here
from ostiary.agent.posture.macos import parsing as macos
from ostiary.agent.posture.windows import parsing as windows
from ostiary.devices.domain.posture import FACTS, Reported

Reader = Callable[[str], Any]
READERS: dict[str, tuple[Reader, str]] = {
    "os-release": (lambda text: system.parse_os_release(text, now=NOW), 'ID=debian\nVERSION_ID="12"\nSUPPORT_END=2028-06-30\n'),
    "apt": (
        updates_apt.parse_policy,
        "curl:\n  Installed: 7.8\n  Candidate: 7.9\n  Version table:\n     7.9 500\n        500 http://x y-security/main amd64 Packages\n *** 7.8 100\n",
    ),
    "pacman": (updates_pacman.parse_upgrades, "linux 6.17.8-1 -> 6.17.9-1 [ignored]\n"),
    "zypper": (
        updates_zypper.parse_updates,
        '<update-status><update kind="patch" name="a" category="security"><issue-date time_t="1794009600"/></update></update-status>',
    ),
    "release": (updates_apt.parse_release_date, "Date: Sat, 21 Nov 2026 00:53:02 UTC\n"),
    "dnf": (updates_dnf.parse_advisories, "  Update ID: RHSA-1\n    Updated: 2026-11-01 09:12:33\n"),
    "lsblk": (
        lambda text: disks.parse_lsblk(text, swaps="", root=None),
        '{"blockdevices": [{"name": "a", "type": "crypt", "mountpoints": ["/"], "children": []}]}',
    ),
    "mounts": (disks.root_of, "/dev/sda1 / ext4 rw 0 0\n"),
    "zfs": (zfs.parse_encryption, "rpool\taes-256-gcm\n"),
    "nft": (
        lambda text: firewall.parse_nft(text, ipv6=True),
        '{"nftables": [{"chain": {"family": "inet", "table": "f", "name": "i", "hook": "input", "type": "filter", "policy": "drop"}}, {"rule": {"family": "inet", "table": "f", "chain": "i", "expr": [{"drop": null}]}}]}',
    ),
    "ufw": (firewall.parse_ufw, "ENABLED=yes\n"),
    "if_inet6": (firewall.has_ipv6, "fe80 02 40 20 80 eth0\n"),
    "tcp": (lambda text: list(listening.parse_table(text, name="tcp6")), "sl\n 0: 00000000000000000000000000000000:0016 0:0 0A 0:0 0:0 0 0 0 1079 1\n"),
    "ports": (listening.first_ephemeral, "32768 60999\n"),
    "loginctl": (sessions.parse_sessions, "Id=2\nUser=1000\nType=x11\nClass=user\nRemote=no\nState=active\n"),
    "sessions": (sessions.session_names, " 2 1000 ada seat0 tty2\n"),
    "gsettings": (screen_lock.parse_gsettings, "a lock-enabled true\na idle-delay uint32 300\n"),
    "kde": (lambda text: screen_lock.parse_kde("[Daemon]\nTimeout[$i]=5\n", text), "[Daemon][$i]\nTimeout=5\nLockGrace[$d]\n"),
    "xscreensaver": (screen_lock.parse_xscreensaver, "timeout: 0:10:00\nlock: True\n"),
    "swayidle": (screen_lock.parse_swayidle, "timeout 240 'swaylock -f'\n"),
    "apt-config": (automatic_updates.parse_apt, 'APT::Periodic::Unattended-Upgrade "1";\n'),
    "dnf-automatic": (automatic_updates.parse_dnf, "[commands]\napply_updates = yes\n"),
    "clamav": (lambda text: antivirus.parse_clamav(text.encode()), "ClamAV-VDB:21 Nov 2026 09-24 -0500:1:"),
    "mdatp": (antivirus.parse_mdatp, '{"definitionsStatus": "upToDate", "realTimeProtectionEnabled": true}'),
    "wazuh": (antivirus.parse_wazuh, "status='connected'\n"),
    "efi": (lambda text: secure_boot.parse_variable(text.encode("latin-1", "replace")), "\x06\x00\x00\x00\x01"),
    "sw_vers": (macos.version, "ProductName: macOS\nProductVersion: 15.1\n"),
    "softwareupdate": (macos.pending, "* Label: a\n\tRecommended: YES,\n"),
    "fdesetup": (macos.filevault, "FileVault is On.\n"),
    "socketfilterfw": (macos.firewall, "(State = 1)"),
    "sysadminctl": (macos.lock_delay, "screenLock delay is 60 seconds"),
    "pmset": (lambda text: macos.idle_seconds(text, text), " displaysleep 5\n"),
    "csrutil": (macos.integrity, "System Integrity Protection status: enabled."),
    "spctl": (macos.gatekeeper, "assessments enabled"),
    "defaults": (macos.automatic_updates, " AutomaticallyInstallMacOSUpdates = 1;\n CriticalUpdateInstall = 1;\n"),
    "dseditgroup": (macos.is_member, "yes ada is a member of admin"),
    "netstat": (macos.listening, "Local Address\ntcp4 0 0 *.22 *.* LISTEN\n"),
    "windows": (windows.system, '{"Caption": "Windows", "BuildNumber": "26200", "OperatingSystemSKU": 48}'),
    "updates": (windows.updates, '[{"Security": true, "At": "2026-11-10T00:00:00"}]'),
    "bitlocker": (windows.bitlocker, '{"MountPoint": "C:", "VolumeStatus": "FullyEncrypted", "ProtectionStatus": "On"}'),
    "explorer": (windows.protection, '{"Name": "C:", "Protection": 1}'),
    "profiles": (windows.firewall, '{"Name": "Public", "Enabled": "True"}'),
    "registry": (windows.lock, '{"Machine": 900}'),
    "defender": (windows.guard, '{"AMServiceEnabled": true, "AntivirusEnabled": true, "RealTimeProtectionEnabled": true, "AntivirusSignatureAge": 1}'),
    "uefi": (windows.secure_boot, "true"),
    "automatic": (windows.automatic, '{"Level": 4}'),
    "whoami": (windows.is_administrator, '"x","y","S-1-5-32-544","z"'),
    "connections": (windows.listening, '[{"LocalAddress": "::", "LocalPort": 445}]'),
}  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def bent(draw: st.DrawFn, sample: str) -> str:
    """Return what a program says with something cut out of it and something else put in."""
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, len(sample)))
    return sample[:start] + draw(st.text(max_size=12)) + sample[end:]


def reads(reader: Reader, text: str) -> None:
    """Have it read; the only error is that it cannot tell, in a sentence."""
    why = "."
    try:
        reader(text)
    except CannotTell as error:
        why = error.why
    assert why.endswith((".", ")"))


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_its_own_sample(name: str) -> None:
    reader, sample = READERS[name]
    reader(sample)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15)
@given(data=st.data())
def test_a_reader_tells_or_says_that_it_cannot(name: str, data: st.DataObject) -> None:
    reader, sample = READERS[name]
    reads(reader, data.draw(bent(sample) | st.text(max_size=60)))
    if sample.startswith(("{", "[")):
        reads(reader, data.draw(TREES.map(json.dumps)))


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@settings(max_examples=15)
@given(data=st.data())
def test_a_computer_that_says_anything_at_all_makes_a_report_that_can_be_sent(
    platform: str, data: st.DataObject
) -> None:
    words = st.text(max_size=40) | st.sampled_from([sample for _reader, sample in READERS.values()])

    class Babbling(MadeUp):
        def read_bytes(self, path: str) -> bytes:
            return data.draw(words).encode("utf-8", "replace")

        def names_in(self, folder: str) -> tuple[str, ...]:
            return ("x_dists_y-security_InRelease", "core.db", "repo-update.repo", "updates-0123456789abcdef")

        def has(self, program: str) -> bool:
            return data.draw(st.booleans())

        def run(self, *_words: str, **_more: Any) -> Ran:
            return Ran(status=data.draw(st.integers(0, 1)), said=data.draw(words))

    runs = [Process(pid=1, user=0, name=name) for name in ("clamonacc", "wdavdaemon", "gnome-shell", "plasmashell")]
    computer = Babbling(
        runs=runs, people={0: ("root",)}, root=data.draw(st.booleans()), changed={"/sys/firmware/efi": NOW}
    )
    for collector in collectors_here(platform):
        for fact in look_at(collector, computer):
            assert isinstance(fact, Reported)
            assert fact.value is None or type(fact.value) is FACTS[fact.name].kind
            assert (fact.value is None) == bool(fact.problem)
            assert len(fact.problem) <= 200
            assert f"{fact.value}{fact.problem}".isprintable()
            assert len(str(fact.value)) <= 200
