"""How long a WebSocket outlives its device's health: from the moment the agent sends its report to the end of the connection.

People work on devices of their own, each with WebSockets open through the gateway on connections that prove the device. One
device reports that its disk is not encrypted any more, which the rules require; measured is the time from just before its
agent sends that to the end of each of its WebSockets, as the browser sees it. Then everybody else's must still echo.

Run: python -m bench.posture [--rounds N] [--people N] [--each N] [--fleet N]
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.browser import Browser
from bench.company import RULES, Account
from bench.cut import Crowd, Held, echoes
from bench.instance import Gateway, running_gateway
from bench.laptops import Laptop, enrol_all
from bench.processes import Program, free_port, progress
from bench.revocation import percentile
from bench.signin import enter, sign_in
from ostiary.devices.domain.posture import Value

GOAL_MS: Final = 500.0
HEALTHY: Final[Mapping[str, Value]] = {"disk_encrypted": True}


def rules_asking(device: str) -> str:
    """Return the company's rules, of which the application's also asks this of the device."""
    return RULES.replace("      mfa: otp\n", f"      mfa: otp\n      device: {{{device}}}\n", 1)


async def measure(
    gateway: Gateway,
    held: Sequence[Held],
    laptops: Sequence[Laptop],
    *,
    each: int,
    rounds: int,
    healthy: Mapping[str, Value] = HEALTHY,
) -> dict[str, Any]:
    """Open everybody's sockets, have one device report something bad a round, and return the figures.

    Args:
        gateway: running.
        held: signed in and inside the application, each on a device of their own.
        laptops: those devices, in their order.
        each: sockets a person.
        rounds: how many devices become unhealthy, one after the other; fewer than there are.
        healthy: what they said until then; from then on their disk is not encrypted.

    Raises:
        InvalidRun: when sockets do not open, or do not end.
    """
    waits: list[float] = []
    answers: list[float] = []
    disturbed = 0
    async with Crowd(gateway, each=each) as crowd:
        for one in held:
            await crowd.open(one)
        for number in range(rounds):
            sick, laptop = held[number], laptops[number]
            laptop.ready()
            sent_at = time.monotonic_ns()
            await asyncio.to_thread(laptop.report, **{**healthy, "disk_encrypted": False})
            answers.append((time.monotonic_ns() - sent_at) / 1e6)
            await crowd.all_ended(sick)
            waits += [(at - sent_at) / 1e6 for at in sick.ended_at]
            disturbed += sum([not await echoes(socket) for one in held[number + 1 :] for socket in one.sockets])
    return {
        "posture_to_cut_ms_p50": round(percentile(waits, 0.5), 1),
        "posture_to_cut_ms_p99": round(percentile(waits, 0.99), 1),
        "posture_to_cut_ms_max": round(max(waits), 1),
        "report_answered_ms_p50": round(percentile(answers, 0.5), 1),
        "others_disturbed": disturbed,
        "sockets_cut": len(waits),
        "rounds": rounds,
    }


def main() -> int:
    """Run it; the last line is the result as JSON. Return 1 when it misses its goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--each", type=int, default=20, help="WebSockets a person")
    parser.add_argument("--fleet", type=int, default=0, help="further devices that are enrolled and have reported")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="ostb-") as name:
        folder, port = Path(name), free_port()
        with (
            running_gateway(folder) as gateway,
            Program("the application", [sys.executable, "-m", "bench.socket_app", str(port)], folder / "app.out"),
        ):
            people = max(arguments.people, arguments.rounds + 1)
            accounts = gateway.add_people(
                people, f"http://127.0.0.1:{port}", rules=rules_asking("disk_encrypted: true")
            )
            laptops = [Laptop(gateway, number, account.id) for number, account in enumerate(accounts)]
            crowd = [Laptop(gateway, people + n, accounts[0].id, laptops[0].key) for n in range(arguments.fleet)]
            enrol_all(gateway, [*laptops, *crowd])
            for number, one in enumerate(crowd):
                one.ready()
                one.report(disk_encrypted=True, security_updates_pending=number % 7)
                one.close()
            everybody = [at_work(gateway, folder, *pair) for pair in zip(laptops, accounts, strict=True)]
            progress(f"{len(everybody)} people are at work on devices of theirs, {len(crowd)} devices beside them")
            figures = asyncio.run(measure(gateway, everybody, laptops, each=arguments.each, rounds=arguments.rounds))
    print(json.dumps({**figures, "devices": people + arguments.fleet, "load_before": load}))
    return 0 if figures["posture_to_cut_ms_p99"] <= GOAL_MS and not figures["others_disturbed"] else 1


def at_work(
    gateway: Gateway, folder: Path, laptop: Laptop, account: Account, healthy: Mapping[str, Value] = HEALTHY
) -> Held:
    """Have somebody sign in on a healthy device of theirs and enter the application."""
    tls = ssl.create_default_context(cafile=str(gateway.authority))
    tls.load_cert_chain(laptop.certificate(folder))
    laptop.ready()
    laptop.report(**healthy)
    number = int(laptop.id[4:])
    one = Held(account, Browser(tls, f"127.0.{1 + number // 250}.{1 + number % 250}"), tls=tls)
    sign_in(one.browser, account, gateway.portal_url)
    enter(one.browser, gateway.app_url)
    return one


if __name__ == "__main__":
    sys.exit(main())
