"""Ports for servers that tests start. Nobody else is given them meanwhile.

A port that the kernel hands out belongs to whoever asks next once it is let go: another test, or any connection on its
way out. So these lie below the range from which the kernel hands out, and every process of a run has its own share.
"""

import itertools
import os
import re
import socket
from typing import Final

FIRST: Final = 12_000
SHARE: Final = 2_500
SHARES: Final = 8

_worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
_first = FIRST + int(_worker) % SHARES * SHARE
_begin = os.getpid() % SHARE
_numbers = (_first + (_begin + given) % SHARE for given in itertools.count())


def free_port() -> int:
    """Return a port that nobody listens on, at any address, and that this process did not give out lately."""
    for port in itertools.islice(_numbers, SHARE):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"every port from {_first} to {_first + SHARE - 1} is taken")
