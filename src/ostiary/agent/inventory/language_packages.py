"""Packages of programming languages and people's own package managers: Python, npm, Homebrew, winget. Pure.

Source: the core metadata specification (PyPA); package.json (npm docs); `brew list --versions` (brew(1)); `winget export` (its JSON
schema, winget-packages.schema.2.0).
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from ostiary.software.domain.ecosystems import HOMEBREW, NPM, PYPI, WINGET, one_package_name
from ostiary.software.domain.packages import Package, make_package

BREW_ASKED: Final = ("brew", "list", "--versions")
WINGET_ASKED: Final = ("winget", "export", "--include-versions", "--disable-interactivity", "--accept-source-agreements", "-o")  # fmt: skip
_HEADER_LINES: Final = 200


class _Manifest(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""


class _WingetPackage(msgspec.Struct, frozen=True, rename="pascal"):
    package_identifier: str = ""
    version: str = ""


class _WingetSource(msgspec.Struct, frozen=True, rename="pascal"):
    packages: list[_WingetPackage] = []


class _WingetExport(msgspec.Struct, frozen=True, rename="pascal"):
    sources: list[_WingetSource] = []


def read_python_metadata(text: str) -> Package | None:
    """Return the package that a METADATA or PKG-INFO file is of; `None` for anything else.

    Args:
        text: of the file, whatever it is; only its head is looked at.
    """
    said: dict[str, str] = {}
    for line in text.split("\n", _HEADER_LINES)[:_HEADER_LINES]:
        if not line.strip():
            break
        field, _colon, value = line.partition(":")
        said.setdefault(field.strip().lower(), value.strip())
    name = one_package_name(PYPI, said.get("name", ""))
    return make_package(PYPI, name, said.get("version", ""))


def read_npm_manifest(content: bytes) -> Package | None:
    """Return the package that a package.json is of; `None` for anything else.

    Args:
        content: of the file, whatever it is.
    """
    try:
        said = msgspec.json.decode(content, type=_Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return make_package(NPM, said.name, said.version)


def read_brew(text: str) -> Iterator[Package]:
    """Yield what Homebrew has installed: each line is a formula and its versions.

    Args:
        text: the answer to `BREW_ASKED`, whatever it is.
    """
    for line in text.split("\n"):
        name, *versions = line.split()[:10] or [""]
        for version in versions:
            if (package := make_package(HOMEBREW, name, version)) is not None:
                yield package


def read_winget(content: bytes) -> Iterator[Package]:
    """Yield what winget has installed.

    Args:
        content: of the file that `winget export` wrote, whatever it is.
    """
    try:
        said = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_WingetExport)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    for source in said.sources:
        for one in source.packages:
            if (package := make_package(WINGET, one.package_identifier, one.version)) is not None:
                yield package
