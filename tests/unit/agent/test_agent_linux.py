"""What Linux's own programs and files say, as captured, and what the agent makes of it."""

import struct
from typing import Any

import pytest
from tests.agent_computer import MadeUp

from ostiary.agent.posture.computer import Process
from ostiary.agent.posture.finding import Collector, look_at
from ostiary.agent.posture.linux import (
    administrators,
    antivirus,
    automatic_updates,
    clock,
    listening,
    screen_lock,
    secure_boot,
    system,
)
from ostiary.agent.posture.linux.collectors import COLLECTORS
from ostiary.devices.domain.posture import FACTS

DAY = 86400.0


def seen(collector: Collector, computer: MadeUp) -> dict[str, Any]:
    """Return each fact's value, or why there is none."""
    return {one.name: one.problem if one.value is None else one.value for one in look_at(collector, computer)}


def test_every_fact_that_collectors_bring_is_one_that_there_is_and_each_is_brought_once() -> None:
    names = [name for collector in COLLECTORS for name in collector.facts]
    assert len(set(names)) == len(names)
    assert set(names) == FACTS.keys() - {"vulnerable_critical", "vulnerable_high"}


def test_on_a_computer_that_tells_nothing_nothing_is_known_and_each_says_why() -> None:
    for collector in COLLECTORS:
        for one in look_at(collector, MadeUp()):
            if one.name not in {"antivirus_running", "clock_offset_seconds"}:
                assert one.value is None, one
                assert one.problem.endswith((".", ")", "update", "makecache")), one


@pytest.mark.parametrize(
    ("text", "supported", "days"),
    [
        ('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', True, 586),
        ('ID=ubuntu\nVERSION_ID="20.04"\nPRETTY_NAME="Ubuntu 20.04.6 LTS"\n', False, -542),
        ('ID=fedora\nVERSION_ID=44\nPRETTY_NAME="Fedora Linux 44"\nSUPPORT_END=2027-05-19\n', True, 178),
        ('ID="rocky"\nVERSION_ID="9.6"\nPRETTY_NAME="Rocky Linux 9.6"\n', True, 2017),
        ('ID=arch\nPRETTY_NAME="Arch Linux"\n', True, "It has no releases that end."),
        (
            'ID=bespoke\nVERSION_ID=3\nPRETTY_NAME="Bespoke 3"\n',
            "It is not known until when Bespoke 3 is supported.",
            "It is not known until when Bespoke 3 is supported.",
        ),
    ],
)
def test_a_system_is_supported_as_long_as_its_makers_say(text: str, supported: Any, days: Any) -> None:
    found = seen(system.COLLECTOR, MadeUp(files={"/etc/os-release": text}))
    assert (found["os_supported"], found["os_support_days"]) == (supported, days)


TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1076 1 0 100 0 0 10 0
   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1077 1 0 100 0 0 10 0
   2: 0A0AA8C0:0016 0B0AA8C0:C001 01 00000000:00000000 00:00000000 00000000     0        0 1078 1 0 100 0 0 10 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1079 1 0
   1: 00000000000000000000000001000000:0CEA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1080 1 0
   2: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1081 1 0
   3: 0000000000000000FFFF00000A0AA8C0:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1082 1 0
"""
UDP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   0: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1083 2 0 0
   1: 00000000:D431 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1084 2 0 0
"""


def test_what_others_can_reach_is_counted_once_a_port_and_named_here_only() -> None:
    computer = MadeUp(
        files={
            "/proc/net/tcp": TCP,
            "/proc/net/tcp6": TCP6,
            "/proc/net/udp": UDP,
            "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
            "/proc/700/fd/3": "socket:[1079]",
        },
        runs=[Process(pid=700, user=0, name="sshd")],
    )
    assert seen(listening.COLLECTOR, computer) == {"listening_services": 3}
    names = {f"{one.port}/{one.protocol}": name for one, name in listening.names_of(computer).items()}
    assert names == {"22/tcp": "sshd", "5353/udp": "", "8081/tcp": ""}


SHOWN = "Id=2\nUser={user}\nType={type}\nClass=user\nRemote=no\nState=active\n\nId=c1\nUser=120\nType=x11\nClass=greeter\nRemote=no\nState=online\n"


