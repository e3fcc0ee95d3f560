"""Rules that are said never to meet never do, and what the linter calls without effect is without effect."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy_material import catalogue, documents
from tests.proof_material import rulebook, some_points

from ostiary.policy.proof.dimensions import ACTION, APP, KIND
from ostiary.policy.proof.facade import ComparisonOutcome, Oddity, compare, lint
from ostiary.policy.proof.formula import is_true, negation
from ostiary.policy.proof.overlap import Reach, classes_reached
from ostiary.policy.proof.rulebook import encode

IDLE = {Oddity.NEVER_MATCHES, Oddity.ADDS_NOTHING, Oddity.REMOVES_NOTHING, Oddity.ALWAYS_OVERRIDDEN}


@given(documents, st.data())
def test_rules_that_are_true_of_one_request_may_meet(document, data):
    space, encoded = encode(rulebook(document), catalogue())
    sizes = {name: len(space.dimensions[name].values) for name in (APP, ACTION, KIND)}
    reach = Reach({part.name: part.matches for part in encoded.parts}, sizes)
    allowed = encoded.allowed()
    for point in some_points(data, space, 10):
        true = [part.name for part in encoded.parts if is_true(part.matches, point)]
        assert all(reach.may_meet(one, other) for one in true for other in true)
        for formula in (allowed, negation(allowed), encoded.refused):
            for name, size in sizes.items():
                assert point[name] in classes_reached(formula, name, size) or not is_true(formula, point)


@settings(max_examples=60)
@given(documents)
def test_without_all_rules_that_are_said_to_do_nothing_the_same_is_allowed(document):
    found = lint(rulebook(document), catalogue(), seconds_each=60)
    idle = {one.rule for one in found if one.oddity in IDLE}
    left = {**document, "rules": [rule for rule in document["rules"] if rule["name"] not in idle]}
    outcome = compare(rulebook(document), rulebook(left), catalogue(), seconds=60).outcome
    assert outcome is ComparisonOutcome.EQUIVALENT
