"""A real application to stand behind the gateway: it says exactly what it received.

Ways: anything else answers JSON with method, target, headers (in order, as received) and the body's length; `/ws` speaks
WebSocket and sends back what it gets; `/events` sends an event every 50 ms until the reader goes; `/status/<n>` answers
with that status; `/sleep/<seconds>` waits first; `/hang-up` closes without an answer; `/garbage` answers nonsense;
`/hints` says first what links and cookies will come. Each answer sets `cookies`, one line each.
"""

import asyncio
import json
import ssl
import threading
from collections import Counter
from contextlib import suppress

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol


class EchoUpstream:
    """Runs in a thread of its own on a free port of the loopback address, until `stop`."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="echo-upstream")
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.requests: Counter[str] = Counter()
        self.open_streams = 0
        self.cookies: list[str] = []

    def start(self) -> "EchoUpstream":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        return self

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

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
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *header_lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = [(name.strip(), value.strip()) for name, _, value in (text.partition(":") for text in header_lines)]
        named = {name.lower(): value for name, value in headers}
        path = target.partition("?")[0]
        self.requests[path] += 1
        if path == "/ws" and named.get("upgrade", "").lower() == "websocket":
            await self._websocket(head, reader, writer)
            return False
        if path == "/events":
            await self._events(writer)
            return False
        if path == "/hang-up":
            return False
        if path == "/garbage":
            writer.write(b"\x00\x01 this is not HTTP\r\n\r\n")
            await writer.drain()
            return False
        if path == "/hints":
            writer.write(
                f"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n{self._set_cookies()}\r\n".encode()
            )
        length = await _body_length(reader, named)
        if path.startswith("/sleep/"):
            await asyncio.sleep(float(path.rsplit("/", 1)[1]))
        status = int(path.rsplit("/", 1)[1]) if path.startswith("/status/") else 200
        content = json.dumps({"method": method, "target": target, "headers": headers, "body_bytes": length}).encode()
        writer.write(
            f"HTTP/1.1 {status} Echo\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
            f"{self._set_cookies()}\r\n".encode("latin-1")
        )
        writer.write(b"" if method == "HEAD" else content)
        await writer.drain()
        return True

    def _set_cookies(self) -> str:
        return "".join(f"set-cookie: {line}\r\n" for line in self.cookies)

    async def _events(self, writer: asyncio.StreamWriter) -> None:
        head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
        writer.write(f"{head}{self._set_cookies()}\r\n".encode())
        self.open_streams += 1
        try:
            for number in range(100_000):
                writer.write(f"data: {number}\n\n".encode())
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            self.open_streams -= 1

    async def _websocket(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(head)
        self.open_streams += 1
        try:
            while True:
                for event in protocol.events_received():
                    if isinstance(event, Request):
                        response = protocol.accept(event)
                        for line in self.cookies:
                            response.headers["Set-Cookie"] = line
                        protocol.send_response(response)
                    elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                        protocol.send_text(event.data)
                for data in protocol.data_to_send():
                    writer.write(data)
                await writer.drain()
                data = await reader.read(65536)
                if not data:
                    return
                protocol.receive_data(data)
        finally:
            self.open_streams -= 1


async def _body_length(reader: asyncio.StreamReader, headers: dict[str, str]) -> int:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        total = 0
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
            total += size
        await reader.readline()
        return total
    announced = int(headers.get("content-length", "0"))
    remaining = announced
    while remaining:
        chunk = await reader.read(min(65536, remaining))
        if not chunk:
            raise ConnectionError("the body ended early")
        remaining -= len(chunk)
    return announced