def seated(person: int = 1000, kind: str = "wayland", **more: Any) -> MadeUp:
    """Return a computer that somebody sits at."""
    programs = {
        "loginctl --no-legend --no-pager list-sessions": f"     2 {person} ada seat0 tty2\n    c1  120 gdm seat0\n",
        "loginctl --no-pager show-session": SHOWN.format(user=person, type=kind),
        **more.pop("programs", {}),
    }
    return MadeUp(programs=programs, **more)


@pytest.mark.parametrize(
    ("groups", "administrator"),
    [(("ada", "users"), False), (("ada", "sudo"), True), (("ada", "wheel"), True), (("ada", "docker"), True)],
)
def test_who_may_become_root_has_administrator_rights_all_day(groups: tuple[str, ...], administrator: bool) -> None:
    assert seen(administrators.COLLECTOR, seated(people={1000: groups})) == {"daily_administrator": administrator}
    as_person = seated(people={1000: groups}, root=False, user=1000)
    assert seen(administrators.COLLECTOR, as_person) == {"daily_administrator": administrator}
    assert seen(administrators.COLLECTOR, seated(person=0, kind="x11", people={0: ("root",)})) == {
        "daily_administrator": True
    }


GNOME = """\
org.gnome.desktop.screensaver lock-delay uint32 30
org.gnome.desktop.screensaver lock-enabled {lock}
org.gnome.desktop.session idle-delay uint32 {idle}
"""
NEVER = {"screen_lock": False, "screen_lock_minutes": "The screen does not lock by itself."}


@pytest.mark.parametrize(
    ("program", "files", "programs", "found"),
    [
        ("gnome-shell", {}, {"gsettings": GNOME.format(lock="true", idle=300)}, {"screen_lock": True, "screen_lock_minutes": 6}),
        ("gnome-shell", {}, {"gsettings": GNOME.format(lock="true", idle=0)}, NEVER),
        ("gnome-shell", {}, {"gsettings": GNOME.format(lock="false", idle=300)}, NEVER),
        ("plasmashell", {}, {}, {"screen_lock": True, "screen_lock_minutes": 5}),
        ("plasmashell", {"/home/1000/.config/kscreenlockerrc": "[Daemon]\nTimeout=15\nLockGrace=0\n"}, {}, {"screen_lock": True, "screen_lock_minutes": 15}),
        ("kwin_x11", {"/home/1000/.config/kscreenlockerrc": "[$Version]\n[Daemon]\nAutolock=false\n"}, {}, NEVER),
        ("xscreensaver", {"/home/1000/.xscreensaver": "timeout:\t0:05:00\nlock:\tTrue\nlockTimeout:\t0:01:00\nmode:\tblank\n"}, {}, {"screen_lock": True, "screen_lock_minutes": 6}),
        ("xscreensaver", {"/home/1000/.xscreensaver": "timeout:\t0:05:00\n"}, {}, NEVER),
        ("swayidle", {"/home/1000/.config/swayidle/config": "timeout 60 'notify-send soon'\ntimeout 240 'swaylock -f'\n"}, {}, {"screen_lock": True, "screen_lock_minutes": 4}),
    ],
)  # fmt: skip
def test_the_screen_locks_as_the_desktop_in_use_is_set(
    program: str, files: dict[str, str], programs: dict[str, str], found: dict[str, Any]
) -> None:
    runs = [Process(pid=9, user=1000, name=program), Process(pid=10, user=120, name="gnome-shell")]
    assert seen(screen_lock.COLLECTOR, seated(files=files, programs=programs, runs=runs)) == found


FIVE = {"screen_lock": True, "screen_lock_minutes": 5}


