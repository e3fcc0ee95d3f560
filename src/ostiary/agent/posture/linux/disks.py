"""Whether what is stored can be read without a key: every place that holds files or swapped memory lies on an encrypted device.

Read from `lsblk --json`, whose tree says what lies on what, from `/proc/swaps`, and from ZFS itself. A disk that encrypts itself
(Opal) does not show there and counts as not encrypted. Whether the key is any good nobody can see from here.
"""

from collections.abc import Iterator, Mapping

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Value

ELSEWHERE = ("/boot", "/efi", "/snap", "/media", "/run", "/sys", "/proc", "/dev")
"""What lies here is the system's own and signed, or somebody's stick; everything else that is mounted counts."""
MEMORY = ("zram",)
"""Swap that is memory itself."""
COLUMNS = "NAME,KNAME,TYPE,FSTYPE,MOUNTPOINTS"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One line of lsblk; `type` is `disk`, `part`, `lvm`, `crypt`, …"""

    name: str = ""
    kname: str | None = None
    type: str | None = None
    fstype: str | None = None
    mountpoints: tuple[str | None, ...] = ()
    mountpoint: str | None = None
    children: tuple["Device", ...] = ()


class _Tree(msgspec.Struct, frozen=True, kw_only=True):
    blockdevices: tuple[Device, ...]


def look(computer: Computer) -> Mapping[str, Value]:
    """Return whether everything is encrypted."""
    mounts, swaps = computer.read("/proc/self/mounts"), computer.read("/proc/swaps")
    root = root_of(mounts)
    if root is not None and root[1] == "zfs":
        dataset = computer.run("zfs", "get", "-H", "-o", "value", "encryption", root[0])
        return {"disk_encrypted": parse_zfs(dataset.said)}
    done = computer.run("lsblk", "--json", "--output", COLUMNS)
    return {"disk_encrypted": parse_lsblk(done.said, swaps=swaps, root=root)}


def parse_lsblk(text: str, *, swaps: str, root: tuple[str, str] | None) -> bool:
    """Return whether everything that lsblk sees in use for files or swap lies on an encrypted device.

    Args:
        text: of `lsblk --json`.
        swaps: of `/proc/swaps`.
        root: what the root file system comes from, and its kind, as `root_of` returns it.

    Raises:
        CannotTell: when it cannot be read, or the root file system lies on none of these devices.
    """
    try:
        tree = msgspec.json.decode(text, type=_Tree)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise CannotTell("What lsblk says cannot be read.") from None
    swapped = _swapped(swaps)
    bare: set[str] = set()
    places: set[str] = set()
    for device, encrypted in _devices(tree.blockdevices, encrypted=False):
        mounted = {place for place in (*device.mountpoints, device.mountpoint) if place}
        if device.fstype == "swap" and (device.kname in swapped or device.name in swapped):
            mounted.add("[SWAP]")
        if device.name.startswith(MEMORY) or (device.type in {"rom", "loop"} and "/" not in mounted):
            continue
        counting = {place for place in mounted if _counts(place)}
        places |= counting
        if not encrypted:
            bare |= counting
    if "/" not in places:
        kind = root[1] if root else "nothing"
        raise CannotTell(f"The root file system ({kind[:20]}) lies on no disk that can be seen from here.")
    return not bare


def parse_zfs(text: str) -> bool:
    """Return whether a ZFS dataset is encrypted, from `zfs get -H -o value encryption`. Raises `CannotTell`."""
    word = text.strip()
    if word == "off":
        return False
    if word == "on" or word.startswith("aes-"):
        return True
    raise CannotTell("ZFS does not say whether the root dataset is encrypted.")


def root_of(mounts: str) -> tuple[str, str] | None:
    """Return what the root file system comes from, and its kind, from `/proc/self/mounts`; `None` where it names none."""
    found = None
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) >= 3 and words[1] == "/":
            found = (words[0], words[2])
    return found


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
