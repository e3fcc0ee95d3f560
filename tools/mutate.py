"""Changes the code of the proofs in one small place at a time and sees whether the tests notice.

Run: python -m tools.mutate [--only MODULE] [--line N] [--every N] [--found FILE]. Each mutant runs in a process of its own,
in memory; no file is touched. Prints what survived; the last line is JSON. What the tests are for is told by what they catch.
"""

import argparse
import ast
import importlib
import json
import os
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from tools.mutants import function_around, mutants, without_annotations
from tools.mutation_tests import FEW_EXAMPLES, RANDOM, Coverage, InTurn, record, run

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = "ostiary.policy.proof"
FOLDER: Final = ROOT / "src" / Path(*PACKAGE.split("."))
MODULES: Final = (
    "formula",
    "questions",
    "candidates",
    "added_cedar",
    "cedar_reader",
    "dimensions",
    "moments",
    "rulebook",
    "clauses",
    "solver",
    "encoding",
    "space",
)
TESTS: Final = ("tests/unit/proof", "tests/property/proof")
MAX_SECONDS: Final = 900
"""For all that is not in a test; tests have limits of their own."""

PRELOADED: Final = ("cedarpy", "django", "hypothesis", "pytest", "z3", "ostiary.policy.engine")


class Trial:
    """Runs the tests on mutants.

    Args:
        tests: folders or files of tests.
        scratch: a folder for what processes tell each other.
        found: a file with what the tests do on the code as it is; made when it is not there.
    """

    def __init__(self, tests: tuple[str, ...], scratch: Path, found: Path) -> None:
        self._tests = tests
        self._random = tuple(one for one in tests if one.startswith(RANDOM))
        self._failed = scratch / "failed"
        if not found.exists() and not _passes(lambda: record(FOLDER, tests, found)):
            raise SystemExit("The tests fail without any change.")
        self._coverage = msgspec.json.decode(found.read_bytes(), type=Coverage)

    def survives(self, module: str, tree: ast.Module, line: int) -> bool:
        """Return whether no test fails on the mutant: first with few examples, then the random ones with all of theirs."""
        turns = self._coverage.order(str(FOLDER / f"{module}.py"), line, function_around(tree, line))
        in_turn = InTurn(turns, self._coverage.seconds, self._failed)
        self._failed.write_text("")
        for tests, examples in ((self._tests, FEW_EXAMPLES), (self._random, None)):
            if tests and not _passes(partial(_tried, module, tree, tests, in_turn, examples)):
                self._coverage.caught[self._failed.read_text()] += 1
                return False
        return True

    @property
    def noticed_by(self) -> str:
        """The test that caught the last mutant; empty when not even the tests could be read."""
        return self._failed.read_text()


def _passes(act: Callable[[], int]) -> bool:
    """Do something in a process of its own; return whether it came to 0."""
    child = os.fork()
    if child == 0:
        signal.alarm(MAX_SECONDS)
        os.setsid()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            os._exit(act())
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _tried(module: str, tree: ast.Module, tests: tuple[str, ...], in_turn: InTurn, examples: int | None) -> int:
    """Put the mutant in the module's place, in this process, and run the tests; return what pytest returns."""
    name = f"{PACKAGE}.{module}"
    mutant = types.ModuleType(name)
    mutant.__file__ = str(FOLDER / f"{module}.py")
    mutant.__package__ = PACKAGE
    sys.modules[name] = mutant
    exec(compile(tree, mutant.__file__, "exec"), mutant.__dict__)  # noqa: S102 - our own code, changed
    setattr(importlib.import_module(PACKAGE), module, mutant)
    return run(tests, in_turn, examples)


def main() -> int:
    """Try every mutant; return 1 when one survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MODULES, action="append")
    parser.add_argument("--every", type=int, default=1, help="try one mutant of so many")
    parser.add_argument("--line", type=int, action="append", help="change only this line")
    parser.add_argument("--tests", action="append", help="instead of the prover's own tests")
    parser.add_argument(
        "--found", type=Path, help="keep what the tests run in this file, for further runs on the same code"
    )
    options = parser.parse_args()
    os.chdir(ROOT)
    for name in PRELOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as scratch:
        found = options.found or Path(scratch) / "found.json"
        trial = Trial(tuple(options.tests or TESTS), Path(scratch), found)
        began, tried, alive = time.monotonic(), 0, []
        for module in options.only or MODULES:
            unchanged = without_annotations(ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8")))
            for number, (line, what, tree) in enumerate(mutants(unchanged)):
                if number % options.every or (options.line and line not in options.line):
                    continue
                tried += 1
                place = f"{module}.py:{line}: {what}"
                if trial.survives(module, tree, line):
                    alive.append(place)
                    print(f"SURVIVED  {place}", file=sys.stderr, flush=True)
                else:
                    print(f"caught    {place}  by {trial.noticed_by}", file=sys.stderr, flush=True)
    print("\n".join(alive))
    minutes = round((time.monotonic() - began) / 60, 1)
    print(json.dumps({"mutants": tried, "caught": tried - len(alive), "survived": len(alive), "minutes": minutes}))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
