"""A refusal is held only where what the person can do alone and at once satisfies the whole of one rule."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from tests.visibility_material import ADA, HTTP, NOW, REQUEST, denies

from ostiary.policy.decision import Deny, ReasonCode, Remedy, RemedyKind, UnmetCondition
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion, RuleName
from ostiary.policy.snapshot import AppFact, Catalogue, Rules
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.domain.decision_record import outcome_of, parse_decision_event
from ostiary.visibility.domain.holding import first_unmet, is_held, told_words, ways_of
from ostiary.visibility.domain.index_entry import DecisionEntry, index_entry

AT_ONCE = [RemedyKind.SIGN_IN, RemedyKind.STEP_UP, RemedyKind.SET_UP]
NOT_AT_ONCE = [*(kind for kind in RemedyKind if kind not in AT_ONCE), None]


def unmet(rule: str, kind: RemedyKind | None) -> UnmetCondition:
    remedy = None if kind is None else Remedy(kind=kind, words="Do it")
    return UnmetCondition(rule=RuleName(rule), code="x", words=f"{rule} {kind}", remedy=remedy)


def denied(*conditions: UnmetCondition, reason: ReasonCode = ReasonCode.CONDITIONS_UNMET, **more: Any) -> Deny:
    return Deny(reason=reason, unmet=conditions, policy_version=PolicyVersion("abc"), generation=Generation(1), **more)


@pytest.mark.parametrize("kind", AT_ONCE)
def test_one_step_that_is_all_a_rule_asks_for_holds(kind: RemedyKind) -> None:
    assert is_held(denied(unmet("a", kind)))
    assert is_held(denied(unmet("a", kind), unmet("a", RemedyKind.STEP_UP)))


@pytest.mark.parametrize("kind", NOT_AT_ONCE)
def test_a_step_up_beside_what_nobody_can_do_at_once_is_useless(kind: RemedyKind | None) -> None:
    assert not is_held(denied(unmet("a", RemedyKind.STEP_UP), unmet("a", kind)))
    assert not is_held(denied(unmet("a", kind), unmet("a", RemedyKind.STEP_UP)))
    assert not is_held(denied(unmet("a", kind)))


@pytest.mark.parametrize("kind", NOT_AT_ONCE)
def test_one_rule_that_can_be_satisfied_is_enough_and_is_the_one_told(kind: RemedyKind | None) -> None:
    decision = denied(unmet("near", kind), unmet("far", RemedyKind.STEP_UP), unmet("far", RemedyKind.SET_UP))
    assert is_held(decision)
    assert told_words(decision) == "far step_up"
    assert [(way.rule, way.at_once) for way in ways_of(decision)] == [("near", False), ("far", True)]


def test_conditions_of_different_rules_do_not_add_up() -> None:
    scattered = denied(
        unmet("a", RemedyKind.STEP_UP), unmet("b", RemedyKind.STEP_UP), unmet("a", RemedyKind.ASK), unmet("b", None)
    )
    assert not is_held(scattered)
    assert told_words(scattered) == "a step_up"


@pytest.mark.parametrize("reason", list(ReasonCode))
def test_only_missing_proof_and_unmet_conditions_hold(reason: ReasonCode) -> None:
    step = unmet("a", RemedyKind.STEP_UP)
    unproven = reason in {
        ReasonCode.UNAUTHENTICATED,
        ReasonCode.SESSION_ENDED,
        ReasonCode.SESSION_IDLE,
        ReasonCode.PROOF_TOO_OLD,
    }
    assert is_held(denied(reason=reason)) is unproven
    assert is_held(denied(step, reason=reason)) is (unproven or reason is ReasonCode.CONDITIONS_UNMET)


def test_a_denial_tells_its_rules_own_reason_first() -> None:
    decision = denied(unmet("a", RemedyKind.STEP_UP), reason=ReasonCode.DENIED_BY_RULE, because=("Not for you.",))
    assert told_words(decision) == "Not for you."
    assert not is_held(decision)


@given(denies)
def test_what_is_held_is_told_with_a_rule_that_can_be_satisfied(decision: Deny) -> None:
    ways = ways_of(decision)
    assert sorted(map(repr, (one for way in ways for one in way.conditions))) == sorted(map(repr, decision.unmet))
    assert len({way.rule for way in ways}) == len(ways)
    if decision.unmet and is_held(decision) and decision.reason is ReasonCode.CONDITIONS_UNMET:
        told = first_unmet(decision)
        assert told is not None
        assert next(way for way in ways if way.rule == told.rule).at_once


RULES = """\
version: 1
rules:
  - name: finance-reads-reports
    allow: group:finance
    to: app:wiki
    do: view
    paths: /reports/*
    when:
      mfa: phishing-resistant
"""


@pytest.mark.parametrize(("path", "outcome"), [("/reports/may", "held"), ("/admin", "refused")])
def test_the_rules_path_decides_whether_a_passkey_would_help(path: str, outcome: str) -> None:
    """The engine's own answers: the same rule, its path met and not."""
    catalogue = Catalogue(apps={AppId("wiki"): AppFact(id=AppId("wiki"), host="wiki.example.test", name="Wiki")})
    engine = PolicyEngine(Rules(document=RULES, version=PolicyVersion("v")), catalogue, Generation(1))
    resource = msgspec.structs.replace(REQUEST.resource, path=path)
    request = msgspec.structs.replace(REQUEST, resource=resource)
    decision = engine.decide(request, NOW)
    assert outcome_of(decision) == outcome
    line = decision_event(reference="R", at=NOW, request=request, decision=decision, http=HTTP, person=ADA)
    event = json.loads(line)
    assert event["disposition"] == {"held": "Challenge", "refused": "Blocked"}[outcome]
    record = parse_decision_event(line)
    assert event["message"] == record.told
    assert ("passkey" in record.told) is (outcome == "held")
    entry = index_entry(line)
    assert isinstance(entry, DecisionEntry)
    assert (entry.outcome, entry.rule) == (outcome, "finance-reads-reports")
