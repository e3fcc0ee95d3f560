"""One HTTP request to a program of this machine, on its Unix socket."""

import http.client
import socket
from pathlib import Path


class _Connection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path
        self._seconds = seconds

    def connect(self) -> None:
        """Connect to the socket instead of a network address."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(str(self._path))


def ask_socket(
    path: Path, target: str, *, method: str = "GET", body: bytes | None = None, seconds: float
) -> tuple[int, bytes]:
    """Return status and body of the answer to one request.

    Args:
        path: the Unix socket.
        target: what to ask for, `/health` for instance.
        method: the HTTP method.
        body: what is sent with it.
        seconds: the longest wait for each step.

    Raises:
        OSError, http.client.HTTPException: when nobody answers, or not in HTTP.
    """
    connection = _Connection(path, seconds)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
