"""Random clauses and small worlds for the tests of the proofs."""

import itertools
from collections.abc import Iterator

import msgspec
from hypothesis import strategies as st

from ostiary.policy.proof.formula import Point
from ostiary.policy.proof.space import Space
from ostiary.policy.request import AccessRequest
from ostiary.policy.rules.document import Effect, Rule
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.statements import Clause, ClauseKind
from ostiary.policy.snapshot import Rules
from tests.policy_material import actions, every_condition, path_scopes, targets, text_of, who
from tests.reference_evaluator import allow_applies, deny_applies, means

replace = msgspec.structs.replace
parts = {"paths": path_scopes, "do": actions, "when": every_condition}
plain_clauses = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("never"), "who": who, "to": targets}, optional={**parts, "unless": every_condition}
    ),
    st.fixed_dictionaries({"kind": st.just("always"), "who": who, "to": targets}, optional=parts),
)


def rulebook(document: object, cedar: str = "") -> Rules:
    return Rules(document=document if isinstance(document, str) else text_of(document), cedar=cedar)


def clause_of(plain: dict) -> Clause:
    """A clause from plain values. Its `when` may hold any condition, so each part is read as an allow rule has it."""
    kind = ClauseKind(plain["kind"])
    rest = {key: value for key, value in plain.items() if key not in ("kind", "who", "unless")}
    rule = _read({"allow": plain["who"], "do": "any", **rest})
    unless = (
        _read({"allow": "anyone", "do": "any", "to": "anything", "when": plain["unless"]}).when
        if "unless" in plain
        else ()
    )
    effect = Effect.DENY if kind is ClauseKind.NEVER else Effect.ALLOW
    return Clause(kind=kind, rule=replace(rule, effect=effect, unless=unless))


def speaks_of(plain: dict, labels: list[str], request: AccessRequest, now: float) -> bool:
    """Whether a clause speaks of a request, as the independent evaluator reads it."""
    never = plain["kind"] == "never"
    rule = {**plain, "deny" if never else "allow": plain["who"]}
    applies = deny_applies if never else allow_applies
    nameless = bool(request.subject.person) and not request.subject.email
    return not nameless and means(rule, request, set(labels)) and applies(rule, request, now)


def points_of(space: Space) -> Iterator[Point]:
    """Every point of a small space."""
    names = list(space.dimensions)
    for classes in itertools.product(*(range(len(one.values)) for one in space.dimensions.values())):
        yield dict(zip(names, classes, strict=True))


def size_of(space: Space) -> int:
    size = 1
    for dimension in space.dimensions.values():
        size *= len(dimension.values)
    return size


def some_points(data: st.DataObject, space: Space, count: int) -> list[Point]:
    """Points anywhere in a space, drawn by Hypothesis."""
    one = st.fixed_dictionaries(
        {name: st.integers(0, len(dimension.values) - 1) for name, dimension in space.dimensions.items()}
    )
    return data.draw(st.lists(one, min_size=1, max_size=count))


def _read(rule: dict) -> Rule:
    return read_rules(text_of({"version": 1, "rules": [{"name": "clause", **rule}]})).rules[0]
