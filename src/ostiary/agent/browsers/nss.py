"""One NSS database, by the tools of Debian's `libnss3-tools` alone: whatever is wrong with it, it is left as it is.

Entries of ours have a nickname that begins with `Ostiary` and the device; no other entry is ever touched. A certificate that takes
another's place is put beside it first, and the other is removed afterwards, so that there is no moment without one.
"""

import os
import re
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ostiary.agent.browsers.places import DATABASE, Place
from ostiary.agent.system.programs import run_program
from ostiary.errors import OstiaryError

KEYS: Final = "key4.db"
PATIENCE_SECONDS: Final = 60
LOCK_SECONDS: Final = 1.0
_SHUT: Final = ("BAD_PASSWORD", "authenticate", "NEED_PASSWORD")
_LISTED: Final = re.compile(r"(?P<name>.*\S)\s+[a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*\s*", re.ASCII)


class NoTools(OstiaryError):
    """The programs that change NSS databases are not installed."""


class UnusableStore(OstiaryError):
    """A browser's store of certificates cannot be used as it is; it was left so."""


def nickname_of(device: str, fingerprint: str) -> str:
    """Return what a certificate is called in browsers' stores: whose it is, and which."""
    return f"{own_prefix(device)}{fingerprint[:16]}"


def own_prefix(device: str) -> str:
    """Return how the names of all certificates of a device begin."""
    return f"Ostiary {device} "


def read_listing(text: str) -> tuple[str, ...]:
    """Return the nicknames in what `certutil -L` prints: each with three trust flags behind it, under two lines of headings."""
    found = (_LISTED.fullmatch(line) for line in text.splitlines())
    return tuple(one["name"] for one in found if one is not None and not one["name"].startswith("Certificate Nickname"))


def put(place: Place, *, package: Path, password: Path, nickname: str, prefix: str) -> bool:
    """Have a database hold a certificate with its key, and none of the same device besides it.

    Args:
        place: the database.
        package: key and certificate, as PKCS #12, under the nickname.
        password: a file with its password.
        nickname: what the certificate is called.
        prefix: how the names of all that it replaces begin.

    Returns:
        Whether anything changed.

    Raises:
        NoTools, UnusableStore: when it does not hold it afterwards; what was there is there still.
    """
    if place.make and not (place.folder / DATABASE).exists():
        _make(place)
    own = [name for name in names_in(place) if name.startswith(prefix)]
    if own == [nickname]:
        return False
    if nickname not in own:
        _run(place, "pk12util", "-i", str(package), "-w", str(password), "-k", os.devnull)
        if nickname not in names_in(place):
            raise UnusableStore(
                f"{_words(place)} did not keep the certificate.", hint="Try again: ostiary-agent install-browser"
            )
    for name in own:
        if name != nickname:
            _delete(place, "-D", name)
    return True


def take_out(place: Place, *, prefix: str) -> bool:
    """Remove a device's certificates and their key from a database; arguments, answer and errors as for `put`."""
    if not (place.folder / DATABASE).exists():
        return False
    own = [name for name in names_in(place) if name.startswith(prefix)]
    for name in own[:-1]:
        _delete(place, "-D", name)
    for name in own[-1:]:
        _delete(place, "-F", name)
    return bool(own)


def names_in(place: Place) -> tuple[str, ...]:
    """Return the nicknames of all certificates in a database. Raises `NoTools` and `UnusableStore`."""
    _require_readable(place)
    return read_listing(_run(place, "certutil", "-L"))


def _make(place: Place) -> None:
    try:
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UnusableStore(f"{place.folder} cannot be made ({error.strerror}).", hint=_LOOK) from None
    _run(place, "certutil", "-N", "--empty-password")


def _delete(place: Place, how: str, name: str) -> None:
    _run(place, "certutil", how, "-n", name, "-f", os.devnull)


def _require_readable(place: Place) -> None:
    """Say what is wrong in words: the tools call a locked database a bad one. It is opened to be read only.

    Somebody else's is left alone, whoever asks: root would follow every link that they lay there.
    """
    with suppress(OSError):
        if hasattr(os, "geteuid") and place.folder.stat().st_uid != os.geteuid():
            raise UnusableStore(
                f"{place.folder} is somebody else's.", hint="Enrol and install as the person whose browser it is."
            )
    for name in (DATABASE, KEYS):
        path = place.folder / name
        try:
            path.open("rb").close()
            reader = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=LOCK_SECONDS)
            try:
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            finally:
                reader.close()
        except OSError as error:
            raise UnusableStore(f"{path} cannot be read ({error.strerror}).", hint=_LOOK) from None
        except sqlite3.OperationalError:
            raise UnusableStore(
                f"{path} is in use by another program.",
                hint="Close the browser, and run: ostiary-agent install-browser",
            ) from None
        except sqlite3.DatabaseError:
            raise UnusableStore(f"{path} is damaged; it was left as it is.", hint=_LOOK) from None


def _run(place: Place, tool: str, *words: str) -> str:
    """Run a tool on a database; return what it printed.

    Raises:
        NoTools: when it is not installed.
        UnusableStore: when it failed.
    """
    try:
        done = run_program(
            [tool, *words, "-d", f"sql:{place.folder}"],
            seconds=PATIENCE_SECONDS,
            environment={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError:
        raise NoTools(
            f"{tool} is not installed.",
            hint="On Debian and Ubuntu: sudo apt install libnss3-tools. On Fedora: sudo dnf install nss-tools",
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnusableStore(f"{tool} did not work on {place.folder} ({error}).", hint=_LOOK) from None
    if done.status == 0:
        return done.said.decode(errors="replace")
    errors = done.errors.decode(errors="replace")
    said = (errors.strip().splitlines() or ["it says nothing"])[-1][:300]
    if any(sign in errors for sign in _SHUT):
        raise UnusableStore(
            f"{_words(place)} is shut by a primary password.",
            hint=f"Import {place.folder.name} yourself in the browser's settings, or take the primary password away.",
        )
    raise UnusableStore(f"{_words(place)} was left as it is: {said}", hint=_LOOK)


def _words(place: Place) -> str:
    return f"The certificate store of {place.browser} ({place.folder})"


_LOOK: Final = "Look at that folder, or name the ones you mean: --profile FOLDER"
