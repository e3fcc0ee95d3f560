"""A decision told as a test reads back the same and passes under the rules that made it, or is refused in words."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.policy_cases import slugs
from tests.policy_material import APPS, LABELS, catalogue, documents, text_of
from tests.policy_material import cases as requests

from ostiary.policy.decision import Allow, Decision
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation, Label
from ostiary.policy.recorded_case import NotATest, case_of
from ostiary.policy.request import AccessRequest, AuthStrength
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.statements import REASONS_OF_RULES
from ostiary.policy.rules.writer import write_test
from ostiary.policy.snapshot import Rules
from ostiary.policy.testing import run_tests

some_labels = st.frozensets(st.sampled_from(LABELS).map(Label))


def with_labels(request: AccessRequest) -> AccessRequest:
    """The request as the decision service makes it: with the labels that the app has."""
    labels = request.resource.labels | frozenset(map(Label, APPS.get(request.resource.app, ())))
    return msgspec.structs.replace(request, resource=msgspec.structs.replace(request.resource, labels=labels))


def cannot_be_told(request: AccessRequest, decision: Decision) -> bool:
    """Whether there is a reason why this is no test."""
    subject = request.subject
    odd_group = any(not group.isascii() or not group.isalpha() for group in subject.groups)
    odd_path = not request.resource.path.startswith("/")
    proving_service = subject.service is not None and any(
        proof.strength > AuthStrength.SINGLE for proof in subject.authentications
    )
    by_rules = isinstance(decision, Allow) or decision.reason in REASONS_OF_RULES
    return odd_group or odd_path or proving_service or not by_rules


@given(documents, requests(), slugs, some_labels)
def test_a_decision_told_as_a_test_passes_under_its_rules(document, question, name, now_labelled):
    asked, at = question
    request, rules = with_labels(asked), Rules(document=text_of(document))
    decision = PolicyEngine(rules, catalogue(), Generation(0)).decide(request, at)
    try:
        case = case_of(request, at, decision, rules, name=name, labels=now_labelled)
    except NotATest:
        assert cannot_be_told(request, decision)
        return
    (read,) = read_rules(f"version: 1\ntests:\n{write_test(case)}").tests
    assert (read.name, read.request, read.at, read.expect) == (case.name, case.request, case.at, case.expect)
    then = {request.resource.app: sorted(request.resource.labels)}
    (result,) = run_tests(read_rules(f"version: 1\ntests:\n{write_test(case)}"), rules, catalogue(then))
    assert result.passed, result
    assert case.request.resource.labels == request.resource.labels - now_labelled
