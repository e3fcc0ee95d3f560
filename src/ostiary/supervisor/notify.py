"""Tells systemd how the service stands.

Source: sd_notify(3), "Standalone Implementations".
"""

import contextlib
import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """systemd, or nobody when the process was not started by it."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        watchdog = environment.get("WATCHDOG_USEC", "")
        self.watchdog_seconds: float | None = int(watchdog) / 2_000_000 if watchdog.isdigit() else None

    def tell(self, *lines: str) -> None:
        """Send assignments such as `READY=1`. A service manager that does not listen is none of our concern."""
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link,
        ):
            link.sendto("\n".join(lines).encode(), self._address)
