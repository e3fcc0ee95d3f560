"""Packages of Linux distributions: what dpkg, rpm and apk say. Pure.

Source: dpkg-query(1), deb-control(5); rpm(8), queryformat; apk-tools' installed database (`/lib/apk/db/installed`).
"""

from collections.abc import Iterator
from typing import Final

from ostiary.software.domain.packages import Package, make_package

DPKG_ASKED: Final = ("dpkg-query", "-W", "-f", "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${source:Package}\\t${source:Version}\\n")  # fmt: skip
RPM_ASKED: Final = ("rpm", "-qa", "--qf", "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{SOURCERPM}\\n")
_SOURCE_RPM: Final = (".src.rpm", ".nosrc.rpm")


def read_dpkg(text: str, ecosystem: str) -> Iterator[Package]:
    """Yield what dpkg has installed; what was removed and left its settings behind is not.

    Args:
        text: the answer to `DPKG_ASKED`, whatever it is.
        ecosystem: of the system.
    """
    for line in text.split("\n"):
        fields = line.split("\t")
        if len(fields) != 5 or fields[0][1:2] not in {"i", "U", "F", "H", "W", "t"}:
            continue
        _status, name, version, source, source_version = fields
        if (
            package := make_package(ecosystem, name, version, source=source, source_version=source_version)
        ) is not None:
            yield package


def read_rpm(text: str, ecosystem: str) -> Iterator[Package]:
    """Yield what rpm has installed, the keys it trusts excepted.

    Args:
        text: the answer to `RPM_ASKED`, whatever it is.
        ecosystem: of the system.
    """
    for line in text.split("\n"):
        fields = line.split("\t")
        if len(fields) != 4 or fields[0] == "gpg-pubkey":
            continue
        name, epoch, version, built_from = fields
        whole = version if epoch in {"", "0", "(none)"} else f"{epoch}:{version}"
        source, source_version = _source_of(built_from)
        if source_version and whole != version:
            source_version = f"{epoch}:{source_version}"
        package = make_package(ecosystem, name, whole, source=source, source_version=source_version)
        if package is not None:
            yield package


def read_apk(text: str, ecosystem: str) -> Iterator[Package]:
    """Yield what apk has installed.

    Args:
        text: its database, whatever it is: blocks of lines, each a letter, a colon and a value.
        ecosystem: of the system.
    """
    for block in text.split("\n\n"):
        said = dict(line.split(":", 1) for line in block.split("\n") if line[1:2] == ":")
        name, version, origin = said.get("P", ""), said.get("V", ""), said.get("o", "")
        if (
            package := make_package(ecosystem, name, version, source=origin or name, source_version=version)
        ) is not None:
            yield package


def _source_of(built_from: str) -> tuple[str, str]:
    """Return name and version of `bind-9.16.23-1.el9.src.rpm`; nothing where it is none."""
    for ending in _SOURCE_RPM:
        if built_from.endswith(ending):
            parts = built_from.removesuffix(ending).rsplit("-", 2)
            if len(parts) == 3 and all(parts):
                return parts[0], f"{parts[1]}-{parts[2]}"
    return "", ""
