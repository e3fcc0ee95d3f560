"""A TEST DOUBLE of the decision service, for tests of the data plane alone. It decides nothing: it says what a test tells
it to say, refuses by default, and remembers what it was asked. Tests of decisions use the real one.
"""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Answer:
    """What the double says. `delay_seconds` makes it slow; `headers` may name a header several times."""

    status: int = 403
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"refused by the test double"
    delay_seconds: float = 0.0


@dataclass
class Asked:
    """One request to the double."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name]
        return values[-1] if values else None


class StubDecider:
    """Listens on a Unix socket in a thread of its own, until `stop`."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="stub-decider")
        self._thread.start()
        self._tasks: set[asyncio.Task[None]] = set()
        self.answer = Answer()
        self.asked: list[Asked] = []

    def start(self) -> "StubDecider":
        self._socket.unlink(missing_ok=True)
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        return self

    def allow(self, headers: Mapping[str, str] | None = None, *more: tuple[str, str]) -> None:
        """Let everything pass from now on, with these headers; `more` may repeat a name."""
        self.answer = Answer(status=200, headers=(*(headers or {}).items(), *more), body=b"")

    def refuse(self, status: int = 403, *headers: tuple[str, str], body: bytes = b"refused by the test double") -> None:
        self.answer = Answer(status=status, headers=headers, body=body)

    def checks(self) -> list[Asked]:
        """Return what it was asked to decide, without requests for its own pages."""
        return [asked for asked in self.asked if asked.target.startswith("/check")]

    def pause(self) -> None:
        """Stop listening, as a dead process would."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._socket.unlink(missing_ok=True)

    def stop(self) -> None:
        self.pause()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self._socket))

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    await self._answer(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *header_lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = [(name.strip(), value.strip()) for name, _, value in (text.partition(":") for text in header_lines)]
        asked = Asked(method, target, headers)
        if length := int(asked.header("content-length") or 0):
            await reader.readexactly(length)
        self.asked.append(asked)
        answer = self.answer
        if answer.delay_seconds:
            await asyncio.sleep(answer.delay_seconds)
        lines = [f"HTTP/1.1 {answer.status} Double", f"content-length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if method == "HEAD" else answer.body))
        await writer.drain()
