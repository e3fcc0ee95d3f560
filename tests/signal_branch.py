"""A second instance beside a running one: its sign-in host served over TLS, and an operator who works on it."""

import json
import subprocess
import sys
import time
from typing import Any

import msgspec

from tests.running_instance import ROOT, RunningInstance
from tests.signin_site import RunningSite, environment


class Branch:
    """The second instance; use it as a context manager. Each of the two believes the other's certificate.

    Args:
        running: the first one.
    """

    def __init__(self, running: RunningInstance) -> None:
        self.running = running
        self._site = RunningSite(f'[signals]\nenabled = true\nauthority = "{running.authority}"\n')

    def __enter__(self) -> "Branch":
        self.site = self._site.__enter__()
        with self.running.other_authorities.open("ab") as file:
            file.write((self.site.home / "site.crt").read_bytes())
        self._operator = subprocess.Popen(
            [sys.executable, "-m", "tests.running_operator"],
            env=environment(self.site.home),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()
        return self

    def __exit__(self, *error: object) -> None:
        self._operator.terminate()
        self._operator.wait(60)
        for pipe in (self._operator.stdin, self._operator.stdout):
            assert pipe is not None
            pipe.close()
        self._site.__exit__(*error)

    def operator(self, call: str, *args: Any, acting: bool = True, **kwargs: Any) -> Any:
        """Call a facade as a command on the machine."""
        assert self._operator.stdin is not None
        line = msgspec.json.encode({"call": call, "args": args, "kwargs": kwargs, "acting": acting}).decode()
        self._operator.stdin.write(f"{line}\n")
        self._operator.stdin.flush()
        return self._read()

    def signals(self, call: str, *args: Any, acting: bool = True, **kwargs: Any) -> Any:
        """Call the facade of signals."""
        return self.operator(f"ostiary.signals.facade:{call}", *args, acting=acting, **kwargs)

    def _read(self) -> Any:
        assert self._operator.stdout is not None
        said = json.loads(self._operator.stdout.readline())
        assert "error" not in said, said
        return said["result"]


def sign_in_plainly(email: str) -> str:
    """Make somebody with a confirmed address who is signed in. Run by the operator of an instance."""
    from ostiary.identity.client import Client
    from ostiary.identity.domain.proofs import proof
    from ostiary.identity.services.sessions import begin_session
    from tests.signal_site import make_plain_person

    person, now = make_plain_person(email), time.time()
    proofs = (proof("password", at=now), proof("totp", at=now))
    begin_session(person_id=person, authentications=proofs, client=Client("192.0.2.5", "x"), now=now)
    return person
