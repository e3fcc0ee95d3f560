"""Which package manager speaks for a Linux system. Others may lie beside it as tools: dpkg on Fedora, rpm on Debian.

What the system says of itself comes first, then whose database holds anything. Pure: what stands in files is given.

Source: os-release(5), `ID` and `ID_LIKE`.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final


class Packaging(StrEnum):
    """A package manager, with what brings its updates."""

    DEB = "deb"
    DNF = "dnf"
    ZYPPER = "zypper"
    PACMAN = "pacman"
    APK = "apk"


DPKG_DATABASE: Final = "/var/lib/dpkg/status"
RPM_DATABASES: Final = ("/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages")
PACMAN_DATABASE: Final = "/var/lib/pacman/local/ALPM_DB_VERSION"
APK_DATABASE: Final = "/lib/apk/db/installed"
ZYPPER_SETTINGS: Final = "/etc/zypp/zypp.conf"

_BY_NAME: Final[Mapping[str, Packaging]] = {
    "debian": Packaging.DEB,
    "ubuntu": Packaging.DEB,
    "fedora": Packaging.DNF,
    "rhel": Packaging.DNF,
    "centos": Packaging.DNF,
    "suse": Packaging.ZYPPER,
    "opensuse": Packaging.ZYPPER,
    "sles": Packaging.ZYPPER,
    "sled": Packaging.ZYPPER,
    "arch": Packaging.PACMAN,
    "alpine": Packaging.APK,
}


def packaging_of(release: Mapping[str, str], holds: Callable[[str], bool]) -> Packaging | None:
    """Return what installs packages here, `None` where that is nothing known.

    Args:
        release: what os-release says.
        holds: tells whether a file is there and not empty.
    """
    for name in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        family = name.lower().removesuffix("-leap").removesuffix("-tumbleweed")
        if family in _BY_NAME:
            return _BY_NAME[family]
    if holds(DPKG_DATABASE):
        return Packaging.DEB
    if any(holds(one) for one in RPM_DATABASES):
        return Packaging.ZYPPER if holds(ZYPPER_SETTINGS) else Packaging.DNF
    if holds(PACMAN_DATABASE):
        return Packaging.PACMAN
    return Packaging.APK if holds(APK_DATABASE) else None
