"""An explanation says what the engine does: the same verdict, rules and unmet conditions; every least change opens."""

from itertools import combinations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.policy_material import cases, catalogue, documents, engine, refused, text_of

from ostiary.policy.conditions import gather
from ostiary.policy.decision import Allow, Deny
from ostiary.policy.identifiers import PolicyVersion
from ostiary.policy.reads import EVERYTHING
from ostiary.policy.request import AuthStrength
from ostiary.policy.rules.document import Effect
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import Rules
from ostiary.policy.why.candidates import candidate_changes
from ostiary.policy.why.changes import apply_changes, asks_no_less
from ostiary.policy.why.explainer import BY_RULES, Explainer, Explanation
from ostiary.policy.why.judgement import PartKey, asked_by, judge
from ostiary.policy.why.least import MAX_TRIED_TOGETHER, MAX_WAYS

FEW = settings(max_examples=80)
ALWAYS_CEDAR = '@id("beside") permit (principal in Group::"night", action, resource);'


def explainer(document: object, cedar: str = "") -> Explainer:
    rules = Rules(document=text_of(document), cedar=cedar, version=PolicyVersion("v1"))
    return Explainer(rules, catalogue())


def seen(explanation: Explanation):
    return {rule.name: rule for rule in (*explanation.in_reach, *explanation.near)}


@given(documents, cases())
def test_the_explanation_agrees_with_the_engine(document, case):
    request, now = case
    decision, explanation = engine(document).decide(request, now), explainer(document).explain(request, now)
    assert isinstance(explanation.decision, type(decision))
    assert explanation.decision.rules == decision.rules
    if isinstance(decision, Deny) and decision.reason not in BY_RULES:
        assert not explanation.in_reach
        assert not explanation.ways
        return
    rules = seen(explanation)
    applying = {name for name, rule in rules.items() if rule.applies}
    denying = {name for name in applying if rules[name].effect is Effect.DENY}
    assert set(decision.rules) == (denying or applying)
    assert len(rules) + explanation.others == len(document["rules"])
    for rule in rules.values():
        assert rule.applies == (rule.lacking == 0) == all(part.fits for part in rule.parts)
    if isinstance(decision, Deny):
        for unmet in decision.unmet:
            parts = [part for part in rules[unmet.rule].parts if part.code == _part_code(unmet.code)]
            assert any(part.holds is not True for part in parts), unmet
            assert (dict(unmet.facts)["seen"] == "not known") <= any(not part.saw for part in parts)


def _part_code(code: str) -> str:
    return {"action": PartKey.DO.value, "path": PartKey.PATHS.value}.get(code, code)


@given(documents, cases(), st.sampled_from(AuthStrength))
def test_every_least_change_opens_and_none_of_it_can_be_left_out(document, case, can_prove):
    request, now = case
    deciding = engine(document)
    explanation = explainer(document).explain(request, now, can_prove=can_prove)
    assert len(explanation.ways) <= MAX_WAYS
    for way in explanation.ways:
        changes = [one.change for one in way.changes]
        assert isinstance(deciding.decide(*apply_changes(request, now, changes)), Allow), changes
        for left_out in changes:
            fewer = [change for change in changes if change != left_out]
            refused(deciding.decide(*apply_changes(request, now, fewer)))
    for way, other in combinations(explanation.ways, 2):
        assert not all(any(asks_no_less(two.change, one.change) for two in other.changes) for one in way.changes)


@FEW
@given(documents, cases(), st.booleans())
def test_no_smaller_set_of_the_candidates_works(document, case, beside):
    """Every set of up to three candidates is put to the engine, without any of the search's own cleverness."""
    request, now = case
    cedar = ALWAYS_CEDAR if beside else ""
    deciding = engine(document, cedar=cedar)
    decision = deciding.decide(request, now)
    assume(isinstance(decision, Deny) and decision.reason in BY_RULES)
    candidates = candidates_of(document, request, now)
    ways = explainer(document, cedar).explain(request, now).ways
    sizes = [len(way.changes) for way in ways]
    assert sizes == sorted(sizes)
    least = min(sizes, default=MAX_TRIED_TOGETHER + 1)
    for size in range(1, min(least - 1, MAX_TRIED_TOGETHER) + 1):
        for tried in combinations(candidates, size):
            refused(deciding.decide(*apply_changes(request, now, tried)))


def candidates_of(document, request, now):
    labels = frozenset(catalogue().apps[request.resource.app].labels) | request.resource.labels
    asked = asked_by(request.subject, request.resource.app, labels)
    facts = gather(request, EVERYTHING, now)
    judged = [judge(rule, asked, facts) for rule in read_rules(text_of(document)).rules]
    about_this = sorted((one for one in judged if one.fits(PartKey.TO)), key=lambda one: (one.lacking, one.rule.name))
    return candidate_changes(about_this, asked, facts, can_prove=AuthStrength.PHISHING_RESISTANT)


@given(documents, cases())
def test_a_permission_ends_when_the_explanation_says(document, case):
    request, now = case
    deciding = engine(document)
    explanation = explainer(document).explain(request, now)
    if explanation.ending is None:
        return
    assert explanation.allowed
    assert explanation.ending.at > now
    denied = refused(deciding.decide(request, explanation.ending.at))
    assert denied.rules == explanation.ending.rules
    assert explanation.ending.rules or explanation.ending.conditions
    for share in (0.0, 0.3, 0.9, 0.999):
        assert isinstance(deciding.decide(request, now + share * (explanation.ending.at - now)), Allow)
