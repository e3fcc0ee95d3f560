"""Whether a disk is encrypted, from trees that lsblk prints on computers installed in the usual ways, and on this one."""

import json
import time
from typing import Any

import pytest
from tests.agent_computer import MadeUp

from ostiary.agent.posture.computer import Ran, ThisComputer
from ostiary.agent.posture.finding import look_at
from ostiary.agent.posture.linux import disks

MOUNTS = "proc /proc proc rw 0 0\n/dev/mapper/root / {kind} rw 0 0\n"
SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


def device(
    name: str,
    kind: str,
    *below: dict[str, Any],
    at: tuple[str | None, ...] = (None,),
    fs: str | None = None,
    uuid: str | None = None,
) -> dict[str, Any]:
    """Return one device as `lsblk --json` prints it."""
    one: dict[str, Any] = {"name": name, "kname": name, "type": kind, "fstype": fs, "uuid": uuid}
    one["mountpoints"] = list(at)
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


def seen(
    *devices: dict[str, Any],
    kind: str = "ext4",
    more: str = "",
    swaps: str = SWAPS,
    zfs: str = "",
    volumes: dict[str, str] | None = None,
) -> Any:
    """Return whether such disks are encrypted, or why that cannot be told; `more` is mounted besides, `volumes` are ZFS's."""
    links = {f"/dev/zvol/{name}": f"../../{kernel}" for name, kernel in (volumes or {}).items()}
    computer = MadeUp(
        files={"/proc/self/mounts": MOUNTS.format(kind=kind) + more, "/proc/swaps": swaps, **links},
        programs={
            "lsblk": json.dumps({"blockdevices": devices}),
            "zfs get": zfs,
            "zfs list": "".join(f"{name}\n" for name in volumes or {}),
        },
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


def pair(second: str, *, uuid: str = "u-1") -> tuple[dict[str, Any], ...]:
    """Return a btrfs of two devices, the first of them encrypted."""
    kind = "crypt" if second == "crypt" else "part"
    return (
        device("sda", "disk", device("ca", "crypt", at=("/",), fs="btrfs", uuid="u-1")),
        device("sdb", "disk", device("second", kind, fs="btrfs", uuid=uuid)),
    )


@pytest.mark.parametrize(
    ("devices", "encrypted"), [(pair("bare"), False), (pair("crypt"), True), (pair("bare", uuid="u-2"), True)]
)
def test_a_btrfs_is_encrypted_when_each_of_its_devices_is(devices: Any, encrypted: bool) -> None:
    """lsblk names the place where it is mounted beside the first alone."""
    assert seen(*devices) is encrypted


@pytest.mark.parametrize(("home", "encrypted"), [("c", True), ("sda4", False)])
def test_an_old_lsblk_is_asked_for_what_it_knows(home: str, encrypted: bool) -> None:
    """That of util-linux 2.32 has one place for each device, of a btrfs with subvolumes any of them."""
    tree = {
        "name": "sda",
        "kname": "sda",
        "type": "disk",
        "mountpoint": None,
        "children": [
            {"name": "c", "kname": "dm-0", "type": "crypt", "mountpoint": "/srv"},
            {"name": "sda4", "kname": "sda4", "type": "part", "mountpoint": None},
        ],
    }
    computer = MadeUp(
        files={
            "/proc/self/mounts": f"/dev/mapper/c / btrfs rw 0 0\n/dev/mapper/{home} /home btrfs rw 0 0\n",
            "/proc/swaps": SWAPS,
        },
        programs={
            f"lsblk --json --output {disks.OLD_COLUMNS}": json.dumps({"blockdevices": [tree]}),
            "lsblk": Ran(status=1, said=""),
        },
    )
    (fact,) = look_at(disks.COLLECTOR, computer)
    assert fact.value is encrypted, fact.problem


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


POOL = device("sda", "disk", device("sda1", "part", fs="zfs_member"))
ROOT = "/dev/mapper/root\taes-256-gcm\n"
HOME = "rpool/USER DATA /home zfs rw 0 0\n".replace("USER DATA", "USER\\040DATA")
VOLUME_SWAP = device("zd0", "disk", at=("[SWAP]",), fs="swap")
SWAPPED = SWAPS + "/dev/zd0 partition 1 0 -2\n"


@pytest.mark.parametrize(
    ("more", "zfs", "encrypted"),
    [
        ("", ROOT, True),
        ("", "/dev/mapper/root\toff\n", False),
        ("", "/dev/mapper/root\t-\n", "ZFS does not say whether /dev/mapper/root is encrypted."),
        (HOME, f"{ROOT}rpool/USER DATA\taes-256-gcm\n", True),
        (HOME, f"{ROOT}rpool/USER DATA\toff\n", False),
        (HOME, ROOT, "ZFS does not say whether rpool/USER DATA is encrypted."),
        ("bpool/BOOT /boot zfs rw 0 0\n", f"{ROOT}bpool/BOOT\toff\n", True),
    ],
)
def test_zfs_says_itself_of_each_dataset_whether_it_is_encrypted(more: str, zfs: str, encrypted: Any) -> None:
    assert seen(POOL, kind="zfs", more=more, zfs=zfs) == encrypted


ON_LUKS = (
    device("sda", "disk", device("sda3", "part", device("c1", "crypt", fs="zfs_member"))),
    device("sdb", "disk", device("sdb1", "part", fs="zfs_member")),
)
MIRROR = "rpool\t9G\t1G\t8G\t-\t-\t0%\t1%\t1.00x\tONLINE\t-\n\tmirror-0\t9G\t1G\t8G\n"


@pytest.mark.parametrize(
    ("parts", "encrypted"),
    [
        (MIRROR + "\t/dev/c1\t-\t-\n", True),
        (MIRROR + "\t/dev/c1\t-\t-\n\t/dev/sdb1\t-\t-\n", False),
        (MIRROR + "\t/dev/c1\t-\t-\ncache\t-\t-\n\t/dev/sdb1\t-\t-\n", False),
        (MIRROR + "\t/dev/c1\t-\t-\n\t/srv/file\t-\t-\n", False),
        ("", False),
        (None, False),
    ],
    ids=["on-luks", "half-a-mirror", "a-cache", "a-file", "silent", "no-zpool"],
)
def test_zfs_counts_as_encrypted_where_all_of_its_pool_lies_on_what_is(parts: str | None, encrypted: bool) -> None:
    computer = MadeUp(
        files={"/proc/self/mounts": "rpool/root / zfs rw 0 0\n", "/proc/swaps": SWAPS},
        programs={
            "lsblk": json.dumps({"blockdevices": ON_LUKS}),
            "zfs get": "rpool/root\toff\n",
            **({} if parts is None else {"zpool list -H -v -L -P rpool": parts}),
        },
    )
    (fact,) = look_at(disks.COLLECTOR, computer)
    assert fact.value is encrypted, fact.problem


@pytest.mark.parametrize(
    ("volumes", "zfs", "encrypted"),
    [
        ({"rpool/swap": "zd0"}, f"{ROOT}rpool/swap\taes-256-gcm\n", True),
        ({"rpool/swap": "zd0"}, f"{ROOT}rpool/swap\toff\n", False),
        ({"rpool/swap": "zd16"}, f"{ROOT}rpool/swap\ton\n", "Which ZFS volume zd0 is cannot be told."),
    ],
)
def test_memory_that_is_swapped_to_a_zfs_volume_counts(volumes: dict[str, str], zfs: str, encrypted: Any) -> None:
    assert seen(POOL, VOLUME_SWAP, kind="zfs", swaps=SWAPPED, zfs=zfs, volumes=volumes) == encrypted


def test_zfs_beside_other_file_systems_counts_with_them() -> None:
    data = "tank/data /srv zfs rw 0 0\n"
    assert seen(LUKS_LVM, POOL, more=data, zfs="tank/data\toff\n") is False
    assert seen(LUKS_LVM, POOL, more=data, zfs="tank/data\ton\n") is True
    assert seen(PLAIN, POOL, kind="zfs", zfs=ROOT) is False, "what is not on ZFS is not encrypted by it"
    assert (
        seen(
            POOL,
            device("zd16", "disk", at=("/srv/vm",), fs="ext4"),
            kind="zfs",
            zfs=f"{ROOT}t/vm\toff\n",
            volumes={"t/vm": "zd16"},
        )
        is False
    )


def test_this_computer_says_something_or_why_not() -> None:
    (fact,) = look_at(disks.COLLECTOR, ThisComputer(now=time.time()))
    assert isinstance(fact.value, bool) or fact.problem
