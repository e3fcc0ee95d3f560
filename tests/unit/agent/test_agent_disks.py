"""Whether a disk is encrypted, from trees that lsblk prints on computers installed in the usual ways, and on this one."""

import json
import time
from typing import Any

import pytest
from tests.agent_computer import MadeUp

from ostiary.agent.posture.computer import ThisComputer
from ostiary.agent.posture.finding import look_at
from ostiary.agent.posture.linux import disks

MOUNTS = "proc /proc proc rw 0 0\n/dev/mapper/root / {kind} rw 0 0\n"
SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


def device(
    name: str, kind: str, *below: dict[str, Any], at: tuple[str | None, ...] = (None,), fs: str | None = None
) -> dict[str, Any]:
    """Return one device as `lsblk --json` prints it."""
    one: dict[str, Any] = {"name": name, "kname": name, "type": kind, "fstype": fs, "mountpoints": list(at)}
    return {**one, "children": list(below)} if below else one


BOOT = (device("sda1", "part", at=("/boot/efi",), fs="vfat"), device("sda2", "part", at=("/boot",), fs="ext4"))
LUKS_LVM = device(
    "sda",
    "disk",
    *BOOT,
    device(
        "sda3",
        "part",
        device(
            "sda3_crypt",
            "crypt",
            device("vg-root", "lvm", at=("/",), fs="ext4"),
            device("vg-home", "lvm", at=("/home",), fs="ext4"),
            device("vg-swap", "lvm", at=("[SWAP]",), fs="swap"),
        ),
        fs="crypto_LUKS",
    ),
)
BTRFS = device(
    "nvme0n1", "disk", *BOOT, device("nvme0n1p3", "part", device("luks-1", "crypt", at=("/home", "/"), fs="btrfs"))
)
PLAIN = device("vda", "disk", at=("/",), fs="ext4")
HOME_OPEN = device(
    "sda", "disk", device("sda3", "part", device("c", "crypt", at=("/",))), device("sda4", "part", at=("/home",))
)
SWAP_OPEN = device(
    "sda",
    "disk",
    device("sda3", "part", device("c", "crypt", at=("/",))),
    device("sda4", "part", at=("[SWAP]",), fs="swap"),
)
RAID_HALF = (
    device("sda", "disk", device("ca", "crypt", device("md0", "raid1", at=("/",)))),
    device("sdb", "disk", device("md0", "raid1", at=("/",))),
)
ZRAM = device("zram0", "disk", at=("[SWAP]",))
STICK = device("sdb", "disk", device("sdb1", "part", at=("/media/ada/STICK",), fs="vfat"))
SNAP = device("loop0", "loop", at=("/snap/core/1",), fs="squashfs")


def seen(*devices: dict[str, Any], kind: str = "ext4", swaps: str = SWAPS, zfs: str = "") -> Any:
    """Return whether such disks are encrypted, or why that cannot be told."""
    computer = MadeUp(
        files={"/proc/self/mounts": MOUNTS.format(kind=kind), "/proc/swaps": swaps},
        programs={"lsblk": json.dumps({"blockdevices": devices}), "zfs get": zfs},
    )
    (fact,) = look_at(disks.COLLECTOR, computer)
    return fact.problem if fact.value is None else fact.value


@pytest.mark.parametrize(
    ("devices", "encrypted"),
    [
        ((LUKS_LVM,), True),
        ((BTRFS, ZRAM, STICK, SNAP), True),
        ((PLAIN,), False),
        ((HOME_OPEN,), False),
        ((SWAP_OPEN,), False),
        (RAID_HALF, False),
        ((BTRFS, device("sdc", "disk", at=("/srv/data",))), False),
    ],
    ids=["luks-lvm", "btrfs", "plain", "home-open", "swap-open", "half-a-raid", "data-open"],
)
def test_a_disk_is_encrypted_when_everything_that_holds_files_or_memory_is(devices: Any, encrypted: bool) -> None:
    assert seen(*devices) is encrypted


def test_a_container_has_no_disk_of_its_own() -> None:
    assert (
        seen(device("sda", "disk"), kind="overlay")
        == "The root file system (overlay) lies on no disk that can be seen from here."
    )
    assert "cannot be read" in disks_problem("no JSON")


def disks_problem(said: str) -> str:
    """Return why nothing can be told from what lsblk said."""
    computer = MadeUp(files={"/proc/self/mounts": "", "/proc/swaps": ""}, programs={"lsblk": said})
    return look_at(disks.COLLECTOR, computer)[0].problem


@pytest.mark.parametrize(
    ("said", "encrypted"),
    [("aes-256-gcm\n", True), ("off\n", False), ("-\n", "ZFS does not say whether the root dataset is encrypted.")],
)
def test_zfs_says_itself_whether_it_is_encrypted(said: str, encrypted: Any) -> None:
    assert seen(device("sda", "disk", fs="zfs_member"), kind="zfs", zfs=said) == encrypted


def test_this_computer_says_something_or_why_not() -> None:
    (fact,) = look_at(disks.COLLECTOR, ThisComputer(now=time.time()))
    assert isinstance(fact.value, bool) or fact.problem
