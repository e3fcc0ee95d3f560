"""What the agent does for browsers: puts key and certificate where they look, keeps them fresh there, and takes them out again.

Each store is tried by itself: one that cannot be used is told of, and keeps nobody from the others.
"""

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.agent.browsers import stores
from ostiary.agent.browsers.nss import UnusableStore, nickname_of, own_prefix, put, take_out
from ostiary.agent.browsers.parcel import Parcel, packed, sha1_of
from ostiary.agent.browsers.places import DATABASE, Place, is_chromium_installed, place_at, places_of
from ostiary.agent.browsers.stores import System, removing, replacing
from ostiary.agent.folder import Folder, InBrowser
from ostiary.agent.system.programs import run_program
from ostiary.devices.domain.certificates import fingerprint_of
from ostiary.errors import OstiaryError

SYSTEM_STORE: Final = "this computer's browsers"
AGAIN_SECONDS: Final = 60.0
"""After trouble; the tools wait for a lock themselves."""
STORE_SECONDS: Final = 60.0


class NoBrowser(OstiaryError):
    """There is no browser whose store is known."""


class NoGoodCertificate(OstiaryError):
    """There is nothing that could be given to browsers."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one store.

    Args:
        browser: whose, in words.
        folder: of its database; empty for the system's own store.
        state: whether it was changed, was as it should be, or could not be used.
        problem: why it could not be used, and what to do.
    """

    browser: str
    folder: str
    state: Literal["installed", "unchanged", "removed", "failed"]
    problem: str = ""


def install(folder: Folder, *, profiles: Iterable[Path] = ()) -> tuple[Outcome, ...]:
    """Give the device's key and certificate to this person's browsers, in place of the certificate they were given before.

    Args:
        folder: of an enrolled computer.
        profiles: folders of NSS databases, for those alone; otherwise every browser that is found.

    Returns:
        What became of each store.

    Raises:
        NotEnrolled, UnusableFolder, NoGoodCertificate, NoBrowser, NoTools: when nothing could be tried at all.
    """
    with folder.held():
        if is_system_store():
            return _give(folder, (None,))
        places = tuple(map(place_at, profiles)) or _found()
        if not places:
            raise NoBrowser(
                "No browser was found here.", hint="Start yours once, or name its profile: --profile FOLDER"
            )
        return _give(folder, places)


def refresh(folder: Folder) -> tuple[Outcome, ...]:
    """Have every store that was given a certificate hold the newest one; nothing is done where they do. Errors as for `install`.

    A database that is not there any more is forgotten: its profile was deleted.
    """
    if not is_behind(folder):
        return ()
    with folder.held():
        kept = folder.browsers()
        here = tuple(one for one in kept if not one.folder or (Path(one.folder) / DATABASE).exists())
        if here != kept:
            folder.write_browsers(here)
        return _give(folder, tuple(Place(one.browser, Path(one.folder)) if one.folder else None for one in here))


def is_behind(folder: Folder) -> bool:
    """Tell whether a browser's store holds another certificate than the newest."""
    kept, leaf = folder.browsers(), folder.certificate()
    if not kept or leaf is None:
        return False
    device = folder.enrolled().device
    nickname = nickname_of(device, fingerprint_of(leaf))
    return any(one.name != (nickname if one.folder else sha1_of(leaf)) for one in kept)


def remove(folder: Folder, *, profiles: Iterable[Path] = ()) -> tuple[Outcome, ...]:
    """Take the device's certificates and key out of this person's browsers. Arguments as for `install`.

    Returns:
        What became of each store that held any, or could not be looked into.
    """
    with folder.held():
        enrolled, kept = folder.enrolled(), folder.browsers()
        done: list[Outcome] = []
        chosen = {str(one.folder): one for one in map(place_at, profiles)}
        known = {one.folder: Place(one.browser, Path(one.folder)) for one in kept if one.folder}
        for place in (chosen or {**{str(one.folder): one for one in _found()}, **known}).values():
            done += _tried(place, "removed", partial(take_out, place, prefix=own_prefix(enrolled.device)))
        for one in kept:
            if not one.folder and not chosen:
                command = removing(_system(), one.name, home=Path.home(), with_key=True)
                done += _tried(None, "removed", partial(_run_store, command))
        gone = {one.folder for one in done if one.state != "failed"}
        folder.write_browsers(one for one in kept if one.folder not in gone)
        return tuple(one for one in done if one.state != "unchanged" or one.folder in known)


