"""Traffic that goes on while something is broken: somebody who may, and somebody who may not.

What reaches the application is counted there, so that a passage is seen even when its answer is lost.
"""

import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self

import httpx
from tests.running_instance import Client, RunningInstance

FORBIDDEN = "/forbidden"


class Traffic:
    """Requests in threads of their own until the `with` block ends.

    `known` has a session at the wiki; `stranger` has none there. Statuses are counted per kind of request: `read` may
    pass on a grant, `write` is decided each time, `stranger` must never arrive. 0 stands for a connection that broke.
    """

    def __init__(self, running: RunningInstance, known: Client) -> None:
        self.running = running
        self.statuses: dict[str, Counter[int]] = {"read": Counter(), "write": Counter(), "stranger": Counter()}
        self._cookies = "; ".join(f"{name}={value}" for name, value in known.cookies("wiki").items())
        self._session = "; ".join(
            f"{name}={value}" for name, value in known.cookies("wiki").items() if "grant" not in name
        )
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._go, args=("read", "GET", "/page", self._cookies)),
            threading.Thread(target=self._go, args=("write", "POST", "/page", self._session)),
            threading.Thread(target=self._go, args=("stranger", "GET", FORBIDDEN, "")),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def seen(self, kind: str, status: int, *, times: int = 3) -> bool:
        """Say whether this kind of request got this status so often since the last `forget`."""
        return self.statuses[kind][status] >= times

    def forget(self) -> None:
        """Count afresh."""
        for counts in self.statuses.values():
            counts.clear()

    def _go(self, kind: str, method: str, path: str, cookie: str) -> None:
        host = self.running.host("wiki")
        url = f"https://127.0.0.1:{self.running.https_port}{path}"
        headers = {"accept": "application/json", "host": f"{host}:{self.running.https_port}"}
        if cookie:
            headers["cookie"] = cookie
        named = {"sni_hostname": host}
        while not self._over.is_set():
            with httpx.Client(verify=self.running.trust(), timeout=30) as client:
                with suppress(httpx.TransportError):
                    while not self._over.is_set():
                        answer = client.request(method, url, headers=headers, extensions=named)
                        self.statuses[kind][answer.status_code] += 1
                        self._over.wait(0.02)
                    return
                self.statuses[kind][0] += 1
                self._over.wait(0.05)
