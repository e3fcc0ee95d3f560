"""What ten thousand devices cost that report every five minutes, and whether somebody is still cut off in time meanwhile.

Every report comes on a connection of its own, as an agent's does, signed, through the gateway; one in a hundred says something
new, and every twelve hours' worth of them a certificate is renewed. One device in twenty is not up to date, and reports more often. Each device has a fortnight of certificates behind it. Counted is the
processor time of everything that Ostiary runs, whatever it is for, and of its PostgreSQL server where it has one, against that of one core.
Meanwhile, one device after the other reports that it is not compliant any more, as the rules require; measured is how soon its WebSocket ends.

Run: python -m bench.fleet [--devices N] [--seconds N] [--every SECONDS] [--postgres]
"""

import argparse
import asyncio
import heapq
import json
import operator
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tools.postgres import PostgresServer, postgres_server

from bench.instance import Gateway, running_gateway
from bench.laptops import Laptop, enrol_all
from bench.load import InvalidRun
from bench.posture import at_work, measure, rules_asking
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
WELL: Final = {"disk_encrypted": True, "security_update_age_days": 0}
LACKING_EVERY: Final = 20
"""One in so many lacks something, is not kept out yet, and so reports more often."""
GREETED_A_SECOND: Final = 60.0
BASELINE: Final = """\
version: 1
name: encrypted
words: What the fleet needs.
checks:
  - name: disk-encryption
    require: {disk_encrypted: true}
    severity: critical
    ladder: {block: 0d}
  - name: security-updates
    require: {security_update_age_days: {at_most: 30}}
    severity: high
    ladder: {notify: 7d, block: 30d}
"""


class Fleet:
    """Devices that all report, spread evenly over the time between two reports; those that lack something as often as they are told.

    Args:
        laptops: enrolled.
        every_seconds: how often each reports that lacks nothing.
    """

    def __init__(self, laptops: Sequence[Laptop], *, every_seconds: float = REPORT_SECONDS) -> None:
        self._well = [one for one in laptops if not _lacks(one)]
        self._lacking = [one for one in laptops if _lacks(one)]
        self._every = self.lacking_every = every_seconds
        self._renew_every = round(RENEW_SECONDS / every_seconds)
        self.answered_ms: list[float] = []
        self.late = 0
        self.renewed = 0
        self.failed: list[str] = []
        self._lock = threading.Lock()

    def greet(self, seconds: float) -> None:
        """Have those report once whose turn comes within so long, and those that lack something: each has the number for its next then."""
        first = [*self._lacking, *self._well[: 1 + int(seconds * len(self._well) / self._every)]]
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            going = []
            for number, laptop in enumerate(first):
                time.sleep(max(0.0, began + number / GREETED_A_SECOND - time.monotonic()))
                going.append(pool.submit(self._first, laptop))
            told = [one.result() for one in going]
        if self._lacking:
            self.lacking_every = statistics.median(told[: len(self._lacking)])

    def run(self, seconds: float) -> float:
        """Report for so long; return how many reports a second were sent."""
        began, sent = time.monotonic(), 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for at, laptop in self._turns(seconds):
                sleep = began + at - time.monotonic()
                if sleep > 0:
                    time.sleep(sleep)
                self.late += sleep < -1.0
                pool.submit(self._again, laptop, news=sent % NEWS_EVERY == 0, renews=sent % self._renew_every == 0)
                sent += 1
        return sent / (time.monotonic() - began)

    def _turns(self, seconds: float) -> Iterator[tuple[float, Laptop]]:
        """Yield whose turn is after how many seconds, in that order."""
        turns = []
        for laptops, every in ((self._well, self._every), (self._lacking, self.lacking_every)):
            pause = every / len(laptops) if laptops else seconds
            count = int(seconds / pause) if laptops else 0
            turns.append([(number * pause, laptops[number % len(laptops)]) for number in range(count)])
        return heapq.merge(*turns, key=operator.itemgetter(0))

    def _first(self, laptop: Laptop) -> float:
        laptop.ready()
        again_in = laptop.report(**_facts(laptop, news=False))["again_in"]
        laptop.close()
        return float(str(again_in))

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


def _lacks(laptop: Laptop) -> bool:
    return int(laptop.id[4:]) % LACKING_EVERY == 0


def _facts(laptop: Laptop, *, news: bool) -> dict[str, bool | int | str]:
    """Return what a laptop says that is healthy or merely not up to date; `news`: some of it is otherwise than before, and nothing that
    rules ask for.
    """
    number = int(laptop.id[4:])
    return {
        "os_version": "Debian GNU/Linux 12 (bookworm)",
        "os_supported": True,
        "os_support_days": 565,
        "security_updates_pending": random.randrange(1, 40) if news else number % 5,
        "security_update_age_days": 45 if _lacks(laptop) else number % 9,
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
        accounts = gateway.add_people(people, f"http://127.0.0.1:{port}", rules=rules_asking("compliant: true"))
        (folder / "encrypted.yaml").write_text(BASELINE)
        gateway.command("baseline", "set", str(folder / "encrypted.yaml"), "--yes")
        gateway.command("baseline", "require", "encrypted", "--yes")
        own = [Laptop(gateway, number, account.id) for number, account in enumerate(accounts)]
        crowd = [Laptop(gateway, people + n, accounts[0].id, own[0].key, given=GIVEN) for n in range(devices)]
        enrol_all(gateway, own)
        enrol_all(gateway, crowd, lambda one: _facts(one, news=False))
        held = [at_work(gateway, folder, *pair, WELL) for pair in zip(own, accounts, strict=True)]
        fleet = Fleet(crowd, every_seconds=every)
        progress(f"{devices} devices have reported; those whose turn comes connect once before it")
        fleet.greet(seconds + 3.0 * rounds)
        progress(
            f"for {seconds:.0f} seconds each reports every {every:.0f} seconds, and one in {LACKING_EVERY}, which is not up to "
            f"date, every {fleet.lacking_every:.0f}"
        )
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
        "fleet_lacking_every_seconds": fleet.lacking_every,
        "fleet_late": fleet.late,
        "fleet_renewed": fleet.renewed,
        "fleet_posture_to_cut_ms_p50": cuts["posture_to_cut_ms_p50"],
        "fleet_posture_to_cut_ms_p99": cuts["posture_to_cut_ms_p99"],
        "fleet_others_disturbed": cuts["others_disturbed"],
    }


def _cut_meanwhile(gateway: Gateway, fleet: Fleet, held: Any, own: Any, rounds: int) -> dict[str, Any]:
    with ThreadPoolExecutor(1) as pool:
        going_on = pool.submit(fleet.run, 3.0 * rounds)
        figures = asyncio.run(measure(gateway, held, own, each=5, rounds=rounds, healthy=WELL))
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