class Keeper:
    """Keeps browsers' stores fresh while the agent runs; says each trouble once."""

    def __init__(self, folder: Folder, say: Callable[[str], None]) -> None:
        """Be due when a store does not hold the newest certificate."""
        self._folder, self._say = folder, say
        self._due_at, self._said = 0.0, set[str]()

    def act(self, now: float) -> None:
        """Refresh what is behind; `now` in seconds since the epoch. Trouble keeps nobody from going on, and is tried again before long."""
        if now < self._due_at <= now + AGAIN_SECONDS:
            return
        try:
            problems = {one.problem for one in refresh(self._folder) if one.state == "failed"}
        except OstiaryError as error:
            problems = {_in_words(error)}
        for one in sorted(problems - self._said):
            self._say(one)
        self._said, self._due_at = problems, now + AGAIN_SECONDS if problems else 0.0


def is_system_store() -> bool:
    """Tell whether browsers here share the system's store of certificates, as on macOS and Windows."""
    return stores.system_here() is not None


def _found() -> tuple[Place, ...]:
    return () if is_system_store() else places_of(Path.home(), has_chromium=is_chromium_installed())


def _give(folder: Folder, places: tuple[Place | None, ...]) -> tuple[Outcome, ...]:
    """Put the newest certificate into each of the stores, `None` for the system's own, and keep which hold it."""
    enrolled, key, leaf = folder.enrolled(), folder.key(), folder.certificate()
    if leaf is None or time.time() >= leaf.not_valid_after_utc.timestamp():
        raise NoGoodCertificate("This device has no good certificate now.", hint="Get one: ostiary-agent renew")
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise NoGoodCertificate(
            "The key of this device cannot leave its TPM, and browsers take keys from files.",
            hint="For a computer with a browser, enrol anew without the TPM: ostiary-agent leave, ostiary-agent enrol ADDRESS",
        )
    done: list[Outcome] = []
    with packed(folder.path, enrolled.device, key, leaf, old_ciphers=is_system_store()) as parcel:
        for place in places:
            done += _tried(place, "installed", partial(_put, folder, place, parcel, own_prefix(enrolled.device)))
    holds = {
        one.folder: InBrowser(
            browser=one.browser, folder=one.folder, name=parcel.nickname if one.folder else parcel.sha1
        )
        for one in done
        if one.state != "failed"
    }
    folder.write_browsers({**{one.folder: one for one in folder.browsers()}, **holds}.values())
    return tuple(done)


def _put(folder: Folder, place: Place | None, parcel: Parcel, prefix: str) -> bool:
    if place is not None:
        return put(place, package=parcel.package, password=parcel.password, nickname=parcel.nickname, prefix=prefix)
    before = [one.name for one in folder.browsers() if not one.folder]
    if before == [parcel.sha1]:
        return False
    password = parcel.password.read_text()
    for command in replacing(_system(), parcel.package, password=password, home=Path.home(), before=before):
        _run_store(command)
    return True


def _tried(place: Place | None, changed: Literal["installed", "removed"], act: Callable[[], bool]) -> Iterator[Outcome]:
    browser, where = (place.browser, str(place.folder)) if place is not None else (SYSTEM_STORE, "")
    try:
        yield Outcome(browser=browser, folder=where, state=changed if act() else "unchanged")
    except UnusableStore as error:
        yield Outcome(browser=browser, folder=where, state="failed", problem=_in_words(error))


def _in_words(error: OstiaryError) -> str:
    return " ".join(filter(None, (error.message, error.hint)))


def _run_store(command: tuple[str, ...]) -> bool:
    try:
        done = run_program(command, seconds=STORE_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnusableStore(f"{command[0]} did not work ({error}).", hint="Try again.") from None
    if done.status != 0:
        raise UnusableStore(f"{command[0]} refused: {done.words()[-300:]}", hint="Try again.")
    return True


def _system() -> System:
    return stores.system_here() or "Windows"
