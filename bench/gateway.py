"""What the gateway costs, beside the same gateway without authorisation and beside the alternatives: one run, one line of JSON.

Run: python -m bench.gateway [--quick] [--only PART] [--rounds N] [--seconds S] [--write-docs]
"""

import argparse
import datetime
import shutil
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench import decision
from bench.browser import Browser
from bench.company import Account
from bench.figures import Figures, last_line, missed_goals
from bench.instance import Gateway, running_gateway
from bench.machine import describe_machine, require_programs
from bench.page import BUSY_LOAD, as_terminal_table, write_page
from bench.processes import progress, usable_cores
from bench.revocation import Person, measure_revocation, percentile
from bench.signin import enter, sign_in_all
from bench.traffic import measure_traffic
from bench.upstream import Upstream, start_upstream
from ostiary.errors import OstiaryError

PARTS = ("decisions", "memory", "traffic", "peers", "signin", "revocation")
COMPANY = 40
SETTLE_SECONDS = 8.0
MAX_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does.

    Args:
        parts: of `PARTS`.
        rounds: how often each variant takes its turn.
        seconds: how long one turn lasts, warm-up aside.
        trials: how many people are signed in and then disabled.
        settle_seconds: how long the instance stands idle before its memory is read.
        quick: whether it only shows that everything runs.
    """

    parts: frozenset[str]
    rounds: int
    seconds: int
    trials: int
    settle_seconds: float
    quick: bool

    @property
    def estimated_seconds(self) -> int:
        """How long it will take, roughly."""
        turns = 4 * ("traffic" in self.parts) + 6 * ("peers" in self.parts)
        people = self.trials if {"signin", "revocation"} & self.parts else 0
        return round(
            15
            + 30 * ("decisions" in self.parts)
            + self.settle_seconds * ("memory" in self.parts)
            + turns * self.rounds * (self.seconds + 1.6)
            + people * 0.35
        )


class Progress:
    """Says what is being done, and how much of the estimate has passed."""

    def __init__(self, estimate: int) -> None:
        self._began = time.monotonic()
        self._estimate = estimate

    @property
    def seconds(self) -> int:
        """Since the start."""
        return round(time.monotonic() - self._began)

    def __call__(self, text: str) -> None:
        """Say what begins now."""
        progress(f"{self.seconds:4d} s of about {self._estimate} s   {text}")


def run(plan: Plan) -> Figures:
    """Measure everything in `plan` and return the figures.

    Raises:
        OstiaryError: when something does not run, or a run is not what it claims to be.
    """
    require_programs()
    machine = describe_machine()
    say = Progress(plan.estimated_seconds)
    if machine.load_before > BUSY_LOAD:
        say(f"the load average is {machine.load_before:g}: others are busy, and the figures will suffer")
    found: dict[str, Any] = {}
    if "decisions" in plan.parts:
        say("decisions in one process, cold and warm")
        found |= {
            name: round(value, 2) for name, value in decision.measure().items() if name in Figures.__struct_fields__
        }
    if plan.parts - {"decisions"}:
        with _short_folder() as folder, ExitStack() as stack:
            found |= _with_gateway(plan, folder, stack, say)
    figures = Figures(
        **found,
        rounds=plan.rounds,
        seconds=plan.seconds,
        quick=plan.quick,
        measured_at=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        took_seconds=say.seconds,
        machine=machine,
    )
    return msgspec.structs.replace(figures, missed=missed_goals(figures))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is running: the gateway and the application behind it."""

    plan: Plan
    gateway: Gateway
    upstream: Upstream
    folder: Path
    say: Callable[[str], None]

    def browser(self, source: str) -> Browser:
        """Return a new browser that trusts the instance's authority."""
        return Browser(ssl.create_default_context(cafile=str(self.gateway.authority)), source=source)

    def add_people(self, number: int) -> list[Account]:
        """Make so many people more."""
        return self.gateway.add_people(number, f"http://127.0.0.1:{self.upstream.port}")


