"""Rules compiled to Cedar mean what the grammar says, as an independent evaluator reads it."""

from hypothesis import given
from tests.policy_material import APPS, cases, documents, engine
from tests.reference_evaluator import evaluate

from ostiary.policy.decision import Allow, Deny, ReasonCode


@given(documents, cases())
def test_engine_and_reference_agree(document, case):
    request, now = case
    allowed, names = evaluate(document, APPS, request, now)
    decision = engine(document).decide(request, now)
    assert isinstance(decision, Allow) == allowed, decision
    assert set(decision.rules) == names
    if isinstance(decision, Deny):
        assert decision.reason is not ReasonCode.ENGINE_ERROR, decision.detail
        assert decision.reason is not ReasonCode.MALFORMED_REQUEST, decision.detail
