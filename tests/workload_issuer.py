"""Somebody else's issuer as a process of its own, over HTTPS: it says what the files in its folder say.

`python -m tests.workload_issuer CERTIFICATE KEY FOLDER` prints its port. What is asked for at `/a/b` stands in `FOLDER/a~b`;
a file that begins with `redirect ` sends whoever asks there. `FOLDER/asked` counts the questions.
"""

import json
import ssl
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

DISCOVERY = "/.well-known/openid-configuration"


class WorkloadIssuer:
    """Starts and stops the issuer, and signs what its jobs hand in; use it as a context manager.

    Args:
        folder: its own, made here; beside it stand the certificate and key that `write_authority` made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "issuer"
        self._tls = (folder / "upstream.pem", folder / "upstream.key")
        self.key = ec.generate_private_key(ec.SECP256R1())

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.workload_issuer", *map(str, self._tls), str(self.folder)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[1]
        )
        assert self._process.stdout is not None
        self.url = f"https://localhost:{int(self._process.stdout.readline())}"
        self.say(DISCOVERY, {"issuer": self.url, "jwks_uri": f"{self.url}/keys"})
        self.publish("one")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def say(self, path: str, content: object) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / path.replace("/", "~")).write_text(text)

    def publish(self, kid: str) -> None:
        """Publish the key under this name."""
        jwk = {**ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": "ES256"}
        self.kid = kid
        self.say("/keys", {"keys": [{"kty": "RSA", "kid": "other", "use": "enc", "n": "AQAB", "e": "AQAB"}, jwk]})

    def asked(self) -> int:
        counted = self.folder / "asked"
        return len(counted.read_text()) if counted.exists() else 0

    def token(self, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return a job's token, good for five minutes unless the claims say otherwise."""
        now = int(time.time())
        said = {"iss": self.url, "iat": now, "exp": now + 300, "jti": "job-1", **claims}
        return jwt.encode(said, key or self.key, algorithm="ES256", headers={"kid": self.kid, **(header or {})})


def main(certificate: str, key: str, folder: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with (Path(folder) / "asked").open("a") as asked:
                asked.write(".")
            path = Path(folder) / self.path.replace("/", "~")
            text = path.read_text() if path.exists() else ""
            if text.startswith("redirect "):
                self.send_response(302)
                self.send_header("location", text.removeprefix("redirect "))
            else:
                self.send_response(200 if text else 404)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
