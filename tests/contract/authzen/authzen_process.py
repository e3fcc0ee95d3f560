"""The decision service as a process of its own, with programs that may ask it."""

import time
from typing import Any

import httpx
from tests.authzen_asking import ASKER, SEARCHER, asked_company
from tests.decider_process import Running

from ostiary.gateway.snapshots import beat, write_snapshot

AUTHZEN = "[authzen]\nenabled = true\nquestions_per_second = 10000\n"


class Answering(Running):
    """One process, asked over HTTP on its loopback port."""

    def __init__(self) -> None:
        super().__init__(AUTHZEN)
        self.base = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.base, timeout=60)
        self.until(self.decides)
        self.until(lambda: self.http.get("/.well-known/authzen-configuration").status_code == 200)

    def publish(self, generation: int, **changes: Any) -> None:
        write_snapshot(self.instance.facts, asked_company(generation, **changes), durable=False)
        beat(self.instance.facts, time.time())

    def ask(self, path: str, content: Any, *, token: str = ASKER, **headers: str) -> httpx.Response:
        given = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return self.http.post(path, json=content, headers=given)

    def search(self, path: str, content: Any) -> httpx.Response:
        return self.ask(path, content, token=SEARCHER)

    def stop(self) -> None:
        self.http.close()
        super().stop()
