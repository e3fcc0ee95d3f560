"""Whether what is stored can be read without a key: every place that holds files or swapped memory lies on an encrypted device.

Read from `lsblk --json`, whose tree says what lies on what, from `/proc/swaps`, and from ZFS itself (`zfs`). A disk that encrypts itself
(Opal) does not show there and counts as not encrypted. Whether the key is any good nobody can see from here.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Value
from ostiary.agent.posture.linux import zfs

ELSEWHERE = ("/boot", "/efi", "/snap", "/media", "/run", "/sys", "/proc", "/dev")
"""What lies here is the system's own and signed, or somebody's stick; everything else that is mounted counts."""
MEMORY = ("zram",)
"""Swap that is memory itself."""
ZFS = "zfs"
NOWHERE: Mapping[str, frozenset[str]] = {}
_VOLUME = re.compile(rf"{zfs.VOLUME}\d{{1,6}}", re.ASCII)
_ESCAPED = re.compile(r"\\([0-7]{3})")
"""How `/proc/self/mounts` writes what cannot stand there, a blank as `\\040`."""
COLUMNS = "NAME,KNAME,TYPE,FSTYPE,UUID,MOUNTPOINTS"
OLD_COLUMNS = "NAME,KNAME,TYPE,FSTYPE,UUID,MOUNTPOINT"
"""Before util-linux 2.37 lsblk knows of one place for each device; the others stand in `/proc/self/mounts`."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One line of lsblk; `type` is `disk`, `part`, `lvm`, `crypt`, …"""

    name: str = ""
    kname: str | None = None
    type: str | None = None
    fstype: str | None = None
    uuid: str | None = None
    mountpoints: tuple[str | None, ...] = ()
    mountpoint: str | None = None
    children: tuple["Device", ...] = ()


