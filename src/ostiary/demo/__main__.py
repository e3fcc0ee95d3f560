"""`make demo`: the sample company, running on this machine. `--check` walks it as a client would."""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from ostiary.config.document import commented_file
from ostiary.config.loader import FILE_NAME, load_instance
from ostiary.config.places import Instance
from ostiary.config.secrets import create_missing_secrets
from ostiary.demo.company import APPS, ORGANISATION
from ostiary.demo.notes import Notes, read_notes, write_notes
from ostiary.demo.processes import sample_processes, write_first_files
from ostiary.demo.summary import summary
from ostiary.errors import OstiaryError
from ostiary.supervisor.diagnosis.machine import check_socket_paths
from ostiary.supervisor.diagnosis.ports import check_ports
from ostiary.supervisor.lock import is_locked
from ostiary.supervisor.status_file import NotRunning, read_status
from ostiary.supervisor.telling import Lines
from ostiary.supervisor.up import run_instance

DOMAIN = "localhost"
HTTPS_PORT = 8443
START_SECONDS = 180.0


class DemoNotStarted(OstiaryError):
    """The demo did not become ready."""


class DemoTelling(Lines):
    """The supervisor's lines, with the summary when everything is ready."""

    def __init__(self, instance: Instance) -> None:
        super().__init__()
        self._instance = instance

    def ready(self, seconds: float) -> None:
        """Say that everything works, and what there is to see."""
        super().ready(seconds)
        if notes := read_notes(self._instance.home):
            sys.stdout.write(summary(self._instance, notes) + "\n")
            sys.stdout.flush()


def main() -> int:
    """Run the demo; return the exit status."""
    options = _parser().parse_args()
    try:
        instance = make_instance(options.home.absolute(), options.port)
        if options.codes:
            sys.stdout.write(summary(instance, _notes(instance)) + "\n")
            return 0
        return check(instance) if options.check else run(instance)
    except OstiaryError as error:
        sys.stderr.write(f"Error: {error.message}\n" + (f"  {error.hint}\n" if error.hint else ""))
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description="A sample company behind the gateway.")
    parser.add_argument("--home", type=Path, default=Path("var/demo"), help="where the demo keeps everything")
    parser.add_argument("--port", type=int, default=None, help=f"the gateway's port; {HTTPS_PORT} at the first start")
    parser.add_argument("--check", action="store_true", help="walk the running system and say what is wrong")
    parser.add_argument("--codes", action="store_true", help="print addresses, accounts and present codes")
    return parser


def make_instance(home: Path, port: int | None) -> Instance:
    """Make the demo's folder, settings and secrets where they are missing, and return the instance.

    Args:
        home: where to.
        port: the gateway's port; `None` keeps the one it has.
    """
    os.umask(0o077)
    os.environ["OSTIARY_HOME"] = str(home)
    notes = read_notes(home) or Notes(https_port=port or HTTPS_PORT, ports={})
    wanted = port or notes.https_port
    if not (home / FILE_NAME).exists() or wanted != notes.https_port:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = commented_file(
            {
                "domain": DOMAIN,
                "organisation": ORGANISATION,
                "contact": "nadia.haddad@lindenhof.example",
                "gateway.address": "127.0.0.1",
                "gateway.https_port": wanted,
                "gateway.http_port": 0,
                "gateway.workers": 2,
                "mail.transport": "files",
            }
        )
        (home / FILE_NAME).write_text(text, encoding="utf-8")
    create_missing_secrets(home / "secrets")
    instance = load_instance(home)
    if not is_locked(instance.state):
        ports = {app.id: _usable_port(notes.ports.get(app.id, app.port)) for app in APPS}
        write_notes(home, Notes(https_port=wanted, ports=ports, accounts=notes.accounts))
    return instance


def _usable_port(liked: int) -> int:
    """Return the port an application likes, or a free one where somebody else has it."""
    for port in (liked, 0):
        with socket.socket() as attempt, contextlib.suppress(OSError):
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(("127.0.0.1", port))
            return int(attempt.getsockname()[1])
    raise DemoNotStarted("No port of the loopback address is free.")


def _notes(instance: Instance) -> Notes:
    notes = read_notes(instance.home)
    if notes is None or not notes.accounts:
        raise DemoNotStarted("The demo has not been started yet.", hint="Start it with: make demo")
    return notes


def run(instance: Instance) -> int:
    """Run the sample company until Ctrl-C."""
    for finding in (check_socket_paths(instance), *([] if is_locked(instance.state) else check_ports(instance))):
        if finding.is_problem:
            hint = "Choose another port: make demo PORT=9443" if finding.check == "ports" else finding.mend
            raise DemoNotStarted(finding.words, hint=hint)
    notes = read_notes(instance.home)
    assert notes is not None  # noqa: S101 - for the type checker: `make_instance` wrote it
    write_first_files(instance, notes)
    run_instance(
        instance,
        telling=DemoTelling(instance),
        extra=sample_processes(instance, notes),
        preparation="ostiary.demo.seed",
    )
    return 0


def check(instance: Instance) -> int:
    """Walk the sample company, starting it for the walk where it does not run; return the exit status."""
    from ostiary.demo.walk.steps import walk  # noqa: PLC0415 - only the walk needs its clients

    started = None if is_locked(instance.state) else _start(instance)
    try:
        _wait_until_ready(instance, started)
        return walk(instance, _notes(instance))
    finally:
        if started is not None:
            started.terminate()
            started.wait()


def _start(instance: Instance) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "ostiary.demo", "--home", str(instance.home)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _wait_until_ready(instance: Instance, started: "subprocess.Popen[bytes] | None") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if started is not None and started.poll() is not None:
            raise DemoNotStarted("The demo did not start.", hint="Start it by itself to see why: make demo")
        with contextlib.suppress(NotRunning):
            status = read_status(instance.run)
            if status.ready and (started is None or status.pid == started.pid):
                return
        time.sleep(0.1)
    raise DemoNotStarted("The demo did not become ready in time.", hint="See why: make demo, or var/demo/log")


if __name__ == "__main__":
    sys.exit(main())
