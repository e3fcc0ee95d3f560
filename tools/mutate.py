"""Changes the code of the proofs in one small place at a time and sees whether the tests notice.

Run: python -m tools.mutate [--only MODULE] [--first N] [--every N]. Each mutant runs in a process of its own, in memory; no file
is touched. Prints what survived; the last line is JSON. What the tests are for is told by what they catch.
"""

import argparse
import ast
import copy
import importlib
import json
import os
import signal
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = "ostiary.policy.proof"
MODULES: Final = ("formula", "encoding", "questions", "candidates", "moments", "dimensions", "space", "added_cedar")
TESTS: Final = ("tests/unit/proof", "tests/property/proof")
CONTROL: Final = "tests/unit/proof/test_proof_of_clauses.py"
"""Passes without a change; so what fails with one fails for it."""

MAX_SECONDS: Final = 900
PRELOADED: Final = ("cedarpy", "django", "hypothesis", "pytest", "z3", "ostiary.policy.engine")

_COMPARISONS: Final = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: Final = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Mod: ast.Mult}
_NAMES: Final = {
    "TRUE": "FALSE",
    "FALSE": "TRUE",
    "every": "some",
    "some": "every",
    "all": "any",
    "any": "all",
    "min": "max",
    "max": "min",
}
_ATTRIBUTES: Final = {"holds": "may_hold", "may_hold": "holds", "ALLOW": "DENY", "DENY": "ALLOW"}
_NO_EFFECT: Final = ("strict", "maxsize")
_DROPPED: Final = ("negation", "_denied")


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Yield every changed tree with the line and what was changed."""
    options = {id(one.value) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for one in node.keywords}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in options:
            continue
        for change, (what, _) in enumerate(_changes(node)):
            changed = copy.deepcopy(tree)
            same = next(one for at, one in enumerate(ast.walk(changed)) if at == number)
            _, replacement = list(_changes(same))[change]
            _replace(changed, same, replacement)
            line = node.target.lineno if isinstance(node, ast.comprehension) else getattr(node, "lineno", 0)
            yield line, what, ast.fix_missing_locations(changed)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield changed copies of one node; annotations and texts have none."""
    yield from _changed_operators(node)
    yield from _changed_values(node)


def _changed_operators(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(ops=[op], left=left, comparators=comparators) if type(op) in _COMPARISONS:
            other = _COMPARISONS[type(op)]
            yield f"{type(op).__name__} → {other.__name__}", ast.Compare(left, [other()], comparators)
        case ast.BoolOp(op=op, values=values):
            swapped = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield f"{type(op).__name__} → {type(swapped).__name__}", ast.BoolOp(swapped, values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not dropped", operand
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "branches swapped", ast.IfExp(test, orelse, body)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            yield f"{type(op).__name__} changed", ast.BinOp(left, _ARITHMETIC[type(op)](), right)


def _changed_values(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Constant(value=bool() as value):
            yield f"{value} → {not value}", ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield f"{value} → {value + 1}", ast.Constant(value + 1)
        case ast.Call(func=ast.Name(id=name), args=[only]) if name in _DROPPED:
            yield f"{name} dropped", only
        case ast.Name(id=name) if name in _NAMES:
            yield f"{name} → {_NAMES[name]}", ast.Name(_NAMES[name], ast.Load())
        case ast.Attribute(value=value, attr=attr) if attr in _ATTRIBUTES:
            yield f"{attr} → {_ATTRIBUTES[attr]}", ast.Attribute(value, _ATTRIBUTES[attr], ast.Load())
        case ast.comprehension(target=target, iter=source, ifs=[_, *more], is_async=is_async):
            yield "filter dropped", ast.comprehension(target, source, more, is_async)
        case ast.List(elts=[*elements], ctx=ast.Load()) if len(elements) > 1:
            for at in range(len(elements)):
                yield f"element {at} dropped", ast.List(elements[:at] + elements[at + 1 :], ast.Load())


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(one is old for one in value):
                setattr(parent, field, [new if one is old else one for one in value])


def _without_annotations(tree: ast.Module) -> ast.Module:
    """Take out what has no effect on what the code computes, so that nobody changes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [one for one in node.keywords if one.arg not in _NO_EFFECT]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                argument.annotation = None
    return tree


def survives(module: str, tree: ast.Module, tests: tuple[str, ...]) -> bool:
    """Run the tests on a mutant in a process of its own; return whether none of them failed."""
    child = os.fork()
    if child == 0:
        signal.alarm(MAX_SECONDS)
        os.setsid()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            os._exit(_run(module, tree, tests))
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _run(module: str, tree: ast.Module, tests: tuple[str, ...]) -> int:
    import pytest  # noqa: PLC0415 - loaded in the parent already

    name = f"{PACKAGE}.{module}"
    mutant = types.ModuleType(name)
    mutant.__file__ = str(ROOT / "src" / Path(*name.split("."))) + ".py"
    mutant.__package__ = PACKAGE
    sys.modules[name] = mutant
    exec(compile(tree, mutant.__file__, "exec"), mutant.__dict__)  # noqa: S102 - our own code, changed
    setattr(importlib.import_module(PACKAGE), module, mutant)
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--assert=plain", *tests]))


def main() -> int:
    """Try every mutant; return 1 when one survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MODULES, action="append")
    parser.add_argument("--every", type=int, default=1, help="try one mutant of so many")
    parser.add_argument("--tests", action="append", help="instead of the prover's own tests")
    options = parser.parse_args()
    os.chdir(ROOT)
    for name in PRELOADED:
        importlib.import_module(name)
    tests = tuple(options.tests or TESTS)
    began, tried, alive = time.monotonic(), 0, []
    for module in options.only or MODULES:
        source = (ROOT / "src" / Path(*PACKAGE.split(".")) / f"{module}.py").read_text(encoding="utf-8")
        unchanged = _without_annotations(ast.parse(source))
        if not survives(module, unchanged, (CONTROL,)):
            print(f"The tests fail without any change to {module}.py.", file=sys.stderr)
            return 2
        for number, (line, what, tree) in enumerate(mutants(unchanged)):
            if number % options.every:
                continue
            tried += 1
            survived = survives(module, tree, tests)
            if survived:
                alive.append(f"{module}.py:{line}: {what}")
            print(f"{'SURVIVED' if survived else 'caught'}  {module}.py:{line}: {what}", file=sys.stderr, flush=True)
    print("\n".join(alive))
    minutes = round((time.monotonic() - began) / 60, 1)
    print(json.dumps({"mutants": tried, "caught": tried - len(alive), "survived": len(alive), "minutes": minutes}))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
