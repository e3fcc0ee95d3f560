"""Which places of a person's home hold browsers' certificates on Linux. It looks, and changes nothing.

Chromium and all that is made of it share one NSS database a home; Firefox has one a profile. Snaps and flatpaks have homes of their own.
Source: Chromium `crypto/nss_util.cc`; Mozilla, NSS shared databases (`cert9.db`, `key4.db`).
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

DATABASE: Final = "cert9.db"
CHROMIUM_PROGRAMS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "brave-browser",
)
CHROMIUM_HOME: Final = ".pki/nssdb"
CHROMIUM_ELSEWHERE: Final = (
    ".local/share/pki/nssdb",
    "snap/chromium/current/.pki/nssdb",
    ".var/app/org.chromium.Chromium/.pki/nssdb",
    ".var/app/com.google.Chrome/.pki/nssdb",
    ".var/app/com.microsoft.Edge/.pki/nssdb",
    ".var/app/com.brave.Browser/.pki/nssdb",
)
FIREFOX_ROOTS: Final = (
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/config/mozilla/firefox",
)


class Place(msgspec.Struct, frozen=True):
    """One NSS database.

    Args:
        browser: who looks there, in words.
        folder: the folder of the database.
        make: whether it is made where it is not there: by the browser itself it would be, at its first start.
    """

    browser: str
    folder: Path
    make: bool = False


def places_of(home: Path, *, has_chromium: bool) -> tuple[Place, ...]:
    """Return the databases that browsers of this home read.

    Args:
        home: of the person.
        has_chromium: whether Chromium or one of its kind is installed for everybody: then its database is made where there is none.
    """
    return tuple(_chromium(home, has_chromium)) + tuple(_firefox(home))


def is_chromium_installed() -> bool:
    """Tell whether Chromium or one of its kind can be started."""
    return any(shutil.which(name) for name in CHROMIUM_PROGRAMS)


def place_at(folder: Path) -> Place:
    """Return the database in a folder that somebody named."""
    whole = folder.expanduser().absolute()
    return Place(whole.name, whole)


def _chromium(home: Path, has_chromium: bool) -> Iterator[Place]:
    elsewhere = [home / one for one in CHROMIUM_ELSEWHERE if (home / one / DATABASE).is_file()]
    if (home / CHROMIUM_HOME / DATABASE).is_file() or (has_chromium and not elsewhere):
        yield Place("Chromium, Chrome, Edge", home / CHROMIUM_HOME, make=True)
    for folder in elsewhere:
        yield Place("Chromium, Chrome, Edge", folder)


def _firefox(home: Path) -> Iterator[Place]:
    for root in FIREFOX_ROOTS:
        for found in sorted((home / root).glob(f"*/{DATABASE}")):
            yield Place(f"Firefox, profile {found.parent.name}", found.parent)
