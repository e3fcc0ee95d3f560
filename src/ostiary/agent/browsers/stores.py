"""Commands for the stores of macOS and Windows, which their browsers share. Only built here; `keeping` runs them.

They follow what the makers document and were not tried on such a system.
Source: `man security` (macOS); Microsoft, certutil (`-importPFX`, `-delstore`).
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

System = Literal["Darwin", "Windows"]
KEYCHAIN: Final = "Library/Keychains/login.keychain-db"
MAC_BROWSERS: Final = (
    "/Applications/Safari.app",
    "/Applications/Google Chrome.app",
    "/Applications/Chromium.app",
    "/Applications/Microsoft Edge.app",
    "/Applications/Brave Browser.app",
)


def system_here() -> System | None:
    """Return whose store browsers share here; `None` where each has its own."""
    if sys.platform == "darwin":
        return "Darwin"
    return "Windows" if sys.platform == "win32" else None


def importing(system: System, package: Path, *, password: str, home: Path) -> tuple[str, ...]:
    """Return the command that puts a key with its certificate into the person's own store.

    Args:
        system: whose store it is.
        package: a PKCS #12 file.
        password: of that file, which is there for this command only.
        home: of the person.
    """
    if system == "Darwin":
        trusted = [word for browser in MAC_BROWSERS for word in ("-T", browser)]
        return (
            "security",
            "import",
            str(package),
            "-k",
            str(home / KEYCHAIN),
            "-f",
            "pkcs12",
            "-P",
            password,
            *trusted,
        )
    return ("certutil", "-user", "-p", password, "-importPFX", "My", str(package), "NoExport,NoRoot")


def removing(system: System, sha1: str, *, home: Path, with_key: bool) -> tuple[str, ...]:
    """Return the command that removes a certificate.

    Args:
        system: whose store it is.
        sha1: of the certificate, in hexadecimal, as these stores name them.
        home: of the person.
        with_key: whether its key goes too: not where another certificate of it stays.
    """
    if system == "Darwin":
        what = "delete-identity" if with_key else "delete-certificate"
        return ("security", what, "-Z", sha1.upper(), str(home / KEYCHAIN))
    return ("certutil", "-user", "-delstore", "My", sha1)


def replacing(
    system: System, package: Path, *, password: str, home: Path, before: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    """Return the commands that put a certificate in and then remove those before it, so that one is there at every moment.

    Args:
        system: whose store it is.
        package: a PKCS #12 file.
        password: of that file.
        home: of the person.
        before: SHA-1 of each that goes.
    """
    first = importing(system, package, password=password, home=home)
    return (first, *(removing(system, one, home=home, with_key=False) for one in before))
