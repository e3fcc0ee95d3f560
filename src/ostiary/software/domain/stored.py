"""How what advisories say of a package is kept: packed, and read back to what it was. Pure."""

import zlib
from hashlib import sha256
from typing import Final

import msgspec

from ostiary.software.domain.ecosystems import one_package_name
from ostiary.software.domain.osv import Affected
from ostiary.software.domain.packages import Package

_PACKING: Final = 6
_DECODER: Final = msgspec.msgpack.Decoder(Affected)


def pack_affected(affected: Affected) -> bytes:
    """Return what an advisory says of one package, in few bytes: some name thousands of versions."""
    return zlib.compress(msgspec.msgpack.encode(affected), _PACKING)


def unpack_affected(content: bytes) -> Affected:
    """Return what an advisory says of one package."""
    return _DECODER.decode(zlib.decompress(content))


def kept_package(package: Package) -> Package:
    """Return a package under the name by which it is kept."""
    name = one_package_name(package.ecosystem, package.name)
    return package if name == package.name else msgspec.structs.replace(package, name=name)


def package_digest(package: Package) -> str:
    """Return what stands for a package in one version, 32 hexadecimal digits."""
    return sha256(msgspec.json.encode(package)).hexdigest()[:32]
