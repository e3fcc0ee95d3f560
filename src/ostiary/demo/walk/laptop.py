"""A laptop with the agent on it: its own code enrols, renews and reports; only what it finds is said for it."""

import re
import time
from collections.abc import Callable
from queue import Empty, Queue
from threading import Thread
from typing import Final

from ostiary.agent.folder import Folder, NotEnrolled
from ostiary.agent.life import client_of, enrol, renew
from ostiary.config.places import Instance
from ostiary.demo.walk.browser import Proof, WalkFailed
from ostiary.devices.domain.posture import Reported, Value

NAME: Final = "Travel laptop"
CODE = re.compile(r"\b[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}\b")
PATIENCE_SECONDS = 60
HEALTHY: Final[dict[str, Value]] = {
    "os_version": "Debian 12",
    "os_supported": True,
    "security_updates_pending": 0,
    "security_update_age_days": 0,
    "disk_encrypted": True,
    "firewall_on": True,
    "screen_lock": True,
    "screen_lock_minutes": 5,
}


class Laptop:
    """One computer; what it keeps is beside the demo's notes, so that another walk meets the same.

    Args:
        instance: where it is enrolled.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._folder = Folder(instance.home / "walk-laptop")

    @property
    def proof(self) -> Proof:
        """Files with its certificate and its key."""
        return self._folder.certificate_file, self._folder.key_file

    @property
    def device(self) -> str:
        """What it is called on record; empty before it is enrolled."""
        try:
            return self._folder.enrolled().device
        except NotEnrolled:
            return ""

    def enrol(self, confirm: Callable[[str], None]) -> None:
        """Ask to be enrolled, have somebody type the code that it shows, and wait until that is settled."""
        said: Queue[str | Exception | None] = Queue()
        Thread(target=self._enrol, args=(said,), daemon=True).start()
        confirm(_code_in(said))
        while _next(said) is not None:
            continue

    def _enrol(self, said: Queue[str | Exception | None]) -> None:
        """Enrol as the command does; what it says goes to `said`, and at last the error, or nothing."""
        origin = self._instance.url(self._instance.identity_host, "")
        trusted = self._instance.authority_certificate
        try:
            enrol(self._folder, origin, name=NAME, authority=trusted, browser=False, say=said.put)
        except Exception as error:
            said.put(error)
        else:
            said.put(None)

    def renew(self) -> float:
        """Get a fresh certificate; return when it ends (seconds since the epoch)."""
        return renew(self._folder).not_valid_after_utc.timestamp()

    def report(self, **facts: bool) -> None:
        """Report that all is well with it, but for what is given."""
        now = int(time.time())
        enrolled = self._folder.enrolled()
        said = [Reported(name=name, value=value, at=now) for name, value in {**HEALTHY, **facts}.items()]
        instance = client_of(self._folder, enrolled)
        instance.report(self._folder.key(), device=enrolled.device, taken_at=now, facts=said)


def _code_in(said: Queue[str | Exception | None]) -> str:
    """Return the code that the computer shows."""
    while (words := _next(said)) is not None:
        if found := CODE.search(words):
            return found[0]
    raise WalkFailed("The computer shows no code.")


def _next(said: Queue[str | Exception | None]) -> str | None:
    """Return what the computer says next; `None` when it is enrolled."""
    try:
        words = said.get(timeout=PATIENCE_SECONDS)
    except Empty:
        raise WalkFailed("The computer says nothing any more.") from None
    if isinstance(words, Exception):
        raise words
    return words
