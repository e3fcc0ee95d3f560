"""A minimal OpenID provider, so that mod_auth_openidc has a session: it signs the same person in, asking nothing.

Only for the benchmark. Run as `python -m bench.peers.openid_provider PORT`.
Source: OpenID Connect Core 1.0, sections 3.1 (authorisation code flow) and 2 (ID token); Discovery 1.0, section 4.
"""

import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT = "bench"
CLIENT_SECRET = "known-to-both-sides"
GROUP = "staff"
KEY_ID = "bench"


class Provider(BaseHTTPRequestHandler):
    """Discovery, authorisation, token, keys."""

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer = ""
    nonces: dict[str, str] = {}

    def do_GET(self) -> None:
        """Answer discovery, keys and authorisation."""
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            self._answer(self._metadata())
        elif parts.path == "/keys":
            public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
            self._answer({"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]})
        elif parts.path == "/authorize":
            self._authorise({name: values[0] for name, values in parse_qs(parts.query).items()})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Exchange a code for an ID token."""
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        nonce = self.nonces.pop(form.get("code", [""])[0], None)
        if nonce is None:
            self.send_error(400)
            return
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "ada",
            "groups": [GROUP],
            "nonce": nonce,
            "iat": now,
            "exp": now + 3600,
        }
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KEY_ID})
        self._answer(
            {"access_token": secrets.token_hex(16), "token_type": "Bearer", "expires_in": 3600, "id_token": token}
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the server calls
        """Say nothing."""

    def _authorise(self, asked: dict[str, str]) -> None:
        code = secrets.token_urlsafe(24)
        self.nonces[code] = asked.get("nonce", "")
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def _answer(self, value: dict[str, object]) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(port: int) -> None:
    """Serve on the loopback address until ended."""
    Provider.issuer = f"http://127.0.0.1:{port}"
    ThreadingHTTPServer(("127.0.0.1", port), Provider).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
