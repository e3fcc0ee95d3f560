"""The classes of requests are exact: what stands for a class gets the answer that every request of the class gets."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.policy_material import APPS, cases, catalogue, documents, engine, text_of
from tests.proof_material import some_points
from tests.reference_evaluator import evaluate

from ostiary.policy.decision import Allow
from ostiary.policy.proof.formula import is_true
from ostiary.policy.proof.rulebook import encode
from ostiary.policy.request import AuthStrength
from ostiary.policy.snapshot import Rules

replace = msgspec.structs.replace


def as_catalogued(request):
    """The request for an app that exists, labelled as it is in the catalogue."""
    app = request.resource.app if request.resource.app in APPS else "console"
    return replace(request, resource=replace(request.resource, app=app, labels=frozenset()))


@given(documents, cases())
def test_the_formula_the_class_and_the_request_have_one_answer(document, case):
    request, now = as_catalogued(case[0]), case[1]
    space, encoded = encode(Rules(document=text_of(document)), catalogue())
    point = space.point_of(request, now)
    representative, moment = space.request_at(point)
    deciding = engine(document)
    decision = deciding.decide(request, now)
    stands_for_it = deciding.decide(representative, moment)
    assert isinstance(stands_for_it, Allow) == isinstance(decision, Allow)
    assert stands_for_it.rules == decision.rules
    assert is_true(encoded.allowed(), point) == isinstance(decision, Allow)
    assert space.point_of(representative, moment) == point


@given(documents, cases(), st.sampled_from(AuthStrength))
def test_who_can_prove_no_more_is_at_the_points_of_those_who_gave_no_stronger_proof(document, case, strength):
    request, now = as_catalogued(case[0]), case[1]
    space, _ = encode(Rules(document=text_of(document)), catalogue())
    given_proofs = tuple(one for one in request.subject.authentications if one.strength <= strength)
    weaker = replace(request, subject=replace(request.subject, authentications=given_proofs))
    assert is_true(space.proves_at_most(strength), space.point_of(weaker, now))
    point = space.point_of(request, now)
    if is_true(space.proves_at_most(strength), point):
        stands_for_it, _ = space.request_at(point)
        assert all(one.strength <= strength for one in stands_for_it.subject.authentications)


@given(documents, st.data())
def test_at_every_point_formula_engine_and_reference_agree(document, data):
    space, encoded = encode(Rules(document=text_of(document)), catalogue())
    allowed, deciding = encoded.allowed(), engine(document)
    for point in some_points(data, space, 10):
        request, now = space.request_at(point)
        decision = deciding.decide(request, now)
        matching = {part.name for part in encoded.parts if is_true(part.matches, point)}
        expected, names = evaluate(document, APPS, request, now)
        assert is_true(allowed, point) == isinstance(decision, Allow) == expected
        assert names <= matching
        assert is_true(encoded.refused, point) or set(decision.rules) == names
