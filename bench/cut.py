"""How long a WebSocket outlives the person who opened it, and whether anybody else notices.

A thousand WebSockets of ten people are open through the gateway; one of the ten is disabled. Measured is the time from
the commit of that to the end of each of their hundred, as their own client sees it. Then everybody else's must still echo.

Run: python -m bench.cut [--rounds N] [--people N] [--each N]
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.browser import Browser
from bench.company import Account
from bench.instance import Gateway, running_gateway
from bench.load import InvalidRun
from bench.processes import Program, free_port
from bench.revocation import Disabler, percentile
from bench.signin import enter, sign_in

GOAL_MS: Final = 250.0
PATIENCE_SECONDS: Final = 30.0
OPENED_AT_ONCE: Final = 16


@dataclass
class Held:
    """One person's sockets, and when each of them ended on the monotonic clock (nanoseconds). `tls`: what their device proves."""

    account: Account
    browser: Browser
    tls: ssl.SSLContext | None = None
    sockets: list[ClientConnection] = field(default_factory=list)
    ended_at: list[int] = field(default_factory=list)


class Crowd:
    """Opens the WebSockets of people who are signed in, and keeps them open until its context ends."""

    def __init__(self, gateway: Gateway, *, each: int) -> None:
        """Open `each` a person."""
        self._gateway = gateway
        self._each = each
        self._tls = ssl.create_default_context(cafile=str(gateway.authority))
        self._stack = AsyncExitStack()
        self._watching: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def open(self, one: Held) -> None:
        """Open one person's.

        Raises:
            InvalidRun: when one does not echo.
        """
        cookies, gate = one.browser.cookie_header(self._gateway.app_host), asyncio.Semaphore(OPENED_AT_ONCE)

        async def open_one() -> None:
            async with gate:
                socket = await self._stack.enter_async_context(
                    connect(
                        f"wss://{self._gateway.app_host}:{self._gateway.https_port}/socket",
                        host="127.0.0.1",
                        port=self._gateway.https_port,
                        ssl=one.tls or self._tls,
                        additional_headers={"Cookie": cookies},
                        ping_interval=None,
                        close_timeout=0.1,
                        compression=None,
                    )
                )
            one.sockets.append(socket)
            task = asyncio.create_task(_note_end(one, socket))
            self._watching.add(task)
            task.add_done_callback(self._watching.discard)

        await asyncio.gather(*[open_one() for _ in range(self._each)])
        if not all([await echoes(socket) for socket in one.sockets]):
            raise InvalidRun("A WebSocket that was opened does not echo.")

    async def all_ended(self, leaver: Held) -> None:
        """Return when all of one person's have ended.

        Raises:
            InvalidRun: when they do not.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while (left := self._each - len(leaver.ended_at)) > 0:
            if time.monotonic() > end:
                raise InvalidRun(f"{left} WebSockets of a disabled person are open after {PATIENCE_SECONDS:.0f} s.")
            await asyncio.sleep(0.005)


async def measure(
    gateway: Gateway, held: Sequence[Held], spare: Sequence[Held], *, each: int, log: Path
) -> dict[str, Any]:
    """Open everybody's sockets, disable one person a round, and return the figures.

    Args:
        gateway: running.
        held: signed in and inside the application.
        spare: who takes the place of each who was disabled; as many as there are rounds.
        each: sockets a person.
        log: for the disabling process's errors.

    Raises:
        InvalidRun: when sockets do not open, or do not end.
    """
    waits: list[float] = []
    disturbed = 0
    present = list(held)
    async with Crowd(gateway, each=each) as crowd:
        for one in present:
            await crowd.open(one)
        with Disabler(gateway.instance.home, log) as disabler:
            for newcomer in spare:
                leaver = present.pop(0)
                disabler.order(leaver.account.id)
                disabled = await asyncio.to_thread(disabler.answer)
                await crowd.all_ended(leaver)
                waits += [(at - disabled.committed_at) / 1e6 for at in leaver.ended_at]
                disturbed += sum([not await echoes(socket) for one in present for socket in one.sockets])
                await crowd.open(newcomer)
                present.append(newcomer)
    return {
        "cut_ms_p50": round(percentile(waits, 0.5), 1),
        "cut_ms_p99": round(percentile(waits, 0.99), 1),
        "cut_ms_max": round(max(waits), 1),
        "others_disturbed": disturbed,
        "sockets_open": each * len(held),
        "sockets_cut": len(waits),
        "rounds": len(spare),
    }


async def _note_end(one: Held, socket: ClientConnection) -> None:
    await socket.wait_closed()
    one.ended_at.append(time.monotonic_ns())


async def echoes(socket: ClientConnection) -> bool:
    """Return whether a WebSocket still carries what is said, there and back."""
    try:
        await socket.send("still there")
        return bool(await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS) == "still there")
    except (ConnectionClosed, TimeoutError):
        return False


def main() -> int:
    """Run it; the last line is the result as JSON. Return 1 when it misses its goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--each", type=int, default=100, help="WebSockets a person")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="ostb-") as name:
        folder, port = Path(name), free_port()
        with (
            running_gateway(folder) as gateway,
            Program("the application", [sys.executable, "-m", "bench.socket_app", str(port)], folder / "app.out"),
        ):
            accounts = gateway.add_people(arguments.people + arguments.rounds, f"http://127.0.0.1:{port}")
            tls = ssl.create_default_context(cafile=str(gateway.authority))
            everybody = [
                Held(account, Browser(tls, f"127.0.1.{number + 1}")) for number, account in enumerate(accounts)
            ]
            for one in everybody:
                sign_in(one.browser, one.account, gateway.portal_url)
                enter(one.browser, gateway.app_url)
            figures = asyncio.run(
                measure(
                    gateway,
                    everybody[: arguments.people],
                    everybody[arguments.people :],
                    each=arguments.each,
                    log=folder / "disabler.err",
                )
            )
    result = {**figures, "load_before": load}
    print(json.dumps(result))
    return 0 if figures["cut_ms_p99"] <= GOAL_MS and not figures["others_disturbed"] else 1


if __name__ == "__main__":
    sys.exit(main())
