"""How fast a million recorded requests are decided again by other rules, what keeping them costs, and how much room it takes.

Everything goes the product's own way: events on the record, the worker's job that keeps what decisions read, and the
replay of `ostiary rules replay`, in an instance of its own.

Run: python -m bench.replay
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

DOMAIN: Final = "bench.localhost"
GOAL: Final = 100_000
ROUNDS: Final = 3


@contextmanager
def instance_home() -> Iterator[Path]:
    """Yield a new instance's folder; it is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ostb-"))
    home = folder / "o"
    for name in [name for name in os.environ if name.startswith("OSTIARY_")]:
        del os.environ[name]
    try:
        ostiary = Path(sys.executable).with_name("ostiary")
        subprocess.run([ostiary, "init", "--home", home, "--domain", DOMAIN], check=True, stdout=subprocess.DEVNULL)
        os.environ["OSTIARY_HOME"] = str(home)
        yield home
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(requests: int) -> dict[str, Any]:
    """Return the figures; Django is set up.

    Args:
        requests: how many, about.
    """
    load = round(os.getloadavg()[0], 2)
    from django.conf import settings  # noqa: PLC0415 - as above

    from bench.past_company import CANDIDATE, IN_FORCE, a_month, open_logs, put_on_record  # noqa: PLC0415 - needs Django
    from ostiary.rulebook.facade import apply_rules, replay_candidate  # noqa: PLC0415 - as above
    from ostiary.visibility.facade import Actor  # noqa: PLC0415 - as above
    from ostiary.visibility.keeping import PastKeeper, replay_folder  # noqa: PLC0415 - as above

    apply_rules(IN_FORCE, comment="For the benchmark", actor=Actor(kind="system", id="bench", label="the benchmark"))
    logs, keeper = open_logs(), PastKeeper(settings.INSTANCE)
    written, keeping = 0, 0.0
    for day in a_month(requests, ends_at=time.time()):
        for start in range(0, len(day), 10_000):
            part = day[start : start + 10_000]
            put_on_record(part, logs)
            began = time.perf_counter()
            while keeper.keep(time.time()):
                pass
            keeping += time.perf_counter() - began
            written += len(part)
        say(f"{written:,} of {requests:,} requests on record and kept")
    keeper.close()
    for log in logs.values():
        log.close()
    size = sum(file.stat().st_size for file in replay_folder(settings.INSTANCE).rglob("*.past"))
    seconds, processor = [], []
    for _ in range(ROUNDS):
        began, worked = time.perf_counter(), time.process_time()
        report = replay_candidate(CANDIDATE, since=time.time() - 60 * 86400, until=time.time())
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
        say(f"{report.requests:,} requests decided again in {seconds[-1]:.1f} s")
    assert report.requests == written, (report.requests, written, report.unreplayed)
    middle = statistics.median(seconds)
    return {
        "requests": report.requests,
        "situations": report.situations,
        "changes": len(report.changes),
        "replay_seconds": round(middle, 2),
        "replay_processor_seconds": round(statistics.median(processor), 2),
        "replay_requests_per_second": round(report.requests / middle),
        "goal_requests_per_second": GOAL,
        "stored_bytes": size,
        "stored_bytes_per_request": round(size / written, 2),
        "keeping_us_per_request": round(keeping / written * 1e6, 1),
        "cores": os.cpu_count(),
        "load_before": load,
    }


def say(words: str) -> None:
    """Tell how far it is, on standard error."""
    print(words, file=sys.stderr, flush=True)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what to do."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.replay",
        description="Times a replay. The last line of standard output is one JSON object.",
        epilog="A million requests take a few minutes to make, and two gigabytes while it runs.",
    )
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many, about (1,000,000)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 1 when the goal is missed."""
    chosen = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    with instance_home():
        from ostiary.cli.django import setup  # noqa: PLC0415 - reads the environment
        from ostiary.cli.output import quiet_logs  # noqa: PLC0415 - as above

        setup()
        quiet_logs("error")
        figures = measure(chosen.requests)
    per_second = figures["replay_requests_per_second"]
    print(f"decided again          {per_second:>12,} requests a second   (at least {GOAL:,})")
    print(f"room                   {figures['stored_bytes_per_request']:>12} bytes a request")
    print(f"keeping, by the worker {figures['keeping_us_per_request']:>12} µs a request")
    print(json.dumps(figures))
    return 0 if per_second >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
