"""The small changes that are made to a module's code, one at a time. Who makes them and sees what happens: `mutate`."""

import ast
import copy
from collections.abc import Iterator
from typing import Final

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


def function_around(tree: ast.Module, line: int) -> range | None:
    """Return the lines of the outermost function that has a line; `None` when it is in none."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    spans = (range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in functions)
    return next((span for span in spans if line in span), None)


def without_annotations(tree: ast.Module) -> ast.Module:
    """Take out what has no effect on what the code computes, so that nobody changes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [one for one in node.keywords if one.arg not in _NO_EFFECT]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                argument.annotation = None
    return tree
