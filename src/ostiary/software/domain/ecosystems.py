"""Where packages come from, by the names that OSV uses, and how versions of each are ordered. Pure; the agent uses it too.

Source: OSV schema 1.7, "affected[].package field", defined ecosystems.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

PYPI: Final = "PyPI"
NPM: Final = "npm"
HOMEBREW: Final = "Homebrew"
WINGET: Final = "winget"


class Ordering(StrEnum):
    """Whose rules say which of two versions is the newer one."""

    DPKG = "dpkg"
    RPM = "rpm"
    APK = "apk"
    PEP440 = "pep440"
    SEMVER = "semver"


_ORDERINGS: Final[Mapping[str, Ordering]] = {
    "Debian": Ordering.DPKG,
    "Ubuntu": Ordering.DPKG,
    "Alpine": Ordering.APK,
    "Rocky Linux": Ordering.RPM,
    "AlmaLinux": Ordering.RPM,
    "openSUSE": Ordering.RPM,
    PYPI: Ordering.PEP440,
    NPM: Ordering.SEMVER,
}
_BY_RELEASE: Final = frozenset({"Debian", "Ubuntu", "Alpine", "Rocky Linux", "AlmaLinux", "openSUSE"})
"""Those whose advisories are about one release: without its number they are about nobody."""


def ordering_of(ecosystem: str) -> Ordering | None:
    """Return how versions are ordered there; `None` where nothing is said about vulnerabilities that could be used here."""
    family, _colon, release = ecosystem.partition(":")
    if family in _BY_RELEASE and not release:
        return None
    return _ORDERINGS.get(family)


def is_by_source(ecosystem: str) -> bool:
    """Tell whether advisories there name what packages are built from, and not what is installed."""
    return ordering_of(ecosystem) in {Ordering.DPKG, Ordering.APK}


def one_name(ecosystem: str) -> str:
    """Return the name under which an ecosystem is kept, however an advisory writes it.

    `Ubuntu:22.04:LTS` and `Ubuntu:22.04` are one; `Ubuntu:Pro:22.04:LTS` is another, whose fixes not everybody gets.
    """
    family, _colon, release = ecosystem.partition(":")
    if family == "Ubuntu":
        return f"Ubuntu:{release.removesuffix(':LTS')}" if release else family
    if family in {"Debian", "Rocky Linux", "AlmaLinux"} and release:
        return f"{family}:{release.partition('.')[0]}"
    return ecosystem


def one_package_name(ecosystem: str, name: str) -> str:
    """Return the name under which a package is kept: on PyPI `Foo.Bar` and `foo_bar` are one (PEP 503)."""
    if ecosystem != PYPI:
        return name
    dashed = name.lower().replace("_", "-").replace(".", "-")
    while "--" in dashed:
        dashed = dashed.replace("--", "-")
    return dashed


def system_of(release: Mapping[str, str]) -> str:
    """Return the ecosystem of a Linux system.

    Args:
        release: what `/etc/os-release` says (os-release(5)).

    Returns:
        Its name, or nothing where OSV has none for it or the release is not said.
    """
    kind, number = release.get("ID", "").lower(), release.get("VERSION_ID", "").strip()
    if not number or not all(part.isalnum() for part in number.split(".")):
        return ""
    major = number.partition(".")[0]
    names = {
        "debian": f"Debian:{major}",
        "ubuntu": f"Ubuntu:{number}",
        "alpine": f"Alpine:v{'.'.join(number.split('.')[:2])}",
        "rocky": f"Rocky Linux:{major}",
        "almalinux": f"AlmaLinux:{major}",
        "opensuse-leap": f"openSUSE:Leap {number}",
    }
    return names.get(kind, "")
