"""Which of several kernels runs: systems keep the ones before it, whose flaws harm nobody. Pure.

Source: the names of kernel packages in Debian (`linux-image-6.1.0-21-amd64`), Ubuntu, Rocky Linux, AlmaLinux and openSUSE, and uname(1).
"""

import re
from collections.abc import Iterable
from typing import Final

from ostiary.software.domain.ecosystems import Ordering, ordering_of
from ostiary.software.domain.ordering import newer
from ostiary.software.domain.packages import Package

_OF_ONE_RELEASE: Final = re.compile(r"\Alinux-[a-z0-9.-]*?-(?P<release>[0-9]+\.[0-9]+\.[0-9]+[-+].*)\Z")
_ENDINGS: Final = ("-dbg", "-unsigned")
_IMAGE: Final = re.compile(r"\A(?:linux-image-|kernel(?:-core|-default)?\Z)")
_BESIDE_EACH_OTHER: Final = re.compile(
    r"\Akernel(?:-(?:rt|64k|debug|default|azure|kvmsmall|preempt|core|modules|extra|internal|partner|devel|matched|optional|base|source|syms|macros))*\Z"
)
"""What rpm installs beside the one before; `kernel-tools` and `kernel-headers`, for instance, it replaces."""


def is_idle(package: Package, running: str) -> bool:
    """Tell whether a package belongs to another kernel than the one that runs.

    Args:
        package: anything installed.
        running: the release of the running kernel, as `uname -r` says; empty where that is not known: then nothing is idle.
    """
    ordering = ordering_of(package.ecosystem)
    if not running or ordering not in {Ordering.DPKG, Ordering.RPM}:
        return False
    if ordering is Ordering.RPM:
        return _BESIDE_EACH_OTHER.match(package.name) is not None and not _is_of_rpm(package, running)
    release = _release(package.name)
    return release is not None and release != running and not running.startswith(f"{release}-")


def waiting_kernel(packages: Iterable[Package], running: str) -> str:
    """Return the newest kernel that is installed and newer than the one that runs, in words; empty for none, and where nobody can tell.

    Arguments as for `is_idle`.
    """
    images = [one for one in packages if _IMAGE.match(one.name) and _names_one(one)] if running else []
    found = next((one for one in images if not is_idle(one, running)), None)
    ordering = ordering_of(found.ecosystem) if found is not None else None
    if found is None or ordering is None:
        return ""
    newest = found
    for one in images:
        alike = one.ecosystem == found.ecosystem and (ordering is Ordering.DPKG or one.name == found.name)
        if alike and newer(ordering, one.version, newest.version):
            newest = one
    return f"{newest.name} {newest.version}" if is_idle(newest, running) else ""


def _names_one(package: Package) -> bool:
    return ordering_of(package.ecosystem) is Ordering.RPM or _release(package.name) is not None


def _release(name: str) -> str | None:
    """Return the release that a Debian package is for; `None` for one that is for all (`linux-image-amd64`, `linux-libc-dev`)."""
    found = _OF_ONE_RELEASE.match(name)
    if found is None:
        return None
    release = found["release"]
    for ending in _ENDINGS:
        release = release.removesuffix(ending)
    return re.sub(r"-common(?:-rt)?\Z", "", release)


def _is_of_rpm(package: Package, running: str) -> bool:
    version = package.version.rpartition(":")[2]
    if running == version or running.startswith(f"{version}."):
        return True
    base, _dash, _flavour = running.rpartition(
        "-"
    )  # openSUSE: 6.4.0-150600.23.25-default is kernel-default-6.4.0-150600.23.25.1
    return version == base or version.startswith(f"{base}.")