class _Tree(msgspec.Struct, frozen=True, kw_only=True):
    blockdevices: tuple[Device, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What lsblk and the kernel show of what is in use for files or swap.

    Args:
        bare: what lies on a device that is not encrypted.
        volumes: ZFS volumes among it, which only ZFS can tell of.
        encrypted: the kernel's names of everything that is encrypted or lies on such a device.
    """

    bare: frozenset[str]
    volumes: frozenset[str]
    encrypted: frozenset[str]


def look(computer: Computer) -> Mapping[str, Value]:
    """Return whether everything is encrypted."""
    mounts, swaps = computer.read("/proc/self/mounts"), computer.read("/proc/swaps")
    asked, mounted = computer.run("lsblk", "--json", "--output", COLUMNS), NOWHERE
    if asked.status != 0:
        asked, mounted = computer.run("lsblk", "--json", "--output", OLD_COLUMNS), mounts_of(mounts)
    seen = parse_lsblk(asked.said, swaps=swaps, root=root_of(mounts), mounted=mounted)
    datasets = datasets_of(mounts)
    encrypted = not seen.bare
    if encrypted and (datasets or seen.volumes):
        encrypted = zfs.is_encrypted(computer, datasets=datasets, volumes=seen.volumes, below=seen.encrypted)
    return {"disk_encrypted": encrypted}


def parse_lsblk(
    text: str, *, swaps: str, root: tuple[str, str] | None, mounted: Mapping[str, frozenset[str]] = NOWHERE
) -> Seen:
    """Return what lsblk sees in use for files or swap, and which of it lies on no encrypted device.

    Args:
        text: of `lsblk --json`.
        swaps: of `/proc/swaps`.
        root: what the root file system comes from, and its kind, as `root_of` returns it.
        mounted: where else each device is mounted, by name, as `mounts_of` returns it.

    Raises:
        CannotTell: when it cannot be read, or the root file system lies on none of these devices, and not on ZFS.
    """
    try:
        tree = msgspec.json.decode(text, type=_Tree)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise CannotTell("What lsblk says cannot be read.") from None
    swapped = _swapped(swaps)
    devices = [
        (device, encrypted, {place for place in _places(device, swapped, mounted) if _counts(place)})
        for device, encrypted in _devices(tree.blockdevices, encrypted=False)
    ]
    shared: dict[str, set[str]] = {}
    for device, _encrypted, counting in devices:
        shared.setdefault(_together(device), set()).update(counting)
    bare: set[str] = set()
    volumes: set[str] = set()
    places = {"/"} if root is not None and root[1] == ZFS else set[str]()
    for device, encrypted, own in devices:
        counting = shared[_together(device)] if _together(device) else own
        places |= counting
        volume = _volume(device)
        if counting and volume:
            volumes.add(volume)
        elif not encrypted:
            bare |= counting
    if "/" not in places:
        kind = root[1] if root else "nothing"
        raise CannotTell(f"The root file system ({kind[:20]}) lies on no disk that can be seen from here.")
    below = {_kernels_name(device) for device, encrypted, _places in devices if encrypted}
    beside = {_kernels_name(device) for device, encrypted, _places in devices if not encrypted}
    return Seen(bare=frozenset(bare), volumes=frozenset(volumes), encrypted=frozenset(below - beside))


def datasets_of(mounts: str) -> frozenset[str]:
    """Return the ZFS datasets that are mounted where it counts, from `/proc/self/mounts`."""
    found = set()
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) >= 3 and words[2] == ZFS and _counts(words[1]):
            found.add(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), words[0]))
    return frozenset(found)


def mounts_of(mounts: str) -> dict[str, frozenset[str]]:
    """Return where devices are mounted, by the last part of their names, from `/proc/self/mounts`."""
    found: dict[str, frozenset[str]] = {}
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) >= 3 and words[0].startswith("/dev/"):
            name = words[0].rpartition("/")[2]
            found[name] = found.get(name, frozenset()) | {words[1]}
    return found


def root_of(mounts: str) -> tuple[str, str] | None:
    """Return what the root file system comes from, and its kind, from `/proc/self/mounts`; `None` where it names none."""
    found = None
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) >= 3 and words[1] == "/":
            found = (words[0], words[2])
    return found


def _together(device: "Device") -> str:
    """Return what several devices have in common that hold one file system together; empty for one that stands alone.

    lsblk shows a btrfs that lies on several devices as mounted from the first of them only.
    """
    return f"btrfs {device.uuid}" if device.fstype == "btrfs" and device.uuid else ""


def _kernels_name(device: "Device") -> str:
    return device.kname or device.name


def _places(device: "Device", swapped: set[str], more: Mapping[str, frozenset[str]]) -> set[str]:
    """Return where a device is in use: where it is mounted, and whether it is swap."""
    mounted = {place for place in (*device.mountpoints, device.mountpoint) if place}
    mounted |= more.get(device.name, frozenset()) | more.get(_kernels_name(device), frozenset())
    if device.fstype == "swap" and (device.kname in swapped or device.name in swapped):
        mounted.add("[SWAP]")
    if device.name.startswith(MEMORY) or (device.type in {"rom", "loop"} and "/" not in mounted):
        return set()
    return mounted


def _volume(device: "Device") -> str:
    """Return the kernel's name of a ZFS volume, for a partition of it as well; empty for anything else."""
    name = _VOLUME.match(_kernels_name(device))
    return name[0] if name else ""


def _counts(place: str) -> bool:
    return not any(place == one or place.startswith(f"{one}/") for one in ELSEWHERE)


def _swapped(text: str) -> set[str]:
    return {words[0].rpartition("/")[2] for line in text.splitlines()[1:] if (words := line.split())}


def _devices(devices: tuple[Device, ...], *, encrypted: bool) -> Iterator[tuple[Device, bool]]:
    for device in devices:
        below = encrypted or device.type == "crypt"
        yield device, below
        yield from _devices(device.children, encrypted=below)


COLLECTOR = Collector(facts=("disk_encrypted",), look=look, quick=True)
