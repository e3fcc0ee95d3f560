"""What is installed on a device, as its agent sends it: one form, bounded, with one digest. Pure; the agent uses it too."""

import zlib
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from ostiary.errors import OstiaryError

MAX_PACKAGES: Final = 20_000
MAX_NAME_CHARACTERS: Final = 200
MAX_VERSION_CHARACTERS: Final = 120
MAX_PROBLEMS: Final = 20
MAX_PROBLEM_CHARACTERS: Final = 200
MAX_PLAIN_BYTES: Final = 8 * 1024 * 1024
MAX_PACKED_BYTES: Final = 1024 * 1024
_PACKING: Final = 9

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
MaybeName = Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS)]
Version = Annotated[str, Meta(min_length=1, max_length=MAX_VERSION_CHARACTERS)]
MaybeVersion = Annotated[str, Meta(max_length=MAX_VERSION_CHARACTERS)]
Ecosystem = Annotated[str, Meta(max_length=64)]


class UnreadableInventory(OstiaryError):
    """This is no list of packages as agents send it."""


class Package(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True, order=True):
    """Something installed.

    Args:
        ecosystem: where it comes from, in OSV's names: `Debian:12`, `Rocky Linux:9`, `PyPI`, `npm`. What has none there has
            one of ours, as `ecosystems` lists them.
        name: of the package as it is installed.
        version: of that.
        source: what it was built from, where that has a name of its own; empty for none.
        source_version: of that.
    """

    ecosystem: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Name
    version: Version
    source: MaybeName = ""
    source_version: MaybeVersion = ""


class Inventory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an agent found.

    Args:
        system: the ecosystem of the operating system; empty where it has none that is known.
        packages: sorted, each once.
        incomplete: why something may be missing, in words; empty when everything could be read.
        running: the release of the kernel that runs, as `uname -r` says; empty where that tells nothing, and from agents of before.
    """

    version: Literal[1] = 1
    system: Ecosystem = ""
    packages: Annotated[tuple[Package, ...], Meta(max_length=MAX_PACKAGES)] = ()
    incomplete: Annotated[
        tuple[Annotated[str, Meta(max_length=MAX_PROBLEM_CHARACTERS)], ...], Meta(max_length=MAX_PROBLEMS)
    ] = ()
    running: MaybeVersion = ""


_DECODER: Final = msgspec.json.Decoder(Inventory)


def is_plain(text: str) -> bool:
    """Tell whether a name or version has only characters that somebody can see: no control characters, no halves of any."""
    return text.isprintable() and text == text.strip()


def make_package(
    ecosystem: str, name: str, version: str, *, source: str = "", source_version: str = ""
) -> Package | None:
    """Return a package as it may be sent, or `None` for what cannot be one: nameless, endless, or with odd characters.

    Args:
        ecosystem: as `Package` has it.
        name: as a package manager gave it.
        version: likewise.
        source: what it was built from; left out where it is the package itself.
        source_version: of that.
    """
    if not (0 < len(name) <= MAX_NAME_CHARACTERS and 0 < len(version) <= MAX_VERSION_CHARACTERS):
        return None
    if len(source) > MAX_NAME_CHARACTERS or len(source_version) > MAX_VERSION_CHARACTERS:
        return None
    if not all(map(is_plain, (name, version, source, source_version))):
        return None
    return Package(ecosystem=ecosystem, name=name, version=version, source=source, source_version=source_version)


def make_inventory(
    system: str, packages: Iterable[Package], incomplete: Iterable[str] = (), *, running: str = ""
) -> Inventory:
    """Return an inventory in its one form: each package once, sorted, and no more than may be sent, which it then says.

    Args:
        system: the operating system's ecosystem.
        packages: in any order, also twice.
        incomplete: what could not be read, in words.
        running: the release of the kernel that runs.
    """
    found = sorted(set(packages))
    words = [_plain_words(one) for one in incomplete]
    if len(found) > MAX_PACKAGES:
        words.append(f"only the first {MAX_PACKAGES} of {len(found)} packages are listed")
    kept = tuple(dict.fromkeys(words))[-MAX_PROBLEMS:]
    release = running if is_plain(running) and len(running) <= MAX_VERSION_CHARACTERS else ""
    return Inventory(system=system, packages=tuple(found[:MAX_PACKAGES]), incomplete=kept, running=release)


def pack_inventory(inventory: Inventory) -> bytes:
    """Return an inventory as it is sent: JSON, compressed."""
    return zlib.compress(msgspec.json.encode(inventory), _PACKING)


def digest_of(inventory: Inventory) -> str:
    """Return what stands for an inventory in reports: the SHA-256 of its JSON, lower-case hexadecimal."""
    return sha256(msgspec.json.encode(inventory)).hexdigest()


def unpack_inventory(content: bytes, *, digest: str) -> Inventory:
    """Return the inventory that was sent.

    Args:
        content: as received, whatever it is; never more than `MAX_PLAIN_BYTES` of it are unpacked.
        digest: what its sender signed.

    Raises:
        UnreadableInventory: when it is too large, none, or another than its sender signed.
    """
    if len(content) > MAX_PACKED_BYTES:
        raise UnreadableInventory(f"An inventory has at most {MAX_PACKED_BYTES} bytes.")
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(content, MAX_PLAIN_BYTES)
    except zlib.error:
        raise UnreadableInventory("The inventory cannot be unpacked.") from None
    if not unpacking.eof or unpacking.unused_data:
        raise UnreadableInventory("The inventory is cut off, or too large.")
    if sha256(plain).hexdigest() != digest:
        raise UnreadableInventory("The inventory is not the one that was signed.")
    try:
        inventory = _DECODER.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableInventory(f"The inventory cannot be read: {error}.") from None
    if not all(map(str.isprintable, (inventory.system, inventory.running, *inventory.incomplete))):
        raise UnreadableInventory("It says something that nobody can read.")
    if not all(is_plain(text) for one in inventory.packages for text in msgspec.structs.astuple(one)):
        raise UnreadableInventory("A package has a name or a version that nobody can read.")
    if list(inventory.packages) != sorted(set(inventory.packages)):
        raise UnreadableInventory("The packages are not sorted, or one is listed twice.")
    return inventory


def _plain_words(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:MAX_PROBLEM_CHARACTERS]
