"""Servers that a running instance meets in tests: an application that answers what it is told to, and a service of
breached passwords that can send whoever asks somewhere else."""

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, list[tuple[str, str]], bytes]


class Server:
    """Answers each path with what `answer` says, on a free port of the loopback address, and remembers who asked."""

    def __init__(self, answer: Callable[[str], Answer], *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, headers, body = outer.answer(self.path)
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_POST = do_OPTIONS = do_GET  # noqa: N815 - the library's names

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)


def as_told(path: str) -> Answer:
    """Answer what the query asks for: `/?status=200&Set-Cookie=a%3Db&…`; every other field is a header."""
    fields = parse_qsl(urlsplit(path).query)
    status = next((int(value) for name, value in fields if name == "status"), 200)
    return status, [(name, value) for name, value in fields if name != "status"], b"told"
