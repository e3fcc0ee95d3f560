"""The decision service as a process of its own, under Granian, on facts that a test publishes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from ostiary.config.loader import load_instance
from ostiary.gateway.snapshots import beat, write_snapshot
from tests.decider_company import ANNA, DOMAIN, House, company
from tests.instance import make_instance_home
from tests.ports import free_port

DEADLINE_SECONDS = 90


class Running:
    """One process; `more` is what its configuration says besides."""

    def __init__(self, more: str = "") -> None:
        self.port = free_port()
        configuration = f'domain = "{DOMAIN}"\n[decisions]\nforward_auth_port = {self.port}\n{more}'
        self.home = make_instance_home(configuration)
        self.instance = load_instance(self.home, {})
        self.log = self.home / "log" / "decider.log"
        self.cookies = House.__new__(House)
        self.cookies.instance = self.instance
        self.generation = 1
        self.publish(1)
        self.process = self.start()
        self.client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.instance.decider_socket)), base_url=f"http://wiki.{DOMAIN}"
        )

    def publish(self, generation: int, **changes: Any) -> None:
        write_snapshot(self.instance.facts, company(generation, **changes), durable=False)
        beat(self.instance.facts, time.time())

    def start(self) -> subprocess.Popen[bytes]:
        command = [
            *(str(Path(sys.executable).with_name("granian")), "--interface", "rsgi", "--no-ws", "--workers", "1"),
            *("--uds", str(self.instance.decider_socket), "ostiary.gateway.decider.service:app"),
        ]
        environment = {**os.environ, "OSTIARY_HOME": str(self.home)}
        with self.log.open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.home)

    def stop(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                if self.listens() and holds():
                    return
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.instance.decider_socket))
            except OSError:
                return False
        return True

    def decides(self) -> bool:
        return self.client.get("/health").status_code == 200

    def cookie(self, app: str = "wiki") -> str:
        return self.cookies.cookie(ANNA, app)
