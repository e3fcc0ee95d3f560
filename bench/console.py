"""How long each page of the console takes to make, on an instance with a large company in it.

What is timed is all that the control plane does: the caller's assertion verified, the permission looked up, the
database asked, the record read, the page rendered. The gateway in front and the browser are not.

Run: python -m bench.console
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.revocation import percentile
from ostiary.cli.output import quiet_logs
from ostiary.errors import OstiaryError

DOMAIN = "bench.localhost"
MARK = "bench.json"
LIMIT_MS = 200.0
WARM_UP_ROUNDS = 2


class NotOurs(OstiaryError):
    """A folder holds something else than an instance of this benchmark."""


def is_file(name: str) -> bool:
    """Tell whether an address answers with a file, which may take longer than a page."""
    return name.endswith("_export") or name == "decision_event"


def summarise(took: Mapping[str, Sequence[float]], company: Mapping[str, int], load: float) -> dict[str, Any]:
    """Return the figures.

    Args:
        took: the milliseconds each page took, by what it is called.
        company: how many of what there were.
        load: load average of the minute before; above 0.5, others were busy.
    """
    pages = {
        name: {"median_ms": round(statistics.median(times), 1), "p95_ms": round(percentile(times, 0.95), 1)}
        for name, times in took.items()
    }
    medians = {name: figures["median_ms"] for name, figures in pages.items() if not is_file(name)}
    return {
        **company,
        "rounds": max(map(len, took.values())),
        "load_before": load,
        "limit_ms": LIMIT_MS,
        "slowest_ms": max(medians.values()),
        "missed": sorted(name for name, median in medians.items() if median > LIMIT_MS),
        "pages": pages,
    }


def as_table(figures: Mapping[str, Any]) -> str:
    """Return one line a page, aligned. A file is bound to nothing."""
    lines = [f"  {'page':<34}{'median':>10}{'p95':>10}   (at most {figures['limit_ms']:g} ms)"]
    for name, one in figures["pages"].items():
        mark = "·" if is_file(name) else "✗" if name in figures["missed"] else "✓"
        lines.append(f"{mark} {name:<34}{one['median_ms']:>7.1f} ms{one['p95_ms']:>7.1f} ms")
    return "\n".join(lines)


@contextmanager
def instance_folder(kept: Path | None) -> Iterator[Path]:
    """Yield a place for an instance: the one to keep, or one that is removed afterwards."""
    if kept is not None:
        yield kept.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="ostb-"))
    try:
        yield folder / "o"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(home: Path, *, rounds: int, company: Mapping[str, int]) -> dict[str, Any]:
    """Measure the instance in `home`; make it and the company in it first, unless an earlier run did.

    Raises:
        NotOurs: when there is something else.
    """
    load = round(os.getloadavg()[0], 2)
    mark, is_new = home / MARK, not home.exists()
    if not is_new and not mark.exists():
        raise NotOurs(f"{home} holds no instance of this benchmark.", hint="Name a folder that does not exist yet.")
    for name in [name for name in os.environ if name.startswith("OSTIARY_")]:
        del os.environ[name]  # they belong to another instance; its database must not receive this company
    if is_new:
        ostiary = Path(sys.executable).with_name("ostiary")
        subprocess.run([ostiary, "init", "--home", home, "--domain", DOMAIN], check=True, stdout=subprocess.DEVNULL)
    os.environ["OSTIARY_HOME"] = str(home)
    from ostiary.cli.django import setup  # noqa: PLC0415 - reads the environment

    setup()
    quiet_logs("error")
    if is_new:
        from bench.office import fill  # noqa: PLC0415 - Django must be set up first

        began = time.monotonic()
        fill(**company)
        print(f"The company was made in {time.monotonic() - began:.0f} s", file=sys.stderr)
        mark.write_text(json.dumps(company), encoding="utf-8")
    from bench.console_pages import time_pages  # noqa: PLC0415 - Django must be set up first

    took = time_pages(rounds=rounds, warm_up=WARM_UP_ROUNDS)
    return summarise(took, json.loads(mark.read_text(encoding="utf-8")), load)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what to do."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.console",
        description="Times every page of the console. The last line of standard output is one JSON object.",
        epilog="Making the company takes about two minutes; --home keeps it for the next run.",
    )
    parser.add_argument(
        "--home", type=Path, help="make the instance here and keep it, or use the one an earlier run made"
    )
    parser.add_argument("--rounds", type=int, default=20, help="how often each page is opened (20)")
    for what, number in (
        ("people", 10_000),
        ("sessions", 2_000),
        ("decisions", 50_000),
        ("requests", 20_000),
        ("events", 20_000),
    ):
        parser.add_argument(f"--{what}", type=int, default=number, help=f"how many, when it is made ({number:,})")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] = ()) -> int:
    """Run, show, return the exit status: 0 when every figure is valid, whatever it is."""
    chosen = vars(parse_arguments(arguments))
    kept, rounds = chosen.pop("home"), chosen.pop("rounds")
    try:
        with instance_folder(kept) as home:
            figures = run(home, rounds=rounds, company=chosen)
    except OstiaryError as error:
        print(f"✗ {error.message}\n  {error.hint}", file=sys.stderr)
        return 1
    print(as_table(figures))
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
