"""Random clauses and small worlds for the tests of the proofs."""

import itertools
from collections.abc import Iterator

import msgspec
from hypothesis import strategies as st

from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.proof.dimensions import MOMENT
from ostiary.policy.proof.formula import Point, is_true
from ostiary.policy.proof.rulebook import encode
from ostiary.policy.proof.space import Space
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Device
from ostiary.policy.rules.document import Effect, Rule
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.statements import Clause, ClauseKind
from ostiary.policy.snapshot import Rules
from tests.policy_material import (
    APPS,
    AUTUMN,
    DAY,
    NOON,
    PATHS,
    PEOPLE,
    SERVICES,
    SPRING,
    actions,
    ask,
    catalogue,
    engine,
    every_condition,
    path_scopes,
    targets,
    text_of,
    who,
)
from tests.reference_evaluator import allow_applies, deny_applies, means

replace = msgspec.structs.replace
MAX_POINTS = 20_000
ADDRESSES = [
    None,
    "junk",
    "9.255.255.255",
    "10.0.0.0",
    "10.1.2.2",
    "10.1.2.3",
    "10.1.2.4",
    "10.255.255.255",
    "11.0.0.0",
    "255.255.255.255",
    "::",
    "2001:db7:ffff::",
    "2001:db8::",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "::ffff:10.1.2.3",
    "::fffe:ffff:ffff",
    "::1:0:0:0",
    "fe80::1%eth0",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]
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


def assert_exact(document: dict, cedar: str = "", *, deciding: PolicyEngine | None = None) -> None:
    """Formula, class and engine agree at every point of the space, and at the nastiest requests outside its own values.

    Args:
        deciding: the engine to ask, when it is not the one for these rules.
    """
    rules = rulebook(document, cedar)
    deciding = deciding or engine(document, cedar=cedar)
    space, encoded = encode(rules, catalogue())
    allowed = encoded.allowed()
    assert size_of(space) <= MAX_POINTS, size_of(space)
    answers = {}
    for point in points_of(space):
        request, now = space.request_at(point)
        decision = deciding.decide(request, now)
        assert is_true(allowed, point) == isinstance(decision, Allow), (point, decision)
        for part in encoded.parts:
            assert is_true(part.matches, point) or part.name not in decision.rules, (point, decision)
        answers[tuple(point.values())] = decision.rules
    for request, now in nasty_requests(with_moments=len(space.dimensions[MOMENT].values) > 1):
        point = space.point_of(request, now)
        assert deciding.decide(request, now).rules == answers[tuple(point.values())], (request, now)


def nasty_requests(*, with_moments: bool) -> Iterator[tuple[AccessRequest, float]]:
    """Requests at and around the limits of what the tests' rules ask, one thing changed at a time.

    Args:
        with_moments: whether the clock matters.
    """
    for request in (*_nasty_subjects(), *_nasty_facts(), *_nasty_proofs()):
        yield request, NOON
    for minutes in range(0, 8 * 24 * 60, 15) if with_moments else ():
        yield ask(), AUTUMN - DAY + minutes * 60
        yield ask(), SPRING - DAY + minutes * 60 - 1


def _nasty_subjects() -> Iterator[AccessRequest]:
    for person, email in itertools.product((*PEOPLE, "px"), ("anna@example.com", "BEN@example.com", "x@y.z", None)):
        yield ask(person=person, email=email)
    for service, chosen in itertools.product((*SERVICES, "px"), ((), ("staff",), ("admins", "night"))):
        yield ask(person=None, service=service, groups=chosen)
        yield ask(groups=chosen)
    for app, action in itertools.product(APPS, ActionClass):
        yield ask(app, action=action)


def _nasty_facts() -> Iterator[AccessRequest]:
    yield from (ask(path=path) for path in [*PATHS, "/docs/", "/docsx", "/admin/x/y", "/a", "/a/", "/ab", "/é"])
    yield from (ask(address=address) for address in ADDRESSES)
    yield from (ask(country=country) for country in (None, "DE", "NO", "FR", "US", "ZZ", "de"))
    yield from (ask(risk=risk) for risk in (None, *range(101)))
    for value in (True, False, 0, 1, 2, 13, 14, 15, -1, "apple", "14", "true", ""):
        yield from (ask(device=Device(attributes=((name, value),))) for name in ("disk", "os_version", "vendor"))
    for managed, compliant in itertools.product((None, True, False), repeat=2):
        yield ask(device=Device(managed=managed, compliant=compliant))


def _nasty_proofs() -> Iterator[AccessRequest]:
    ages = (-6, -5, -1, 0, 29, 30, 31, 599, 600, 601, 43199, 43200, 43201, 10**6)
    for first, second, ago in itertools.product(AuthStrength, AuthStrength, ages):
        yield ask(proofs=(Authentication("x", first, NOON - ago), Authentication("y", second, NOON - 60)))
        yield ask(proofs=(Authentication("x", first, NOON - ago),))


def some_points(data: st.DataObject, space: Space, count: int) -> list[Point]:
    """Points anywhere in a space, drawn by Hypothesis."""
    one = st.fixed_dictionaries(
        {name: st.integers(0, len(dimension.values) - 1) for name, dimension in space.dimensions.items()}
    )
    return data.draw(st.lists(one, min_size=1, max_size=count))


def _read(rule: dict) -> Rule:
    return read_rules(text_of({"version": 1, "rules": [{"name": "clause", **rule}]})).rules[0]
