"""What is under way: requests whose answers take long, as the data plane reports them again and again.

A download on a grant never passes the decision service, and a stream may be older than its process. So the data plane
writes a line about every request that takes longer than `REPORT_SECONDS`, and one more each time as long has passed, into
a file that nobody but the decision service reads: once, and then it is emptied. What follows from a line is in
`decider.streams`.
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

UNDER_WAY_FILE: Final = "under-way.jsonl"
REPORT_SECONDS: Final = 5
MAX_READ_BYTES: Final = 1024 * 1024
"""Read at once; what more there is comes with the next look, or is reported again."""

EMPTIED_FROM_BYTES: Final = 1024 * 1024
EMPTIED_SECONDS: Final = 30.0


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """One report.

    Args:
        request: the gateway's number for the request.
        method: as sent.
        host: with the port, as sent.
        path: without the query, as sent.
        client: the client's address, proxies in front taken into account.
        peer: address and port of the connection.
        local: address and port at which it arrived.
        grant_session: whose grant let it in.
        decision_session: for whom it was decided.
        certificate: SHA-256 of the client's certificate whose key the connection proved; empty for none.
        decision_device: the enrolled device from which it was decided.
    """

    request: str
    method: str
    host: str
    path: str
    peer: str
    local: str
    client: str = ""
    protocol: str = ""
    grant_session: str = ""
    decision_session: str = ""
    certificate: str = ""
    decision_device: str = ""

    @property
    def session(self) -> str:
        """Whose it is; empty for what no session let in: our own pages."""
        return self.grant_session or self.decision_session

    @property
    def from_device(self) -> bool:
        """Whether it was let in from an enrolled device: on a connection with a certificate there are no other grants."""
        return bool(self.decision_device) or (bool(self.grant_session) and bool(self.certificate))


_DECODER: Final = msgspec.json.Decoder(UnderWay)


def keep_empty(loop: asyncio.AbstractEventLoop, path: Path) -> None:
    """Empty the file now and again, where nobody reads it because nothing could be ended."""
    with contextlib.suppress(OSError):
        os.truncate(path, 0)
    loop.call_later(EMPTIED_SECONDS, keep_empty, loop, path)


def read_report(line: bytes) -> UnderWay | None:
    """Return what a line reports; `None` for one that reports nothing that could be acted on."""
    try:
        report = _DECODER.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return report if report.session and report.request else None


class Reports:
    """Reads the file as it grows, and empties it. What stood in it before may be over long ago, and is not read.

    Args:
        path: the file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        with contextlib.suppress(OSError):
            os.truncate(path, 0)

    def new(self) -> Sequence[UnderWay]:
        """Return what was reported since the last call.

        What is written between reading and emptying is lost, and reported again `REPORT_SECONDS` later.

        Raises:
            OSError: when the file cannot be read or emptied.
        """
        try:
            file = self._path.open("r+b")
        except FileNotFoundError:
            self._offset = 0
            return []
        with file:
            size = file.seek(0, 2)
            if size == self._offset:
                return []
            file.seek(self._offset if size > self._offset else 0)
            read = file.read(MAX_READ_BYTES)
            whole = read.rfind(b"\n") + 1
            self._offset = file.tell() - len(read) + whole
            if self._offset >= EMPTIED_FROM_BYTES:
                file.truncate(0)
                self._offset = 0
        return [report for line in read[:whole].splitlines() if (report := read_report(line)) is not None]