@pytest.mark.parametrize(
    ("system", "own", "found"),
    [
        ("", "[Daemon]\nRequirePassword=false\n", NEVER),
        ("", "[Daemon]\nTimeout=7.5\n", {"screen_lock": True, "screen_lock_minutes": 8}),
        ("", "[Daemon]\nTimeout=0.0\n", NEVER),
        ("", "[Daemon]\nTimeout=soon\n", NEVER),
        ("", "[Daemon][Other]\nAutolock=false\n[Daemon]\nAutolock[de]=false\n#Autolock=false\n", FIVE),
        ("[Daemon]\nTimeout=3\n", "", {"screen_lock": True, "screen_lock_minutes": 3}),
        ("[Daemon]\nTimeout=3\n", "[$Version]\nupdate_info=x\n\n[Daemon]\nTimeout=60\n", {"screen_lock": True, "screen_lock_minutes": 60}),
        ("[Daemon]\nTimeout=3\n", "[Daemon]\nTimeout[$d]\n", FIVE),
        ("[Daemon]\nAutolock=false\n", "[Daemon]\nTimeout=3\n", NEVER),
        ("[Daemon]\nTimeout[$i]=5\n", "[Daemon]\nTimeout=60\n", FIVE),
        ("[Daemon][$i]\nTimeout=5\n", "[Daemon]\nAutolock=false\n", FIVE),
        ("[$i]\n[Daemon]\nTimeout=5\n", "[Daemon]\nAutolock=false\n", FIVE),
        ("[Greeter][$i]\nTheme=x\n[Daemon]\nTimeout=5\n", "[Daemon]\nAutolock=false\n", NEVER),
    ],
)  # fmt: skip
def test_plasma_locks_as_the_system_sets_it_and_the_person_where_that_is_left_to_them(
    system: str, own: str, found: dict[str, Any]
) -> None:
    files = {"/etc/xdg/kscreenlockerrc": system, "/home/1000/.config/kscreenlockerrc": own}
    runs = [Process(pid=9, user=1000, name="plasmashell")]
    assert seen(screen_lock.COLLECTOR, seated(files=files, runs=runs)) == found


def test_settings_that_nobody_could_read_are_not_taken_for_the_persons() -> None:
    """Without its module, or the person's file, gsettings complains and goes on to say what is so where nobody sets anything."""
    for complaint in (
        "GLib-GIO-WARNING **: Can't find module 'dconf' specified in GSETTINGS_BACKEND",
        "dconf-WARNING **: unable to open file '/home/1000/.config/dconf/user'",
    ):
        said = f"(process:9): {complaint}\n" + GNOME.format(lock="true", idle=300)
        computer = seated(programs={"gsettings": said}, runs=[Process(pid=9, user=1000, name="gnome-shell")])
        assert seen(screen_lock.COLLECTOR, computer)["screen_lock"] == (
            "The settings of the person at the desktop cannot be read."
        )


def test_a_desktop_that_begins_is_a_mark_for_its_own_person_and_for_root() -> None:
    runs = [Process(pid=9, user=1000, name="gnome-shell"), Process(pid=10, user=1001, name="plasmashell"), Process(pid=11, user=1000, name="vim")]  # fmt: skip
    mark = screen_lock.COLLECTOR.mark
    assert mark is not None
    assert mark(MadeUp(runs=runs)) == {(1000, "gnome-shell"), (1001, "plasmashell")}
    assert mark(MadeUp(runs=runs, root=False, user=1000)) == {(1000, "gnome-shell")}
    assert mark(MadeUp(runs=runs[2:])) == frozenset()


def test_where_nobody_is_at_a_desktop_there_is_no_screen_to_lock() -> None:
    nobody = MadeUp(programs={"loginctl": ""})
    assert seen(screen_lock.COLLECTOR, nobody)["screen_lock"] == "Nobody is at a desktop here."
    text = seated(kind="tty", people={1000: ("sudo",)})
    assert seen(screen_lock.COLLECTOR, text)["screen_lock"] == "Nobody is at a desktop here."
    assert seen(administrators.COLLECTOR, text) == {"daily_administrator": True}


def clamav(made: str) -> bytes:
    """Return the beginning of a database of ClamAV."""
    return f"ClamAV-VDB:{made}:27461:2071000:90:X:X:raynman:1".encode().ljust(512) + b"\x1f\x8b"


@pytest.mark.parametrize(
    ("runs", "files", "programs", "found"),
    [
        ("systemd", {}, {}, (False, "No guard that the agent knows runs.")),
        ("osqueryd", {}, {}, (False, "No guard that the agent knows runs.")),
        ("clamonacc", {"/var/lib/clamav/daily.cvd": clamav("21 Nov 2026 09-24 -0500")}, {}, (True, True)),
        ("clamonacc", {"/var/lib/clamav/daily.cld": clamav("01 Nov 2026 09-24 +0000")}, {}, (True, False)),
        ("clamonacc", {}, {}, (True, "ClamAV has no database.")),
        ("clamd", {"/var/lib/clamav/daily.cvd": clamav("21 Nov 2026 09-24 -0500")}, {}, (False, "No guard that the agent knows runs.")),
        ("falcon-sensor", {}, {}, (True, "CrowdStrike Falcon does not say how new what it knows is.")),
        ("wdavdaemon", {}, {"mdatp": '{"definitionsStatus": {"$type": "upToDate"}, "realTimeProtectionEnabled": {"value": true}}'}, (True, True)),
        ("wazuh-agentd", {"/var/ossec/var/run/wazuh-agentd.state": "status='connected'\n"}, {}, (True, True)),
    ],
)  # fmt: skip
def test_a_guard_counts_when_it_runs_and_is_current_when_what_it_knows_is_new(
    runs: str, files: dict[str, Any], programs: dict[str, str], found: tuple[Any, Any]
) -> None:
    seen_now = seen(
        antivirus.COLLECTOR, MadeUp(runs=[Process(pid=1, user=0, name=runs)], files=files, programs=programs)
    )
    assert (seen_now["antivirus_running"], seen_now["antivirus_current"]) == found


