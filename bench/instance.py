"""An instance of Ostiary for one run: made, started and ended with the product's own commands, in a folder of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.company import APP, Account
from bench.processes import PATIENCE_SECONDS, Memory, Program, ProgramFailed, family_of, free_port, memory_of
from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.supervisor.status_file import NotRunning, read_status

DOMAIN = "bench.localhost"
CONFIGURATION = """\
domain = "{domain}"
organisation = "Benchmark"
log_level = "warning"
[gateway]
address = "127.0.0.1"
https_port = {https_port}
http_port = 0
workers = 1
[decisions]
forward_auth_port = {forward_auth_port}
[record]
retention_days = 1
[database]
url = "{database}"
"""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running instance with a company in it.

    Args:
        instance: its places and configuration.
        supervisor: the process that keeps the others.
    """

    instance: Instance
    supervisor: Program

    @property
    def https_port(self) -> int:
        """Where it serves TLS, on the loopback address."""
        return self.instance.configuration.gateway.https_port

    @property
    def forward_auth_port(self) -> int:
        """Where other proxies ask for decisions."""
        return self.instance.configuration.decisions.forward_auth_port

    @property
    def app_host(self) -> str:
        """The application's host name."""
        return f"{APP}.{DOMAIN}"

    @property
    def app_url(self) -> str:
        """The application's front page."""
        return self.instance.url(self.app_host)

    @property
    def portal_url(self) -> str:
        """The sign-in host's front page."""
        return self.instance.url(self.instance.identity_host)

    @property
    def authority(self) -> Path:
        """The certificate authority a browser must trust."""
        return self.instance.certificates / "authority.pem"

    @property
    def certificate(self) -> tuple[Path, Path]:
        """The gateway's certificate and its key."""
        return self.instance.certificates / "gateway.pem", self.instance.certificates / "gateway.key"

    def pid_of(self, name: str) -> int:
        """Return the id of the process called `name`.

        Raises:
            ProgramFailed: when it does not run.
        """
        for process in read_status(self.instance.run).processes:
            if process.name == name and process.pid is not None:
                return process.pid
        raise ProgramFailed(f"The process {name} does not run.", hint=self.supervisor.last_words())

    def memory(self) -> dict[str, Memory]:
        """Return what each process, with its own children, keeps resident."""
        kept = {process.name: family_of(process.pid or 0) for process in read_status(self.instance.run).processes}
        below = {pid for pids in kept.values() for pid in pids}
        own = [pid for pid in family_of(self.supervisor.pid) if pid not in below]
        return {"supervisor": memory_of(own)} | {name: memory_of(pids) for name, pids in kept.items()}

    def command(self, *words: str) -> str:
        """Run one of Ostiary's commands, and return what it printed."""
        return _run(self.instance.home, [*_ostiary(), *words], " ".join(words[:2]))

    def add_people(self, number: int, upstream: str, *, rules: str = "") -> list[Account]:
        """Make the company on the first call, by other rules than usual where they are given, and `number` people each time.

        Returns:
            How they sign in.
        """
        command = [sys.executable, "-m", "bench.company", str(number), upstream, *([rules] if rules else [])]
        output = _run(self.instance.home, command, "making the company")
        return msgspec.json.decode(output.strip().rpartition("\n")[2], type=list[Account])


@contextmanager
def running_gateway(folder: Path, *, database: str = "") -> Iterator[Gateway]:
    """Make an instance below `folder` and run it.

    Args:
        folder: its path must be short, for sockets live below it.
        database: URL of the one it keeps its state in; empty for a file of its own.

    Raises:
        ProgramFailed: when it cannot be made or does not become ready.
    """
    home = folder / "o"
    home.mkdir(mode=0o700)
    (home / "ostiary.toml").write_text(
        CONFIGURATION.format(domain=DOMAIN, https_port=free_port(), forward_auth_port=free_port(), database=database),
        encoding="utf-8",
    )
    _run(home, [*_ostiary(), "init", "--home", str(home)], "making the instance")
    environment = {"OSTIARY_HOME": str(home)}
    with Program("Ostiary", [*_ostiary(), "up"], folder / "ostiary.out", environment) as supervisor:
        gateway = Gateway(instance=load_instance(home), supervisor=supervisor)
        _wait_until_ready(gateway)
        yield gateway


def _ostiary() -> list[str]:
    return [str(Path(sys.executable).with_name("ostiary"))]


def _run(home: Path, command: Sequence[str], what: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OSTIARY_HOME": str(home)}
    )
    if done.returncode != 0:
        raise ProgramFailed(f"{what.capitalize()} failed.", hint=(done.stderr or done.stdout).strip()[-1500:])
    return done.stdout


def _wait_until_ready(gateway: Gateway) -> None:
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while time.monotonic() < deadline:
        gateway.supervisor.check()
        try:
            if read_status(gateway.instance.run).ready:
                return
        except NotRunning:
            pass
        time.sleep(0.1)
    raise ProgramFailed("Ostiary does not become ready.", hint=gateway.supervisor.last_words())
