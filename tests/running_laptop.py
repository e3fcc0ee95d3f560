"""A computer beside the instance, in namespaces of its own: a network that one cable joins to this machine, and its own `/etc`.

with open_laptop(running) as laptop:
    subprocess.run([*laptop.on, "curl", running.url("wiki")])       # by the cable, and by names in the laptop's own /etc/hosts
    with laptop.chromium(player, laptop.home) as context: ...       # its owner's Chromium, with their home

What comes over the cable is passed on as bytes to the address that the instance listens on: TLS ends at its gateway.
"""

import os
import selectors
import shlex
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright

from tests.console_server import CHROMIUM, FLAGS
from tests.running_company import DOMAIN
from tests.running_instance import RunningInstance

HOSTS = ("id", "admin", "wiki", "files", "vault", "payroll", "told")


class Laptop:
    """The computer. `on` are the words that run a command on it; `home` is its owner's."""

    def __init__(self, running: RunningInstance, process: subprocess.Popen[bytes], folder: Path, address: str) -> None:
        self.running = running
        self.folder = folder
        self.address = address
        self.home = folder / "home"
        self.on = ("nsenter", f"--target={process.pid}", "--net", "--mount", "--")
        self.program = folder / "chromium"
        self.program.write_text(f'#!/bin/sh\nexec {shlex.join(self.on)} {CHROMIUM} "$@"\n')
        self.program.chmod(0o755)

    @contextmanager
    def chromium(self, player: Playwright, home: Path) -> Iterator[BrowserContext]:
        """Start a Chromium on it, which reads that home as any does.

        Args:
            player: starts it.
            home: of whoever sits before it.
        """
        context = player.chromium.launch_persistent_context(
            home / "profile",
            executable_path=self.program,
            args=[*FLAGS, f"--host-resolver-rules=MAP *.{DOMAIN} {self.address}"],
            env={"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
        try:
            yield context
        finally:
            context.close()


@contextmanager
def open_laptop(running: RunningInstance, folder: Path) -> Iterator[Laptop]:
    """Put a laptop beside the instance, and take it away again with all that runs on it.

    Args:
        running: the instance.
        folder: for what is the laptop's own.
    """
    number = os.getpid()
    here, there = (f"10.{number >> 8 & 255}.{number & 255}.{end}" for end in (1, 2))
    cable, plug = f"ost{number}a", f"ost{number}b"
    (folder / "opt").mkdir()
    (folder / "chromium-etc").mkdir()
    names = " ".join(running.host(name) for name in HOSTS)
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{here} {names}\n")
    process = subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-ec", _SETTING_UP, "sh", str(folder)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n", "namespaces need root"
        _ip("link", "add", cable, "type", "veth", "peer", "name", plug, "netns", str(process.pid))
        _ip("address", "add", f"{here}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        laptop = Laptop(running, process, folder, here)
        for words in (
            ("address", "add", f"{there}/30", "dev", plug),
            ("link", "set", plug, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip(*words, on=laptop.on)
        with _passed_on(here, running.https_port):
            yield laptop
    finally:
        process.kill()
        process.communicate()


_SETTING_UP = """
mount --bind "$1/hosts" /etc/hosts
mkdir -p /etc/chromium /etc/opt
mount --bind "$1/chromium-etc" /etc/chromium
mount --bind "$1/opt" /etc/opt
echo up
exec sleep infinity
"""


def _ip(*words: str, on: tuple[str, ...] = ()) -> None:
    done = subprocess.run([*on, "ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


class _Cable(socketserver.ThreadingTCPServer):
    """Passes connections on to the same port of this machine."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False


class _Wire(socketserver.BaseRequestHandler):
    """One connection, until either end is done with it."""

    def handle(self) -> None:
        ends: socket.socket = self.request
        with (
            socket.create_connection(("127.0.0.1", ends.getsockname()[1])) as onward,
            selectors.DefaultSelector() as both,
        ):
            both.register(ends, selectors.EVENT_READ, onward)
            both.register(onward, selectors.EVENT_READ, ends)
            while True:
                for key, _ in both.select():
                    try:
                        part = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        key.data.sendall(part)
                    except OSError:
                        return
                    if not part:
                        return


@contextmanager
def _passed_on(address: str, port: int) -> Iterator[None]:
    with _Cable((address, port), _Wire) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(30)