DEBIAN = {"/etc/os-release": "ID=debian\nVERSION_ID=12\n"}
FEDORA = {"/etc/os-release": "ID=fedora\nVERSION_ID=44\n"}
APT_ON = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n'


@pytest.mark.parametrize(
    ("programs", "files", "on"),
    [
        ({"apt-config dump": APT_ON, "unattended-upgrade": "", "systemctl": "enabled\n"}, DEBIAN, True),
        ({"apt-config dump": APT_ON, "systemctl": "enabled\n"}, DEBIAN, False),
        ({"apt-config dump": APT_ON, "unattended-upgrade": "", "systemctl": "masked\n"}, DEBIAN, False),
        ({"apt-config dump": APT_ON.replace('de "1"', 'de "0"'), "unattended-upgrade": "", "systemctl": "enabled\n"}, DEBIAN, False),
        ({"dnf": "", "systemctl is-active": "active\n"}, FEDORA, True),
        ({"dnf": "", "systemctl is-active dnf-automatic.timer": "active\n", "systemctl is-active": "inactive\n"},
         {**FEDORA, "/etc/dnf/automatic.conf": "[commands]\napply_updates = yes\n"}, True),
        ({"dnf": "", "systemctl is-active dnf-automatic.timer": "active\n", "systemctl is-active": "inactive\n"},
         {**FEDORA, "/etc/dnf/automatic.conf": "[commands]\napply_updates = no\n"}, False),
        ({"dnf": "", "systemctl is-active": "inactive\n"}, FEDORA, False),
        ({"dnf": "", "systemctl is-active": "active\n", "apt-config dump": "", "dpkg": ""}, FEDORA, True),
    ],
)  # fmt: skip
def test_updates_install_themselves_where_a_timer_runs_that_may(
    programs: dict[str, str], files: dict[str, str], on: bool
) -> None:
    assert seen(automatic_updates.COLLECTOR, MadeUp(programs=programs, files=files)) == {"automatic_updates": on}


def efi(value: int) -> bytes:
    """Return a variable of one byte as efivarfs shows it."""
    return struct.pack("<IB", 6, value)


@pytest.mark.parametrize(("boot", "setup", "on"), [(1, 0, True), (0, 0, False), (1, 1, False), (1, None, True)])
def test_secure_boot_is_on_when_the_firmware_says_so_and_has_its_own_key(
    boot: int, setup: int | None, on: bool
) -> None:
    folder = secure_boot.VARIABLES
    files = {f"{folder}/SecureBoot-{secure_boot.GLOBAL}": efi(boot)}
    if setup is not None:
        files[f"{folder}/SetupMode-{secure_boot.GLOBAL}"] = efi(setup)
    assert seen(secure_boot.COLLECTOR, MadeUp(files=files)) == {"secure_boot": on}


@pytest.mark.parametrize(
    ("said", "on"), [(efi(1), False), (efi(0), True), (b"", "The firmware's word on Secure Boot has another form than it should.")]
)  # fmt: skip
def test_secure_boot_is_off_where_shim_was_told_to_look_at_no_signature(said: bytes, on: Any) -> None:
    files = {
        f"{secure_boot.VARIABLES}/SecureBoot-{secure_boot.GLOBAL}": efi(1),
        f"{secure_boot.VARIABLES}/MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23": said,
    }
    assert seen(secure_boot.COLLECTOR, MadeUp(files=files)) == {"secure_boot": on}


@pytest.mark.parametrize(("ahead", "off"), [(0.0, 0), (-90.7, 90), (12.2, 12)])
def test_the_clock_is_off_against_the_instance(ahead: float, off: int) -> None:
    assert seen(clock.COLLECTOR, MadeUp(ahead_seconds=ahead)) == {"clock_offset_seconds": off}
