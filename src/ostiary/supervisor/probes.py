"""Ways to see that a process works. Each answers within its timeout and never raises."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from ostiary.gateway.heartbeat import heartbeat_age
from ostiary.supervisor.process import Probe

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """Any answer below `refuse_from` to a GET shows that an HTTP server works.

    Args:
        socket: its Unix socket.
        path: what to ask for.
        host: the `Host` to ask with.
        refuse_from: the first status that counts as not working.
    """

    socket: Path
    path: str = "/"
    host: str = "localhost"
    refuse_from: int = 500

    async def check(self) -> str:
        """Ask once."""
        status, seen = await ask(self.socket, "GET", self.path, self.host)
        if status is None:
            return seen
        return "" if status < self.refuse_from else f"answers {status}"


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Whoever accepts a connection works."""

    port: int
    address: str = "127.0.0.1"

    async def check(self) -> str:
        """Connect once."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                _, writer = await asyncio.open_connection(self.address, self.port)
        except (OSError, TimeoutError) as error:
            return f"port {self.port}: {_words(error)}"
        writer.close()
        return ""


@dataclass(frozen=True, slots=True)
class HeartbeatProbe:
    """The worker works when it has lately confirmed the facts."""

    folder: Path
    max_age_seconds: float

    async def check(self) -> str:
        """Read the heartbeat."""
        age = heartbeat_age(self.folder, time.time())
        if age is None:
            return "no heartbeat"
        return "" if age <= self.max_age_seconds else f"no heartbeat for {age:.0f} s"


@dataclass(frozen=True, slots=True)
class EveryProbe:
    """What answers every one of several probes works."""

    probes: tuple[Probe, ...]

    async def check(self) -> str:
        """Check them in order, up to the first that fails."""
        for probe in self.probes:
            if seen := await probe.check():
                return seen
        return ""


async def ask(socket: Path, method: str, path: str, host: str = "localhost") -> tuple[int | None, str]:
    """Send one HTTP request over a Unix socket; return the status and the body, or `None` and what went wrong."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n"
            writer.write((head + "Content-Length: 0\r\nConnection: close\r\n\r\n").encode())
            await writer.drain()
            answer = await reader.read(256 * 1024)
    except (OSError, TimeoutError, ValueError) as error:
        return None, _words(error)
    finally:
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.close()
    head_bytes, _, body = answer.partition(b"\r\n\r\n")
    words = head_bytes.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None, "no HTTP answer"
    return int(words[1]), body.decode("utf-8", "replace")


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:.0f} s"
    if isinstance(error, FileNotFoundError):
        return "no socket yet"
    return str(error) or type(error).__name__
