"""What ZFS itself says of encryption: of every dataset that is mounted, and of every volume that holds files or swapped memory.

What it does not encrypt is encrypted all the same where each device of its pool lies on one that is.

Source: zfs-get(8), zfs-list(8), zpool-list(8), zfsprops(7) `encryption`; udev's links in /dev/zvol lead to the kernel's names, `zd0` and so on.
"""

import re
from collections.abc import Collection, Iterable

from ostiary.agent.posture.computer import CannotTell, Computer

VOLUME = "zd"
"""How the kernel's names of volumes begin."""
_ASKED = ("-H", "-p", "-o", "name,value", "encryption")
MAX_ASKED = 500


def is_encrypted(
    computer: Computer, *, datasets: Iterable[str], volumes: Iterable[str], below: Collection[str]
) -> bool:
    """Return whether all of these are encrypted.

    Args:
        computer: where they are.
        datasets: by their names.
        volumes: by the kernel's names.
        below: the devices that are encrypted, by the kernel's names.

    Raises:
        CannotTell: when ZFS does not say that of each of them.
    """
    wanted = [*sorted(set(datasets)), *_names(computer, sorted(set(volumes)))]
    if len(wanted) > MAX_ASKED:
        raise CannotTell("More ZFS datasets are mounted here than are looked at.")
    said = parse_encryption(computer.run("zfs", "get", *_ASKED, *wanted).said)
    missing = [name for name in wanted if name not in said]
    if missing or not wanted:
        raise CannotTell(f"ZFS does not say whether {missing[0] if missing else 'anything'} is encrypted.")
    pools = {re.split("[/@]", name)[0] for name in wanted if not said[name]}
    return all(_lies_on(computer, pool, below) for pool in sorted(pools))


def parse_encryption(text: str) -> dict[str, bool]:
    """Return which datasets are encrypted, from `zfs get -H -p -o name,value encryption`; those that it does not say of are left out."""
    found = {}
    for line in text.splitlines():
        name, tab, value = line.partition("\t")
        word = value.strip()
        if tab and (word in {"on", "off"} or word.startswith("aes-")):
            found[name] = word != "off"
    return found


def parse_pool(text: str) -> tuple[str, ...]:
    """Return the devices and files that a pool lies on, caches and logs too, from `zpool list -H -v -L -P`."""
    return tuple(words[0] for line in text.splitlines() if (words := line.split()) and words[0].startswith("/"))


def _lies_on(computer: Computer, pool: str, devices: Collection[str]) -> bool:
    try:
        parts = parse_pool(computer.run("zpool", "list", "-H", "-v", "-L", "-P", pool).said)
    except CannotTell:
        return False
    return bool(parts) and all(one.startswith("/dev/") and one.removeprefix("/dev/") in devices for one in parts)


def _names(computer: Computer, volumes: list[str]) -> list[str]:
    """Return what ZFS calls volumes that the kernel calls `zd0` and so on."""
    if not volumes:
        return []
    listed = computer.run("zfs", "list", "-H", "-t", "volume", "-o", "name").said.splitlines()
    known = {computer.target_of(f"/dev/zvol/{name}").rpartition("/")[2]: name for name in listed}
    for one in volumes:
        if one not in known:
            raise CannotTell(f"Which ZFS volume {one[:20]} is cannot be told.")
    return [known[one] for one in volumes]
