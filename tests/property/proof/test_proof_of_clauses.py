"""What is proved is never contradicted; what is refuted is refuted by the engine; rules compare as they decide."""

from hypothesis import given
from hypothesis import strategies as st
from tests.policy_material import APPS, cases, catalogue, documents, engine
from tests.proof_material import clause_of, plain_clauses, rulebook, some_points, speaks_of
from tests.property.proof.test_proof_classes_are_exact import as_catalogued
from tests.reference_evaluator import evaluate

from ostiary.policy.decision import Allow
from ostiary.policy.proof.facade import ClauseOutcome, ComparisonOutcome, compare, prove
from ostiary.policy.proof.rulebook import space_of

SECONDS = 60.0


@given(documents, plain_clauses, st.lists(cases(), max_size=6), st.data())
def test_a_clause_is_proved_or_refuted_and_rightly_so(document, plain, some, data):
    clause, rules = clause_of(plain), rulebook(document)
    (result,) = prove(rules, catalogue(), [clause], seconds=SECONDS)
    wanted = plain["kind"] == "always"
    if result.outcome is ClauseOutcome.REFUTED:
        found = result.counterexample
        assert found is not None
        assert speaks_of(plain, APPS[found.request.resource.app], found.request, found.at)
        assert isinstance(engine(document).decide(found.request, found.at), Allow) != wanted
        assert evaluate(document, APPS, found.request, found.at)[0] != wanted
        return
    assert result.outcome is ClauseOutcome.PROVED, result.words
    space = space_of([rules], [clause.rule], catalogue())
    tried = [space.request_at(point) for point in some_points(data, space, 6)]
    tried += [(as_catalogued(request), now) for request, now in some]
    for request, now in tried:
        if speaks_of(plain, APPS[request.resource.app], request, now):
            assert not result.means_nothing
            assert isinstance(engine(document).decide(request, now), Allow) == wanted


@given(documents, documents, st.data())
def test_a_comparison_says_how_the_engine_differs(document, other, data):
    others = other["rules"] if data.draw(st.booleans()) else other["rules"][:1] + document["rules"]
    other = {**other, "rules": [{**rule, "name": f"r{number}"} for number, rule in enumerate(others)]}
    old, new = rulebook(document), rulebook(other)
    result = compare(old, new, catalogue(), seconds=SECONDS)
    assert result.outcome not in (ComparisonOutcome.UNKNOWN, ComparisonOutcome.CANNOT_PROVE), result.words
    gains = result.outcome in (ComparisonOutcome.LOOSER, ComparisonOutcome.INCOMPARABLE)
    loses = result.outcome in (ComparisonOutcome.STRICTER, ComparisonOutcome.INCOMPARABLE)
    assert gains == (result.allowed_only_by_new is not None)
    assert loses == (result.allowed_only_by_old is not None)
    by_old, by_new = engine(document), engine(other)
    for example, refusing in ((result.allowed_only_by_new, by_old), (result.allowed_only_by_old, by_new)):
        if example is not None:
            assert example.allowed
            assert not isinstance(refusing.decide(example.request, example.at), Allow)
    space = space_of([old, new], (), catalogue())
    for point in some_points(data, space, 6):
        request, now = space.request_at(point)
        if request.subject.person and not request.subject.email:
            continue
        before, after = (isinstance(one.decide(request, now), Allow) for one in (by_old, by_new))
        assert before <= after or loses
        assert after <= before or gains
