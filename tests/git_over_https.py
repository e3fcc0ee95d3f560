"""A real HTTPS server on a port of its own, for tests: TLS by an authority of its own, git by `git http-backend`."""

import base64
import http.server
import os
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.ports import free_port


class Authority:
    """Signs certificates for `localhost`. `certificate` is what clients trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self.certificate = folder, folder / "authority.pem"
        self._openssl("authority", "/CN=An authority", "-addext", "keyUsage=critical,keyCertSign")

    def issue(self) -> tuple[Path, Path]:
        """Return a certificate for `localhost` and its key."""
        signer = ("-CA", str(self.certificate), "-CAkey", str(self._folder / "authority.key"))
        leaf = ("-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost")
        return self._openssl("leaf", "/CN=localhost", *signer, *leaf)

    def _openssl(self, name: str, subject: str, *more: str) -> tuple[Path, Path]:
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", subject)
        files = ("-out", str(certificate), "-keyout", str(key))
        subprocess.run(["openssl", "req", "-x509", *made, *files, *more], check=True, capture_output=True)
        return certificate, key


class HttpsServer:
    """Runs while it is used as a context; serves the repositories in a folder.

    Args:
        repositories: the folder.
        authority: signs its certificate.
        password: who asks must send it, with any user name; empty asks nobody.
    """

    def __init__(self, repositories: Path, authority: Authority, *, password: str = "") -> None:
        self.port, self.password, self.redirect_to = free_port(), password, ""
        self.authorizations: list[str] = []
        self.users: list[str] = []
        server = self

        class Handler(_Handler):
            shared = server
            root = repositories

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def address(self, path: str, user: str = "") -> str:
        """Return the address of a repository."""
        return f"https://{user}{'@' if user else ''}localhost:{self.port}/{path}"

    def lets_in(self, authorization: str) -> bool:
        """Note what somebody sent to be let in, and say whether it is right."""
        self.authorizations.append(authorization)
        if not self.password:
            return True
        user, _, sent = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        self.users.append(user)
        return sent == self.password

    def __enter__(self) -> "HttpsServer":
        self._thread.start()
        return self

    def __exit__(self, *_why: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Passes requests to `git http-backend` as a web server does (RFC 3875)."""

    protocol_version = "HTTP/1.1"
    shared: HttpsServer
    root: Path

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        if not self.shared.lets_in(self.headers.get("Authorization", "")):
            self._send(401, [["WWW-Authenticate", 'Basic realm="git"']], b"")
        elif self.shared.redirect_to:
            self._send(302, [["Location", self.shared.redirect_to + self.path]], b"")
        else:
            self._serve(body)

    def _send(self, status: int, headers: list[list[str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = dict(headers).get("Status", "200 OK")
        self._send(int(status.split()[0]), [one for one in headers if one[0] != "Status"], content)
