"""What ten thousand devices cost that report every five minutes, and whether somebody is still cut off in time meanwhile.

Every report comes on a connection of its own, as an agent's does, signed, through the gateway; one in a hundred says something
new, and every twelve hours' worth of them a certificate is renewed. Each device has a fortnight of certificates behind it. Counted is the
processor time of everything that Ostiary runs, whatever it is for, and of its PostgreSQL server where it has one, against that of one core.
Meanwhile, one device after the other reports what the rules forbid; measured is how soon its WebSocket ends.

Run: python -m bench.fleet [--devices N] [--seconds N] [--every SECONDS] [--postgres]
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tools.postgres import PostgresServer, postgres_server

from bench.instance import Gateway, running_gateway
from bench.laptops import Laptop, enrol_all
from bench.load import InvalidRun
from bench.posture import HEALTHY_RULES, at_work, measure
from bench.processes import Program, cpu_seconds, family_of, free_port, progress
from bench.revocation import percentile

GOAL_PERCENT: Final = 60.0
CUT_GOAL_MS: Final = 500.0
REPORT_SECONDS: Final = 300.0
AT_ONCE: Final = 8
NEWS_EVERY: Final = 100
RENEW_SECONDS: Final = 12 * 3600.0
GIVEN: Final = 28
"""How many certificates each was given in the last fortnight."""


class Fleet:
    """Devices that all report, spread evenly over the time between two reports.

    Args:
        laptops: enrolled.
        every_seconds: how often each reports.
    """

    def __init__(self, laptops: Sequence[Laptop], *, every_seconds: float = REPORT_SECONDS) -> None:
        self._laptops = laptops
        self._pause = every_seconds / len(laptops)
        self._renew_every = round(RENEW_SECONDS / every_seconds)
        self.answered_ms: list[float] = []
        self.late = 0
        self.renewed = 0
        self.failed: list[str] = []
        self._lock = threading.Lock()

    def greet(self, number: int) -> None:
        """Have the first so many devices report once, as fast as that goes: each has the number for its next report then."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(self._first, self._laptops[:number]):
                pass

    def run(self, seconds: float) -> float:
        """Report for so long; return how many reports a second were sent."""
        began, sent = time.monotonic(), 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while (now := time.monotonic()) < began + seconds:
                due = began + sent * self._pause
                if due > now:
                    time.sleep(due - now)
                elif now - due > 1.0:
                    self.late += 1
                laptop = self._laptops[sent % len(self._laptops)]
                pool.submit(self._again, laptop, news=sent % NEWS_EVERY == 0, renews=sent % self._renew_every == 0)
                sent += 1
        return sent / (time.monotonic() - began)

    def _first(self, laptop: Laptop) -> None:
        laptop.ready()
        laptop.report(**_facts(laptop, news=False))
        laptop.close()

    def _again(self, laptop: Laptop, *, news: bool, renews: bool) -> None:
        began = time.monotonic()
        try:
            laptop.report(**_facts(laptop, news=news))
            with self._lock:
                self.answered_ms.append((time.monotonic() - began) * 1000)
            if renews:
                laptop.renew()
                laptop.ready()
                self.renewed += 1
        except (InvalidRun, OSError) as error:
            self.failed.append(str(error))
        finally:
            laptop.close()


def _facts(laptop: Laptop, *, news: bool) -> dict[str, bool | int | str]:
    """Return what a healthy laptop says; `news`: some of it is otherwise than before, and nothing that rules ask for."""
    number = int(laptop.id[4:])
    return {
        "os_version": "Debian GNU/Linux 12 (bookworm)",
        "os_supported": True,
        "os_support_days": 565,
        "security_updates_pending": random.randrange(1, 40) if news else number % 5,
        "security_update_age_days": number % 9,
        "disk_encrypted": True,
        "firewall_on": True,
        "screen_lock": True,
        "screen_lock_minutes": 5,
        "antivirus_running": number % 3 > 0,
        "secure_boot": True,
        "automatic_updates": True,
        "daily_administrator": number % 11 == 0,
        "listening_services": number % 4,
        "clock_offset_seconds": 0,
    }


