"""Asks whether a password is known from a breach: a sorted local file, and optionally a range service.

The service learns the first five of forty hexadecimal digits of the digest, which thousands of passwords share.
When it does not answer in time, nobody is kept from setting a password: the local lists still apply, and the
log says that the service was not asked.
"""

import hashlib
import urllib.request
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

import structlog

log = structlog.get_logger(__name__)

DIGEST_CHARACTERS = 40
SERVICE_SECONDS = 2.0
MAX_ANSWER_BYTES = 2 * 1024 * 1024


class _StayThere(urllib.request.HTTPRedirectHandler):
    """Follows nothing: who was configured answers, or nobody. A redirect could lead into this machine's network."""

    def redirect_request(self, *_: object) -> None:
        """Make every redirect a failure."""


_opener = urllib.request.build_opener(_StayThere)


@dataclass(frozen=True, slots=True)
class BreachedPasswords:
    """Where to look.

    Args:
        file: path of a file with one upper-case SHA-1 digest a line, sorted, each optionally followed by `:count`;
            empty when there is none.
        range_url: a k-anonymity service, called as `<range_url>/<first five digits>`; empty asks nobody.
    """

    file: str = ""
    range_url: str = ""

    def contains(self, password: str) -> bool:
        """Say whether the password is on one of the lists."""
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        return self._in_file(digest) or self._in_service(digest)

    def _in_file(self, digest: str) -> bool:
        if not self.file:
            return False
        try:
            with Path(self.file).open("rb") as file:
                return file_has_digest(file, digest)
        except OSError as error:
            log.warning("breached_passwords_unreadable", file=self.file, error=str(error))
            return False

    def _in_service(self, digest: str) -> bool:
        if not self.range_url:
            return False
        url = f"{self.range_url.rstrip('/')}/{digest[:5]}"
        if not url.startswith("https://"):
            log.warning("breached_range_not_asked", reason="the address is not https")
            return False
        question = urllib.request.Request(url, headers={"Add-Padding": "true", "User-Agent": "ostiary"})  # noqa: S310
        try:
            with _opener.open(question, timeout=SERVICE_SECONDS) as answer:
                text = answer.read(MAX_ANSWER_BYTES).decode("ascii", "replace")
        except (OSError, ValueError) as error:
            log.warning("breached_range_not_asked", reason=str(error))
            return False
        return answer_has_suffix(text, digest[5:])


def answer_has_suffix(answer: str, suffix: str) -> bool:
    """Say whether a range service's answer names this suffix with a count above zero (zero is padding)."""
    for line in answer.splitlines():
        found, _, count = line.strip().partition(":")
        if found.upper() == suffix:
            return count.strip() != "0"
    return False


def file_has_digest(file: BinaryIO, digest: str) -> bool:
    """Look a digest up in a sorted file by halving, without reading the file into memory."""
    wanted = digest.encode("ascii")
    low, high = 0, file.seek(0, SEEK_END)
    while low < high:
        middle = (low + high) // 2
        found = _first_digest_from(file, middle)
        if found and found < wanted:
            low = middle + 1
        else:
            high = middle
    return _first_digest_from(file, low) == wanted


def _first_digest_from(file: BinaryIO, position: int) -> bytes:
    """Return the digest on the first line that starts at `position` or later; empty at the end of the file."""
    file.seek(max(position - 1, 0))
    if position:
        file.readline()
    return file.readline()[:DIGEST_CHARACTERS].upper()
