"""How soon a signal ends access: from the request that brings a revoked session to the first refusal, beside the same done here.

People who are let through on a grant ask again and again over one connection. Half of them are disabled by a service on this machine,
of the other half a trusted transmitter tells by HTTP, through the gateway, that their session was revoked. Both are timed from
the moment somebody begins: the call of the service, or the first byte of the request.

Run: python -m bench.signals [--people N]
"""

import argparse
import http.client
import json
import os
import secrets
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from bench.browser import Browser
from bench.instance import Gateway, running_gateway
from bench.load import InvalidRun
from bench.processes import Program, free_port
from bench.revocation import Disabler, percentile
from bench.signin import enter, sign_in

REVOKED: Final = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
AUDIENCE: Final = "https://bench.test"
PATIENCE_SECONDS: Final = 10.0
CALM_SECONDS: Final = 0.05


class Transmitter:
    """Describes itself and gives out its key on the loopback address, and tells of people by HTTP through the gateway."""

    def __init__(self) -> None:
        """Serve."""
        self._key = generate_private_key(public_exponent=65537, key_size=2048)
        key = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key())), "kid": "bench", "use": "sig"}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found: Any = {"keys": [key]}
                if "well-known" in self.path:
                    found = {"issuer": outer.issuer, "jwks_uri": f"{outer.issuer}/keys"}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def told_of(self, email: str) -> str:
        """Return a token that says that somebody's session was revoked."""
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "jti": secrets.token_hex(16),
            "iat": int(time.time()),
            "sub_id": {"format": "email", "email": email},
            "events": {REVOKED: {"reason_admin": {"en": "a trial of the benchmark"}}},
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"typ": "secevent+jwt", "kid": "bench"})


class Telling:
    """A connection to the gateway over which a transmitter tells."""

    def __init__(self, gateway: Gateway, url: str, token: str) -> None:
        """Connect."""
        parts = urlsplit(url)
        self._path, self._host = parts.path, parts.netloc
        context = ssl.create_default_context(cafile=str(gateway.authority))
        self._connection = http.client.HTTPSConnection(parts.hostname or "", gateway.https_port, context=context)
        plain = http.client.HTTPConnection("127.0.0.1", gateway.https_port)
        plain.connect()
        self._connection.sock = context.wrap_socket(plain.sock, server_hostname=parts.hostname)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/secevent+jwt",
            "Host": self._host,
        }

    def tell(self, token: str) -> int:
        """Send one token and return when that began, on the monotonic clock in nanoseconds.

        Raises:
            InvalidRun: when it is not taken.
        """
        began = time.monotonic_ns()
        self._connection.request("POST", self._path, body=token, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise InvalidRun(f"A signal was answered {answer.status}.")
        return began


def hammer(gateway: Gateway, browser: Browser, act: Callable[[], int]) -> float:
    """Ask again and again, let `act` take access away, and return the milliseconds from its beginning to the first refusal.

    Raises:
        InvalidRun: when access does not end, or had ended before.
    """
    first = browser.ask(gateway.app_url)
    if first.status != 200:
        raise InvalidRun(f"A person who may enter was answered {first.status}.")
    connection = browser.connection_to(gateway.app_url)
    headers = {"Cookie": browser.cookie_header(gateway.app_host)}
    began: list[int] = []
    starts_at = time.monotonic() + CALM_SECONDS
    acting = threading.Thread(target=lambda: began.append(act()))
    while True:
        if acting.ident is None and time.monotonic() >= starts_at:
            acting.start()
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            refused_at = time.monotonic_ns()
            break
        if time.monotonic() > starts_at + PATIENCE_SECONDS:
            raise InvalidRun("Access does not end.")
    acting.join()
    browser.close()
    if not began or refused_at < began[0]:
        raise InvalidRun("Access had ended before.")
    return (refused_at - began[0]) / 1e6


@contextmanager
def listened_to(gateway: Gateway, transmitter: Transmitter) -> Iterator[Telling]:
    """Have the instance listen to the transmitter."""
    command = [
        *(str(Path(sys.executable).with_name("ostiary")), "signal", "transmitter", "add", "bench"),
        *("--issuer", transmitter.issuer, "--audience", AUDIENCE, "--may", "end-sessions"),
        *("--email-domain", "example.com", "--json"),
    ]
    environment = {**os.environ, "OSTIARY_HOME": str(gateway.instance.home)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise InvalidRun(f"The transmitter is not taken: {done.stderr[-500:]}")
    added = json.loads(done.stdout)
    yield Telling(gateway, added["url"], added["token"])


def measure(gateway: Gateway, people: int, upstream: str, log: Path) -> dict[str, Any]:
    """Return the figures.

    Args:
        gateway: running, with signals switched on.
        people: how many lose access each way.
        upstream: the application.
        log: for the disabling process's errors.
    """
    accounts = gateway.add_people(2 * people + 1, upstream)
    tls = ssl.create_default_context(cafile=str(gateway.authority))
    browsers = [Browser(tls, f"127.0.1.{number % 250 + 1}") for number in range(len(accounts))]
    for browser, account in zip(browsers, accounts, strict=True):
        sign_in(browser, account, gateway.portal_url)
        enter(browser, gateway.app_url)
    transmitter = Transmitter()
    local: list[float] = []
    by_signal: list[float] = []
    with listened_to(gateway, transmitter) as telling, Disabler(gateway.instance.home, log) as disabler:

        def disable(person: str) -> int:
            began = time.monotonic_ns()
            disabler.order(person)
            disabler.answer()
            return began

        hammer(gateway, browsers[-1], lambda: telling.tell(transmitter.told_of(accounts[-1].email)))
        for number in range(people):
            mine, theirs = accounts[2 * number], accounts[2 * number + 1]
            token = transmitter.told_of(theirs.email)
            local.append(hammer(gateway, browsers[2 * number], lambda one=mine.id: disable(one)))  # type: ignore[misc]
            by_signal.append(hammer(gateway, browsers[2 * number + 1], lambda one=token: telling.tell(one)))  # type: ignore[misc]
    figures = {
        "local_ms_p50": round(percentile(local, 0.5), 1),
        "local_ms_max": round(max(local), 1),
        "signal_ms_p50": round(percentile(by_signal, 0.5), 1),
        "signal_ms_max": round(max(by_signal), 1),
        "people": people,
    }
    return {**figures, "ratio": round(percentile(by_signal, 0.5) / percentile(local, 0.5), 2)}


def main() -> int:
    """Run it; the last line is the result as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--people", type=int, default=20, help="who lose access each way")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    os.environ |= {"OSTIARY_SIGNALS__ENABLED": "true", "OSTIARY_SIGNALS__HOLD_SHARE_PERCENT": "100"}
    with tempfile.TemporaryDirectory(prefix="ostb-") as name:
        folder, port = Path(name), free_port()
        with (
            running_gateway(folder) as gateway,
            Program("the application", [sys.executable, "-m", "bench.socket_app", str(port)], folder / "app.out"),
        ):
            figures = measure(gateway, arguments.people, f"http://127.0.0.1:{port}", folder / "disabler.err")
    print(json.dumps({**figures, "load_before": load}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