def _with_gateway(plan: Plan, folder: Path, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    upstream = start_upstream(folder)
    stack.enter_context(upstream.program)
    say("starting Ostiary")
    gateway = stack.enter_context(running_gateway(folder))
    scene = _Scene(plan, gateway, upstream, folder, say)
    say(f"a company of {COMPANY} people")
    accounts = scene.add_people(COMPANY)
    found: dict[str, Any] = {}
    if "memory" in plan.parts:
        say("memory, idle")
        time.sleep(plan.settle_seconds)
        found |= _memory(gateway)
    if {"traffic", "peers"} & plan.parts:
        found |= _traffic(scene, accounts[0])
    if {"signin", "revocation"} & plan.parts:
        found |= _people(scene)
    return found


def _memory(gateway: Gateway) -> dict[str, Any]:
    memory = gateway.memory()
    return {
        "resident_mb": round(sum(size.pss for size in memory.values()) / 2**20, 1),
        "resident_rss_mb": round(sum(size.rss for size in memory.values()) / 2**20, 1),
        "resident_mb_by_process": {name: round(size.pss / 2**20, 1) for name, size in memory.items()},
    }


def _traffic(scene: _Scene, account: Account) -> dict[str, Any]:
    with scene.browser("127.0.3.1") as browser:
        sign_in_all([browser], [account], scene.gateway.portal_url, at_once=1)
        enter(browser, scene.gateway.app_url)
        return measure_traffic(
            scene.gateway,
            scene.upstream,
            browser,
            scene.folder,
            rounds=scene.plan.rounds,
            seconds=scene.plan.seconds,
            ours="traffic" in scene.plan.parts,
            peers="peers" in scene.plan.parts,
            say=scene.say,
        )


def _people(scene: _Scene) -> dict[str, Any]:
    trials = scene.plan.trials
    scene.say(f"{trials} more people")
    accounts = scene.add_people(trials)
    browsers = [scene.browser(f"127.0.{4 + number // 250}.{1 + number % 250}") for number in range(trials)]
    at_once = len(usable_cores())
    scene.say(f"everybody signs in, {at_once} at once")
    done = sign_in_all(browsers, accounts, scene.gateway.portal_url, at_once=at_once)
    found: dict[str, Any] = {
        "signin_per_second": round(done.per_second, 1),
        "signin_ms_p50": round(percentile(done.seconds, 0.5) * 1000),
    }
    if "revocation" in scene.plan.parts:
        people = [Person(account.id, browser) for account, browser in zip(accounts, browsers, strict=True)]
        found |= _revocation(scene, people)
    for browser in browsers:
        browser.close()
    return found


def _revocation(scene: _Scene, people: Sequence[Person]) -> dict[str, Any]:
    scene.say("everybody opens the application")
    for person in people:
        enter(person.browser, scene.gateway.app_url)
        person.browser.close()
    scene.say("each is disabled while they are inside")
    trials = measure_revocation(scene.gateway, people, log=scene.folder / "disabler.err")
    refused = [trial.refused_ms for trial in trials]
    return {
        "revocation_ms_p50": round(percentile(refused, 0.5), 1),
        "revocation_ms_p99": round(percentile(refused, 0.99), 1),
        "revocation_ms_max": round(max(refused), 1),
        "revocation_last_allowed_ms_p99": round(percentile([trial.last_allowed_ms for trial in trials], 0.99), 1),
        "revocation_published_ms_p50": round(percentile([trial.published_ms for trial in trials], 0.5), 1),
        "revocation_published_ms_p99": round(percentile([trial.published_ms for trial in trials], 0.99), 1),
        "revocation_trials": len(trials),
    }


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Yield a folder whose path leaves room for sockets; keep its logs when something fails."""
    folder = Path(tempfile.mkdtemp(prefix="ostb-"))
    try:
        yield folder
    except BaseException:
        progress(f"The processes' own logs are kept in {folder}")
        raise
    shutil.rmtree(folder, ignore_errors=True)


def parse_arguments(arguments: Sequence[str]) -> tuple[Plan, argparse.Namespace]:
    """Return what to do and how to show it."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.gateway",
        description="Measures what the gateway costs. The last line of standard output is one JSON object.",
        epilog="A whole run takes about eight minutes on two cores, and wants them for itself.",
    )
    parser.add_argument("--rounds", type=int, help="turns of each variant (5)")
    parser.add_argument("--seconds", type=int, help="length of one turn (3)")
    parser.add_argument("--trials", type=int, help="revocations, each with a person of its own (200)")
    parser.add_argument("--quick", action="store_true", help="does everything work? a minute and a half, poor figures")
    parser.add_argument(
        "--only", action="append", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON line alone")
    parser.add_argument("--write-docs", action="store_true", help="put the figures into docs/benchmarks.md")
    chosen = parser.parse_args(arguments)
    if chosen.write_docs and (chosen.quick or chosen.only):
        parser.error("--write-docs needs a whole run, without --quick and --only")
    if chosen.seconds is not None and not 1 <= chosen.seconds <= MAX_SECONDS:
        parser.error(f"--seconds must be 1 to {MAX_SECONDS}: a grant lives longer than that, but not much")
    quick = bool(chosen.quick)
    plan = Plan(
        parts=frozenset(chosen.only or PARTS),
        rounds=chosen.rounds or (1 if quick else 5),
        seconds=chosen.seconds or (1 if quick else 3),
        trials=chosen.trials or (20 if quick else 200),
        settle_seconds=2.0 if quick else SETTLE_SECONDS,
        quick=quick,
    )
    return plan, chosen


def main(arguments: Sequence[str] = ()) -> int:
    """Run, show, return the exit status: 0 when every figure is valid, whether or not it reaches what it must."""
    plan, chosen = parse_arguments(arguments)
    try:
        figures = run(plan)
    except OstiaryError as error:
        print(f"✗ {error.message}\n  {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return 130
    if chosen.write_docs:
        write_page(figures)
    if not chosen.json:
        print(as_terminal_table(figures))
    print(last_line(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
