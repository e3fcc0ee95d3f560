"""What ZFS itself says of encryption: of every dataset that is mounted, and of every volume that holds files or swapped memory.

Source: zfs-get(8), zfs-list(8), zfsprops(7) `encryption`; udev's links in /dev/zvol lead to the kernel's names, `zd0` and so on.
"""

from collections.abc import Iterable

from ostiary.agent.posture.computer import CannotTell, Computer

VOLUME = "zd"
"""How the kernel's names of volumes begin."""
_ASKED = ("-H", "-p", "-o", "name,value", "encryption")
MAX_ASKED = 500


def is_encrypted(computer: Computer, *, datasets: Iterable[str], volumes: Iterable[str]) -> bool:
    """Return whether all of these are encrypted.

    Args:
        computer: where they are.
        datasets: by their names.
        volumes: by the kernel's names.

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
    return all(said[name] for name in wanted)


def parse_encryption(text: str) -> dict[str, bool]:
    """Return which datasets are encrypted, from `zfs get -H -p -o name,value encryption`; those that it does not say of are left out."""
    found = {}
    for line in text.splitlines():
        name, tab, value = line.partition("\t")
        word = value.strip()
        if tab and (word in {"on", "off"} or word.startswith("aes-")):
            found[name] = word != "off"
    return found


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
