"""An instance of a test's own, worked on from outside: commands, scripts and a running supervisor, on either database."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.supervisor.lock import is_locked
from ostiary.supervisor.status_file import NotRunning, read_status
from tests.ports import free_port

PATIENCE_SECONDS = 180.0
DATABASE_URL = "OSTIARY_DATABASE_URL"
OSTIARY = [sys.executable, "-c", "from ostiary.cli.main import main; main()"]


def new_database() -> str:
    """Return the URL of a new, empty database where the tests run on PostgreSQL; nothing where they run on SQLite."""
    server = os.environ.get(DATABASE_URL, "")
    if not server:
        return ""
    name = f"own_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return urlsplit(server)._replace(path=f"/{name}").geturl()


class OwnInstance:
    """One folder, one database and the environment in which commands find them."""

    def __init__(self, database: str | None = None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="ost-")) / "i"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("OSTIARY_") and name != "DJANGO_SETTINGS_MODULE"
        }
        self.environment["OSTIARY_HOME"] = str(self.home)
        self.environment["COLUMNS"] = "200"
        url = new_database() if database is None else database
        if url:
            self.environment[DATABASE_URL] = url

    @property
    def instance(self) -> Instance:
        return load_instance(self.home, self.environment)

    def cli_any(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command, however it ends."""
        return subprocess.run(
            [*OSTIARY, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=300,
            check=False,
        )

    def cli(self, *words: str, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command and check how it ends."""
        ended = self.cli_any(*words, stdin=stdin)
        assert ended.returncode == code, f"ostiary {words} → {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended

    def init(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Make the instance on ports of its own."""
        return self.cli("init", "--domain", "localhost", "--https-port", str(free_port()), "--http-port", "0", *words)

    def python(self, script: str) -> str:
        """Run a script in which Django is set up."""
        begin = "import django; django.setup()\nfrom ostiary.cli.output import quiet_logs; quiet_logs('critical')\n"
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
        ended = subprocess.run(
            [sys.executable, "-c", begin + script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    @contextlib.contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run `ostiary up` until everything is ready, and stop it afterwards."""
        process = subprocess.Popen([*OSTIARY, "up", *words], env=self.environment, stderr=subprocess.PIPE, text=True)
        try:
            self.until_ready(process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(ValueError):
                process.communicate(timeout=PATIENCE_SECONDS)

    def until_ready(self, process: subprocess.Popen[str]) -> None:
        """Wait until the supervisor says that every process is ready."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                pytest.fail(f"ostiary up ended with {process.returncode}: {process.communicate()[1]}")
            with contextlib.suppress(NotRunning):
                status = read_status(self.home / "run")
                if status.pid == process.pid and status.ready:
                    return
            time.sleep(0.1)
        pytest.fail(f"not ready within {PATIENCE_SECONDS:.0f} s: {read_status(self.home / 'run')}")

    def remove(self) -> None:
        """Forget it; whatever runs on it was stopped."""
        assert not is_locked(self.home / "state")
        shutil.rmtree(self.home.parent, ignore_errors=True)