def measure_fleet(
    folder: Path,
    *,
    devices: int,
    seconds: float,
    every: float = REPORT_SECONDS,
    rounds: int = 5,
    database: PostgresServer | None = None,
) -> dict[str, Any]:
    """Run it, and return the figures.

    Args:
        folder: its path must be short.
        devices: how many there are.
        seconds: for how long they report before devices become unhealthy.
        every: how often each reports, in seconds.
        rounds: how many become unhealthy.
        database: where the instance keeps its state; `None` for SQLite.

    Raises:
        InvalidRun: when a report fails, or a connection does not end.
    """
    port = free_port()
    application = Program("the application", [sys.executable, "-m", "bench.socket_app", str(port)], folder / "app.out")
    with running_gateway(folder, database=database.url if database else "") as gateway, application:
        people = rounds + 2
        accounts = gateway.add_people(people, f"http://127.0.0.1:{port}", rules=HEALTHY_RULES)
        own = [Laptop(gateway, number, account.id) for number, account in enumerate(accounts)]
        crowd = [Laptop(gateway, people + n, accounts[0].id, own[0].key, given=GIVEN) for n in range(devices)]
        enrol_all(gateway, own)
        enrol_all(gateway, crowd, lambda one: _facts(one, news=False))
        held = [at_work(gateway, folder, *pair) for pair in zip(own, accounts, strict=True)]
        fleet = Fleet(crowd, every_seconds=every)
        speak = min(devices, 1 + int((seconds + 3.0 * rounds) * devices / every))
        progress(f"{devices} devices have reported; those whose turn comes, {speak}, connect once before it")
        fleet.greet(speak)
        progress(f"for {seconds:.0f} seconds each reports every {every:.0f} seconds")
        before, began = _cpu(gateway, database), time.monotonic()
        rate = fleet.run(seconds)
        percent = (_cpu(gateway, database) - before) / (time.monotonic() - began) * 100
        answered = list(fleet.answered_ms)
        progress(
            f"that took {percent:.1f} % of a core, {rate:.1f} reports a second, {percentile(answered, 0.99):.0f} ms p99"
        )
        progress("and while they go on, devices become unhealthy one after the other")
        cuts = _cut_meanwhile(gateway, fleet, held, own, rounds)
    if fleet.failed:
        raise InvalidRun(f"{len(fleet.failed)} reports failed: {fleet.failed[0]}")
    return {
        "fleet_cpu_percent": round(percent, 1),
        "fleet_devices": devices,
        "fleet_reports_per_second": round(rate, 1),
        "fleet_report_ms_p50": round(percentile(answered, 0.5), 1),
        "fleet_report_ms_p99": round(percentile(answered, 0.99), 1),
        "fleet_late": fleet.late,
        "fleet_renewed": fleet.renewed,
        "fleet_posture_to_cut_ms_p50": cuts["posture_to_cut_ms_p50"],
        "fleet_posture_to_cut_ms_p99": cuts["posture_to_cut_ms_p99"],
        "fleet_others_disturbed": cuts["others_disturbed"],
    }


def _cut_meanwhile(gateway: Gateway, fleet: Fleet, held: Any, own: Any, rounds: int) -> dict[str, Any]:
    with ThreadPoolExecutor(1) as pool:
        going_on = pool.submit(fleet.run, 3.0 * rounds)
        figures = asyncio.run(measure(gateway, held, own, each=5, rounds=rounds))
        going_on.result()
    return figures


def _cpu(gateway: Gateway, database: PostgresServer | None) -> float:
    """Return the processor seconds of everything that Ostiary runs, and of its database server."""
    pids = [*family_of(gateway.supervisor.pid), *(family_of(database.pid) if database else ())]
    return cpu_seconds(pids)


def measure_with(folder: Path, *, devices: int, seconds: float, every: float, postgres: bool) -> dict[str, Any]:
    """As `measure_fleet`, on a PostgreSQL server of its own where that is asked for."""
    if not postgres:
        return measure_fleet(folder, devices=devices, seconds=seconds, every=every)
    with postgres_server(durable=True) as server:
        return measure_fleet(folder, devices=devices, seconds=seconds, every=every, database=server)


def main() -> int:
    """Run it; the last line is the result as JSON. Return 1 when it misses a goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=REPORT_SECONDS, help="seconds between two reports of one device")
    parser.add_argument("--postgres", action="store_true", help="keep its state in a PostgreSQL server of its own")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="ostb-") as name:
        figures = measure_with(
            Path(name),
            devices=arguments.devices,
            seconds=arguments.seconds,
            every=arguments.every,
            postgres=arguments.postgres,
        )
    print(json.dumps({**figures, "load_before": load}))
    return 0 if is_good(figures) else 1


def is_good(figures: dict[str, Any]) -> bool:
    """Return whether every goal is met."""
    cheap = figures["fleet_cpu_percent"] <= GOAL_PERCENT
    soon = figures["fleet_posture_to_cut_ms_p99"] <= CUT_GOAL_MS
    return bool(cheap and soon and not figures["fleet_others_disturbed"])


if __name__ == "__main__":
    sys.exit(main())
