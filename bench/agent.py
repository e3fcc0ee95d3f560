"""What an agent costs the computer it runs on, and with `--only fleet` what ten thousand of them cost the instance.

A real agent, as people install it, is enrolled at a real instance and runs for a minute and a half: it looks every ten seconds
at what is quick to look at, and reports when something changed. The change is a port that is opened and closed again, so that reports
come often enough to tell what one costs. An agent reports every five minutes when nothing changes, so its processor time is what
its quick looks took, and every five minutes what one whole look with its report took besides. What it starts with, a first look at
everything, with apt going through its lists, is shown apart: it is done again only when packages or package lists change.
Counted are the agent and the programs it starts, from `/proc`.

Run: python -m bench.agent [--only agent|fleet] [--seconds N]
"""

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.fleet import REPORT_SECONDS, is_good, measure_with
from bench.instance import Gateway, running_gateway
from bench.laptops import Laptop, enrol_all
from bench.load import InvalidRun
from bench.processes import TICKS_PER_SECOND, Program, family_of, memory_of, progress
from ostiary.agent.folder import AUTHORITY_FILE, ENROLMENT_FILE, KEY_FILE, Enrolled, Folder

GOAL_CPU_PERCENT: Final = 1.0
GOAL_RESIDENT_MB: Final = 60.0
PATIENCE_SECONDS: Final = 120.0
SAMPLE_SECONDS: Final = 0.05
CHANGES: Final = 4


class Watch:
    """An agent that runs, watched in `/proc`."""

    def __init__(self, agent: Program, folder: Folder) -> None:
        """Begin to watch."""
        self._agent, self._folder = agent, folder
        self.peak_mb = 0.0

    def reported_at(self) -> float:
        """Return when it reported last; 0 for never."""
        answered = self._folder.reports().answered
        return answered.at if answered is not None else 0.0

    def cpu_seconds(self) -> float:
        """Return the processor time of the agent and of every program it started that has ended."""
        try:
            fields = Path(f"/proc/{self._agent.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            raise InvalidRun(f"The agent has ended: {self._agent.last_words()}") from None
        return sum(int(fields[at]) for at in (11, 12, 13, 14)) / TICKS_PER_SECOND

    def resident_mb(self) -> float:
        """Return what the agent and what it started keep resident now, shared pages counted in each."""
        total = 0.0
        for pid in family_of(self._agent.pid):
            try:
                total += memory_of((pid,)).rss / 2**20
            except OSError:
                continue
        self.peak_mb = max(self.peak_mb, total)
        return total

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Watch until something is so. Raises `InvalidRun` when it does not come to be."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > end:
                raise InvalidRun(f"Waited in vain until {what}: {self._agent.last_words()}")
            self.resident_mb()
            time.sleep(SAMPLE_SECONDS)

    def rest(self, seconds: float) -> float:
        """Watch for a while; return the processor seconds a second that it took."""
        began, before = time.monotonic(), self.cpu_seconds()
        self.until(lambda: time.monotonic() - began >= seconds, "the time was over")
        return (self.cpu_seconds() - before) / (time.monotonic() - began)


def measure_agent(folder: Path, *, seconds: float) -> dict[str, Any]:
    """Run one in a folder whose path is short, and return the figures.

    Args:
        folder: for the instance and the agent.
        seconds: how long only quick looks are measured.

    Raises:
        InvalidRun: when the agent ends, or does not report.
    """
    with running_gateway(folder) as gateway:
        own = _enrolled(gateway, folder / "agent")
        words = [sys.executable, "-m", "ostiary.agent", "--folder", str(own.path), "run"]
        with Program("the agent", words, folder / "agent.out") as agent:
            watch = Watch(agent, own)
            progress("the agent looks at everything for the first time")
            watch.until(lambda: watch.reported_at() > 0, "the agent reported")
            start_cpu, start_peak = watch.cpu_seconds(), watch.peak_mb
            watch.peak_mb = 0.0
            progress(f"for {seconds:.0f} seconds nothing changes")
            quick = watch.rest(seconds)
            progress("something changes, and changes back")
            report = _cost_of_report(watch, quick)
        return {
            "agent_cpu_percent": round(100 * (quick + report / REPORT_SECONDS), 3),
            "agent_resident_mb": round(watch.peak_mb, 1),
            "agent_quick_looks_cpu_percent": round(100 * quick, 3),
            "agent_report_cpu_seconds": round(report, 3),
            "agent_start_cpu_seconds": round(start_cpu, 2),
            "agent_start_peak_mb": round(start_peak, 1),
            "agent_seconds": seconds,
        }


def _cost_of_report(watch: Watch, quick: float) -> float:
    """Return the processor seconds of a whole look with its report, beyond the quick looks of the same time."""
    began, before = time.monotonic(), watch.cpu_seconds()
    opened: list[socket.socket] = []
    for _ in range(CHANGES):
        last = watch.reported_at()
        if opened:
            opened.pop().close()
        else:
            opened.append(socket.create_server(("0.0.0.0", 0)))  # that others could reach it is the change
        watch.until(lambda last=last: watch.reported_at() > last, "the agent reported a change")  # type: ignore[misc]
    spent = watch.cpu_seconds() - before - quick * (time.monotonic() - began)
    return max(0.0, spent / CHANGES)


def _enrolled(gateway: Gateway, path: Path) -> Folder:
    """Enrol a computer and give its agent what it would have kept of that."""
    (owner,) = gateway.add_people(1, "http://127.0.0.1:9")
    laptop = Laptop(gateway, 1, owner.id)
    enrol_all(gateway, [laptop])
    folder = Folder(path)
    with folder.held():
        kept = {
            KEY_FILE: laptop.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            AUTHORITY_FILE: gateway.authority.read_bytes(),
            ENROLMENT_FILE: msgspec.json.encode(
                Enrolled(origin=laptop.audience, device=laptop.id, name="Laptop", owner=owner.email)
            ),
        }
        for name, content in kept.items():
            (path / name).touch(0o600)
            (path / name).write_bytes(content)
    return folder


def main() -> int:
    """Run it; the last line is the result as JSON. Return 1 when it misses a goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", choices=("agent", "fleet"))
    parser.add_argument("--seconds", type=float, default=60.0, help="of quick looks, and of the fleet's reports")
    parser.add_argument("--devices", type=int, default=10_000)
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 2)}
    met = True
    if arguments.only != "fleet":
        with tempfile.TemporaryDirectory(prefix="ostb-") as name:
            figures |= measure_agent(Path(name), seconds=arguments.seconds)
        met = is_light(figures)
    if arguments.only != "agent":
        for postgres in (True, False):
            progress(f"the fleet, on {'PostgreSQL' if postgres else 'SQLite'}")
            with tempfile.TemporaryDirectory(prefix="ostb-") as name:
                fleet = measure_with(
                    Path(name),
                    devices=arguments.devices,
                    seconds=arguments.seconds,
                    every=REPORT_SECONDS,
                    postgres=postgres,
                )
            met = met and is_good(fleet)
            figures |= {f"postgresql_{key}": value for key, value in fleet.items()} if postgres else fleet
    print(json.dumps(figures))
    return 0 if met else 1


def is_light(figures: dict[str, Any]) -> bool:
    """Return whether an agent's goals are met."""
    light = figures["agent_cpu_percent"] <= GOAL_CPU_PERCENT and figures["agent_resident_mb"] <= GOAL_RESIDENT_MB
    return bool(light)


if __name__ == "__main__":
    sys.exit(main())
