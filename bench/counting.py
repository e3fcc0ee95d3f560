"""How many decisions the decision service has made, by its own metrics: what a run is checked against."""

import http.client
import re
import socket
from pathlib import Path

DECISIONS = re.compile(r"^ostiary_decisions_total\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def decisions_made(decider: Path) -> int:
    """Return how many decisions the decision service behind the socket `decider` has made and put on record."""
    connection = _UnixConnection(decider)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return int(sum(float(count) for count in DECISIONS.findall(text)))
