"""Services as their programs are: a private key, assertions made with it, and the token endpoint of a running instance."""

import itertools
import secrets
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.running_instance import RULES, RunningInstance

FACADE = "ostiary.workloads.facade"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
_numbers = itertools.count(1)

SERVICE_RULES = (
    RULES
    + """\
  - name: robots-use-the-wiki
    allow: [service:robot, service:other, service:pipeline]
    to: app:wiki
    do: [view, edit]
  - name: robots-would-open-payroll
    allow: service:robot
    to: app:payroll
    do: [view]
    when: {mfa: any}
  - name: robots-may-hear
    allow: [service:robot, service:other]
    to: [app:told, app:console]
    do: any
"""
)


def pem_of(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


class Program:
    """A program with a key, as a service of a running instance; without a `name` one of its own is made."""

    def __init__(self, running: RunningInstance, name: str, *, owner: str, add: bool = True) -> None:
        self.running, self.name = running, name
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.browser = running.client().browser
        if add:
            running.operator(f"{FACADE}:add_service", name, owner=owner)
            running.operator(f"{FACADE}:add_key", name, pem_of(self.key))
            running.in_force()

    def assertion(self, *, key: Any = None, algorithm: str = "EdDSA", **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": self.name,
            "sub": self.name,
            "aud": self.running.url("id", ""),
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(16),
            **claims,
        }
        left = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(left, key or self.key, algorithm=algorithm)

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send one request and follow nothing; no cookie is kept."""
        self.browser._cookies.clear()
        return self.browser.send(method, url, **options)

    def post(self, **form: str) -> httpx.Response:
        return self.send("POST", self.running.url("id", "/workload/token"), data=form)

    def ask(self, assertion: str | None = None, **form: str) -> httpx.Response:
        given = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        }
        return self.post(**{**given, **form})

    def token(self, **form: str) -> str:
        answer = self.ask(**form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def get(self, app: str, path: str = "/", *, token: str, method: str = "GET", **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {token}", **headers}
        return self.send(method, self.running.url(app, path), headers=sent)


def key_file(folder: Path, key: Any) -> Path:
    path = folder / f"key-{next(_numbers)}.pub"
    path.write_text(pem_of(key))
    return path
