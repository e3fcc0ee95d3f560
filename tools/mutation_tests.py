"""Runs the tests on a mutant: those that are likely to notice it first, and none that cannot.

Which tests run which lines, and how long they take, is found once, on the code as it is. A test that does not enter
a function cannot notice what is changed inside. A random test may enter it the next time, so these always run.
"""

import json
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec
import pytest
from hypothesis import Phase, settings

RANDOM: Final = "tests/property/"
"""Tests that are run with few examples first, and with all of them on what survives."""

FEW_EXAMPLES: Final = 20
_LEAST_SECONDS: Final = 60
_TIMES: Final = 20
"""A test that takes so many times longer than on the code as it is has noticed the change, in its way."""


class Coverage(msgspec.Struct):
    """What the tests do on the code as it is.

    Args:
        lines: for each file, for each of its lines that runs, the tests that run it.
        seconds: how long each test took while that was found.
        caught: how many mutants each test has caught so far.
    """

    lines: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]
    caught: Counter[str] = msgspec.field(default_factory=Counter)

    def order(self, file: str, line: int, function: range | None) -> dict[str, int]:
        """Return each test's turn: those that run the line first, among them those that have caught most, then the quickest.

        Args:
            file: the one that is changed.
            line: where.
            function: the lines of the function around it; `None` when it is in none. What cannot enter it has no turn.
        """
        ran = self.lines.get(file, {})
        likely = set(ran.get(line, ()))
        able = {name for one in function for name in ran.get(one, ())} if function else set(self.seconds)
        turns = sorted(
            (name for name in self.seconds if name in able or name.startswith(RANDOM)),
            key=lambda name: (name not in likely, -self.caught[name], self.seconds[name]),
        )
        return {name: turn for turn, name in enumerate(turns)}


class Examples:
    """Holds random tests to a number of examples, the same in every run, and does not look for the simplest one that fails."""

    def __init__(self, examples: int | None) -> None:
        self._examples = examples

    def pytest_sessionstart(self) -> None:
        """Take effect after the tests' own settings were read, and before the tests are."""
        usual = settings.get_current_profile_name()
        held = {} if self._examples is None else {"max_examples": self._examples}
        settings.register_profile(
            "mutants",
            settings.get_profile(usual),
            phases=(Phase.explicit, Phase.generate),
            database=None,
            derandomize=True,
            **held,
        )
        settings.load_profile("mutants")


class Recorder:
    """Takes note of which lines of some files each test runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._ran: set[tuple[str, int]] = set()
        self.lines: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what one test runs. What an earlier one left in a cache is forgotten, so that it runs."""
        self._ran.clear()
        for module in [
            one for one in sys.modules.values() if str(getattr(one, "__file__", "")).startswith(self._folder)
        ]:
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
        began = time.monotonic()
        sys.settrace(self._enter)
        try:
            result = yield
        finally:
            sys.settrace(None)
        self.seconds[item.nodeid] = time.monotonic() - began
        for file, line in self._ran:
            self.lines[file][line].append(item.nodeid)
        return result

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._at_line if event == "call" and frame.f_code.co_filename.startswith(self._folder) else None

    def _at_line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self._ran.add((frame.f_code.co_filename, frame.f_lineno))
        return self._at_line


class InTurn:
    """Runs tests in an order, each with a limit of time; takes note of what fails."""

    def __init__(self, turns: dict[str, int], seconds: dict[str, float], failed: Path) -> None:
        self._turns = turns
        self._seconds = seconds
        self._failed = failed

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put them in their order, without those that have no turn; what is not known yet comes first."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._turns or item.nodeid not in self._seconds),
            key=lambda item: self._turns.get(item.nodeid, -1),
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Limit how long the test may take; its name stands there if it takes longer."""
        self._failed.write_text(nodeid)
        signal.alarm(int(_LEAST_SECONDS + _TIMES * self._seconds.get(nodeid, 0.0)))


def record(folder: Path, tests: tuple[str, ...], found: Path) -> int:
    """Run the tests on the code as it is and write what they do to a file; return what pytest returns."""
    recorder = Recorder(folder)
    status = pytest.main([*_OPTIONS, *tests], plugins=[recorder, Examples(FEW_EXAMPLES)])
    found.write_text(json.dumps({"lines": recorder.lines, "seconds": recorder.seconds}))
    return int(status)


def run(tests: tuple[str, ...], in_turn: InTurn, examples: int | None) -> int:
    """Run tests until one fails; return what pytest returns."""
    return int(pytest.main(["-x", *_OPTIONS, *tests], plugins=[in_turn, Examples(examples)]))


_OPTIONS: Final = ("-q", "-p", "no:cacheprovider", "--assert=plain")
