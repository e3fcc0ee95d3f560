"""Another system that tells what happens to people, as tests need one: metadata, keys, a stream, events to fetch, on this machine."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
TOKEN = "a management token, only for tests".replace(" ", "-").replace(",", "")
AUDIENCE = "https://receiver.example.test"


class ForeignTransmitter:
    """Serves what a transmitter serves, without TLS, on a free port of the loopback address.

    Args:
        audience: what the receiver is called in its tokens.
    """

    def __init__(self, audience: str = AUDIENCE) -> None:
        self.audience = audience
        self.keys: dict[str, RSAPrivateKey] = {}
        self.asked: list[str] = []
        self.stream: dict[str, Any] = {}
        self.verifications: list[dict[str, Any]] = []
        self.queue: dict[str, str] = {}
        self.acknowledged: list[str] = []
        self.errors: dict[str, Any] = {}
        self.change_key()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                status, said = outer.answer(self.command, self.path, self.headers.get("authorization", ""), body)
                text = b"" if said is None else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)

    def change_key(self) -> str:
        """Sign with another key from now on; the ones before are listed no more."""
        self.kid = secrets.token_hex(4)
        self.keys = {self.kid: generate_private_key(public_exponent=65537, key_size=2048)}
        return self.kid

    def answer(self, method: str, path: str, authorization: str, body: Any) -> tuple[int, Any]:
        place = urlsplit(path).path
        if place == "/.well-known/ssf-configuration":
            return 200, self.metadata()
        if place == "/jwks":
            return 200, self.key_set()
        if authorization != f"Bearer {TOKEN}":
            return 401, {"err": "authentication_failed"}
        if place == "/streams":
            return (201, self.make_stream(body)) if method == "POST" else (204, None)
        if place == "/verify":
            self.verifications.append(body)
            return 204, None
        return (200, self.hand_over(body)) if place == "/poll" else (404, None)

    def metadata(self) -> dict[str, Any]:
        return {
            "spec_version": "1_0",
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
            "configuration_endpoint": f"{self.issuer}/streams",
            "verification_endpoint": f"{self.issuer}/verify",
        }

    def key_set(self) -> dict[str, Any]:
        made = jwt.algorithms.RSAAlgorithm.to_jwk
        return {
            "keys": [{**json.loads(made(key.public_key())), "kid": kid, "use": "sig"} for kid, key in self.keys.items()]
        }

    def make_stream(self, body: Any) -> dict[str, Any]:
        self.stream = body
        delivery = dict(body["delivery"])
        if delivery["method"].endswith("8936"):
            delivery["endpoint_url"] = f"{self.issuer}/poll"
        return {"stream_id": "stream-1", "iss": self.issuer, "aud": self.audience, "delivery": delivery}

    def hand_over(self, body: Any) -> dict[str, Any]:
        for jti in body["ack"]:
            self.queue.pop(jti, None)
            self.acknowledged.append(jti)
        for jti, error in body["setErrs"].items():
            self.queue.pop(jti, None)
            self.errors[jti] = error
        return {"sets": dict(list(self.queue.items())[: body["maxEvents"]])}

    def claims(self, event_type: str, subject: Any, payload: Any = None, **more: Any) -> dict[str, Any]:
        """Return the claims of a token; a claim given as `None` is left out."""
        made = {
            "iss": self.issuer,
            "aud": self.audience,
            "jti": secrets.token_hex(12),
            "iat": int(time.time()),
            "txn": secrets.token_hex(8),
            "sub_id": subject,
            "events": {event_type: payload or {}},
            **more,
        }
        return {name: value for name, value in made.items() if value is not None}

    def sign(self, claims: dict[str, Any], *, key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
        """Return a token; a header given as `None` is left out."""
        headers = {"typ": "secevent+jwt", "kid": self.kid, **header}
        headers = {name: value for name, value in headers.items() if value is not None or name == "typ"}
        return jwt.encode(claims, key or self.keys[self.kid], algorithm=algorithm, headers=headers)

    def event(self, event_type: str, subject: Any, payload: Any = None, **more: Any) -> str:
        """Return a signed token about somebody."""
        return self.sign(self.claims(event_type, subject, payload, **more))

    def told(self, event_type: str, subject: Any, payload: Any = None) -> str:
        """Have an event wait to be fetched; return its identifier."""
        claims = self.claims(event_type, subject, payload)
        self.queue[claims["jti"]] = self.sign(claims)
        return str(claims["jti"])


def by_email(address: str) -> dict[str, str]:
    return {"format": "email", "email": address}


def by_account(issuer: str, subject: str) -> dict[str, str]:
    return {"format": "iss_sub", "iss": issuer, "sub": subject}
