"""Every word of the grammar, and every operator of the Cedar that proofs cover, against the engine at every point."""

import json
from typing import get_args

import pytest
from cedarpy import policies_to_json_str
from tests.policy_material import catalogue, engine, rules_of, text_of
from tests.proof_material import assert_exact, clause_of, points_of, rulebook

from ostiary.policy.cedar.extra import ExtraCedar
from ostiary.policy.compiled import CompiledRules
from ostiary.policy.identifiers import RuleName
from ostiary.policy.proof.added_cedar import added_parts
from ostiary.policy.proof.cedar_reader import OPERATORS
from ostiary.policy.proof.encoding import encode_rules
from ostiary.policy.proof.facade import ClauseOutcome, ComparisonOutcome, Oddity, compare, lint, prove
from ostiary.policy.proof.formula import is_true
from ostiary.policy.proof.questions import Asked
from ostiary.policy.proof.space import Space
from ostiary.policy.rules.document import Condition, Effect, TargetKind, WhoKind
from ostiary.policy.rules.reader import read_rules

STAFF = {"allow": "group:staff", "to": "anything", "do": "any"}


def allow(**more):
    return {**STAFF, **more}


def deny(**more):
    return {"deny": "anyone", "to": "anything", **more}


GRAMMAR = {
    "group": [allow(allow="group:staff"), allow(allow=["group:admins", "group:night"], to="app:console")],
    "person": [allow(allow=["person:p1", "person:p2"])],
    "email": [allow(allow="person:Anna@Example.com"), allow(allow="group:staff", to="app:console")],
    "email and person": [allow(allow="person:p1"), deny(deny="person:anna@example.com")],
    "service": [allow(allow=["service:backup", "group:staff"])],
    "anyone": [allow(allow="anyone", to="app:wiki"), deny(deny="service:backup")],
    "app": [allow(to=["app:wiki", "app:console"]), deny(to="app:wiki", deny="group:admins")],
    "label": [allow(to=["label:restricted", "label:public"])],
    "anything": [allow(), deny(to="label:restricted")],
    "do": [allow(do=["view", "edit"]), deny(do="edit", to="app:wiki")],
    "exact path": [allow(paths=["/admin", "/a b/é"]), deny(deny="group:admins", paths="/admin")],
    "paths below": [allow(paths=["/admin/*", "/docs/*"]), deny(paths="/admin/x/*")],
    "all paths": [allow(paths="/*")],
    "mfa": [allow(when={"mfa": "otp"}), allow(to="app:console", when={"mfa": "phishing-resistant"})],
    "mfa in deny": [allow(), deny(unless={"mfa": "any"})],
    "mfa within": [
        allow(to="app:wiki", when={"mfa": {"method": "any", "within": "30s"}}),
        allow(to="app:payroll", when={"mfa": {"method": "otp", "within": "10m"}}),
        deny(to="app:console", unless={"mfa": {"method": "phishing-resistant", "within": "12h"}}),
    ],
    "device": [allow(when={"device": {"managed": True}}), deny(to="app:wiki", unless={"device": {"compliant": False}})],
    "device text": [allow(when={"device": {"vendor": "apple"}})],
    "device number": [
        allow(to="app:wiki", when={"device": {"os_version": 14}}),
        allow(to="app:payroll", when={"device": {"os_version": True}}),
        allow(to="app:console", when={"device": {"os_version": 1}}),
    ],
    "device at least": [
        allow(when={"device": {"os_version": "at least 14"}}),
        deny(unless={"device": {"os_version": "at least 2"}}),
    ],
    "hours": [
        allow(when={"hours": ["Mon-Fri 07:00-20:00 Europe/Berlin", "Sat 22:00-06:00 America/New_York"]}),
        deny(when={"hours": "12:00-13:30 Asia/Kathmandu"}),
        deny(unless={"hours": "Mon-Sat 00:00-24:00 UTC"}, to="app:wiki"),
    ],
    "networks": [
        allow(to="app:wiki", when={"networks": ["10.0.0.0/8", "2001:db8::/32"]}),
        deny(when={"networks": "10.1.2.3/32"}),
        allow(to="app:payroll", when={"networks": "::/0"}),
        deny(to="app:payroll", unless={"networks": "::/80"}),
        allow(to="app:console", when={"networks": "::fffe:0:0/96"}),
    ],
    "countries": [allow(when={"countries": ["DE", "NO"]}), deny(when={"countries": "NO"}), allow(to="app:console")],
    "risk": [
        allow(when={"risk": "below 60"}),
        deny(to="app:wiki", unless={"risk": "below 1"}),
        deny(to="app:console", unless={"risk": "below 100"}),
    ],
    "unless": [allow(), deny(when={"countries": "DE"}, unless={"risk": "below 50", "device": {"managed": True}})],
    "deny with everything": [
        allow(),
        deny(deny="group:staff", to="label:internal", do=["edit"], paths="/admin/*", when={"countries": "DE"}),
    ],
    "deny what is not known": [
        allow(),
        deny(when={"networks": "10.0.0.0/8"}),
        deny(when={"countries": ["DE"]}, to="app:wiki"),
    ],
}


@pytest.mark.parametrize("rules", GRAMMAR.values(), ids=GRAMMAR.keys())
def test_of_the_grammar(rules):
    assert_exact(rules_of(*rules))


def test_the_table_has_every_word_of_the_grammar():
    rules = [rule for some in GRAMMAR.values() for rule in read_rules(text_of(rules_of(*some))).rules]
    conditions = [condition for rule in rules for condition in (*rule.when, *rule.unless)]
    assert {who.kind for rule in rules for who in rule.who} == set(WhoKind)
    assert {target.kind for rule in rules for target in rule.to} == set(TargetKind)
    assert {rule.effect for rule in rules} == set(Effect)
    assert {type(condition) for condition in conditions} == set(get_args(Condition))
    for effect in Effect:
        own = [rule for rule in rules if rule.effect is effect]
        assert {rule.do is None for rule in own} == {True, False}
        assert {scope.below for rule in own for scope in rule.paths} == {True, False}
        assert {type(one) for rule in own for one in (*rule.when, *rule.unless)} == set(get_args(Condition))


BESIDE = rules_of(
    allow(to="app:wiki"),
    allow(allow="group:admins", to="app:payroll", when={"mfa": {"method": "otp", "within": "10m"}}),
)
HELD = json.dumps("mfa otp within 600s")
CEDAR = [
    "permit (principal, action, resource);",
    'permit (principal == Person::"p1", action == Action::"view", resource == App::"console");',
    'permit (principal == Service::"backup", action, resource) unless { resource == App::"wiki" };',
    'permit (principal in Group::"night", action in [Action::"view", Action::"edit"], resource in Label::"restricted");',
    'permit (principal is Person in Group::"night", action, resource is App in Label::"restricted");',
    'permit (principal is Service, action in Action::"edit", resource is App);',
    'permit (principal in Email::"anna@example.com", action, resource in App::"payroll");',
    'permit (principal in Email::"Anna@Example.com", action, resource);',
    'permit (principal in Person::"p2", action, resource);',
    "forbid (principal, action, resource) when { context.mfa < 2 };",
    "forbid (principal, action, resource) when { context.mfa == 0 || context.mfa > 2 };",
    "forbid (principal, action, resource) when { 1 <= context.mfa && context.mfa != 3 };",
    "forbid (principal, action, resource) when { 2 > context.mfa } unless { context.mfa >= 1 };",
    "permit (principal, action, resource) when { context.mfa >= 0 && 3 >= context.mfa && context.mfa <= 9 };",
    "permit (principal, action, resource) when { context has risk && context.risk <= 20 && !(context.risk == 7) };",
    "permit (principal, action, resource) when { context has risk && 50 < context.risk };",
    "forbid (principal, action, resource) when { if context has risk then context.risk >= 60 else true };",
    'permit (principal, action, resource) when { context has country && context.country == "DE" };',
    'permit (principal, action, resource) when { context has country && ["DE", "FR"].contains(context.country) };',
    'forbid (principal, action, resource) when { if context has country then context.country != "NO" else false };',
    "permit (principal, action, resource) when { context has device && context.device has managed && context.device.managed };",
    "forbid (principal, action, resource) unless { context has device && context.device has compliant && context.device.compliant == false };",
    "permit (principal, action, resource) when { context has device && context has mfa && context has holds };",
    "permit (principal, action, resource) when { context.device has managed };".replace(
        "{ context", "{ context has device && context"
    ),
    'permit (principal, action, resource) when { context has address && context.address.isInRange(ip("10.0.0.0/8")) };',
    'forbid (principal, action, resource) when { context has address && context.address.isInRange(ip("2001:db8::/32")) };',
    "permit (principal, action, resource) when { context has address };",
    'permit (principal, action, resource) when { context has address && context.address.isInRange(ip("::/0")) };',
    'permit (principal, action, resource) when { context has address && context.address.isInRange(ip("0.0.0.0/0")) };',
    'permit (principal, action, resource) when { context has address && context.address.isInRange(ip("::ffff:a00:0/104")) };',
    'permit (principal, action, resource) when { context has address && context.address.isInRange(ip("10.1.2.3")) };',
    'permit (principal, action, resource) when { context has path && context.path like "/admin*" };',
    'permit (principal, action, resource) when { context has path && context.path like "/a b/é" };',
    'permit (principal, action, resource) when { context has path && context.path like "*" };',
    'permit (principal, action, resource) when { context has path && context.path like "" };',
    'permit (principal, action, resource) when { context has path && context.path like "/docs/." };',
    'permit (principal, action, resource) when { context has path && context.path like "/a*" && !(context.path like "/ad*") };',
    'forbid (principal, action, resource) when { context has path && context.path like "/docs*" && context.path != "/docs" };',
    r'permit (principal, action, resource) when { context has path && context.path like "/\*" };',
    'permit (principal, action, resource) when { context has path && (context.path like "/a%*" || context.path like "/docs/.*") };',
    'forbid (principal, action, resource) when { context has path && (context.path == "/admin" || context.path like "/docs/*") };',
    "permit (principal, action, resource) when { context has path };",
    f"permit (principal, action, resource) when {{ context.holds.contains({HELD}) }};",
    'permit (principal, action, resource) when { context.holds.contains("nothing of this name") };',
    'forbid (principal, action, resource) when { context.holds.contains("nothing of this name") };',
    'permit (principal, action, resource) when { principal in Group::"night" && resource in [Label::"restricted", Label::"public"] || resource in [App::"console"] };',
    'permit (principal, action, resource) when { principal == Person::"p1" || principal is Service || resource == App::"console" };',
    'permit (principal, action, resource) when { action == Action::"view" || action in [Action::"edit", Action::"delete"] };',
    'permit (principal, action, resource) when { principal is Person in Group::"night" && resource is App };',
    "permit (principal, action, resource) when { [1, 2].contains(context.mfa) };",
    "permit (principal, action, resource) when { if context.mfa > 1 then false else true };",
    "forbid (principal, action, resource) when { false };",
    'permit (principal, action, resource) when { context has country && context.country == "de" };',
    "permit (principal, action, resource) when { context has risk && context.risk > -1 && context.risk < 1000 };",
    "permit (principal, action, resource) when { context has risk && [7, 60, 101].contains(context.risk) };",
    'permit (principal, action, resource) when { action == Action::"unknown" || action in Action::"connect" };',
    "permit (principal, action, resource) when { context has risk || context.mfa >= 2 };",
    "permit (principal, action, resource) when { if context has risk && context.risk < 9 then context.mfa > 1 else context has country };",
    'forbid (principal, action, resource) when { principal != Person::"p1" };',
    "permit (principal, action, resource) when { principal is Group };",
    'permit (principal in Service::"backup", action, resource);',
    'permit (principal, action, resource) when { principal == Email::"anna@example.com" };',
    'permit (principal, action, resource) when { resource == Label::"restricted" };',
    "permit (principal, action, resource) when { [0, 1].contains(context.mfa) };",
    "permit (principal, action, resource) when { context.mfa < 0 || context.mfa > 3 };",
    "permit (principal, action, resource) when { context.mfa <= 0 };",
    "permit (principal, action, resource) when { context.mfa <= 3 };",
]


@pytest.mark.parametrize("policy", CEDAR)
def test_of_added_cedar(policy):
    assert_exact(BESIDE, f'@id("added") {policy}')


BEGINNINGS = ["/o*", "/ot*", "/oth*", "/other*", "/a*", "/e*", "/O*"]


def test_a_path_that_begins_like_none_of_the_beginnings_asked_about():
    """Were the path that stands for all others to begin as one of these does, nothing would stand for the others."""
    asked = " || ".join(f"context.path like {json.dumps(one)}" for one in BEGINNINGS)
    shut = f'@id("shut") forbid (principal, action, resource) when {{ context has path && (context.path == "/" || {asked}) }};'
    rules = rulebook(rules_of(allow(paths="/*")), shut)
    clause = clause_of({"kind": "never", "who": "anyone", "to": "app:wiki"})
    (result,) = prove(rules, catalogue(), [clause], seconds=60)
    assert result.outcome is ClauseOutcome.REFUTED
    assert_exact(rules_of(allow(to="app:wiki", paths="/*")), shut)


@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_condition_known_by_name_does_not_hold_while_it_is_not_known(effect):
    """It is known by its name only to those whom a rule with the condition names."""
    rules = rules_of(
        allow(to="app:wiki"),
        allow(allow="group:admins", to=["app:wiki", "app:payroll"], when={"device": {"os_version": "at least 14"}}),
    )
    name = '"device os_version >= 14"'
    assert_exact(
        rules, f'@id("added") {effect} (principal, action, resource) when {{ context.holds.contains({name}) }};'
    )


def test_the_table_has_every_operator_that_is_understood():
    used = set()
    for policy in CEDAR:
        used |= set(_operators(json.loads(policies_to_json_str(policy))))
    assert used >= set(OPERATORS)


def _operators(node):
    if isinstance(node, dict):
        yield from node
        for value in node.values():
            yield from _operators(value)
    elif isinstance(node, list):
        for value in node:
            yield from _operators(value)


FAILING = [
    "permit (principal, action, resource) when { context.risk < 50 };",
    'forbid (principal, action, resource) when { context.mfa > 2 && context.country == "DE" };',
    'forbid (principal, action, resource) when { context.mfa > 2 || context.country == "DE" };',
    "permit (principal, action, resource) when { !(context.device.managed) };",
    "permit (principal, action, resource) when { if context.risk < 50 then context.device.managed else context.device.compliant == true };",
    'permit (principal in Group::"night", action, resource) when { context.risk > 1 } unless { context.device.managed };',
    'permit (principal, action, resource) when { context.path like "/docs/*" };',
    'permit (principal, action, resource) when { ["DE"].contains(context.country) };',
    'permit (principal, action, resource) when { context.address.isInRange(ip("10.0.0.0/8")) };',
]


@pytest.mark.parametrize("policy", FAILING)
def test_a_policy_that_fails_refuses(policy):
    """The reader of Cedar texts refuses such policies before; the proof does not rely on it."""
    extra = ExtraCedar(text=f'@id("added") {policy}', names=(RuleName("added"),), reads_context=True, permits=True)
    document = read_rules(text_of(BESIDE))
    deciding = engine(BESIDE)
    deciding._rules = CompiledRules(document, extra)
    asked = Asked()
    for words in (asked, None):
        space = words or Space(asked, catalogue())
        added, errors = added_parts(extra, document.rules, space)
        encoded = encode_rules(document.rules, space, people_need_address=False, added=added, errors=errors)
    failed = 0
    for point in points_of(space):
        decision = deciding.decide(*space.request_at(point))
        assert is_true(encoded.allowed(), point) == (type(decision).__name__ == "Allow"), (point, decision)
        assert is_true(errors, point) == bool(getattr(decision, "detail", "")), (point, decision)
        failed += is_true(errors, point)
    assert failed


NOT_UNDERSTOOD = {
    'context has address && context.address == ip("10.0.0.1")': "not fixed",
    "context has address && context.address.isLoopback()": "isLoopback",
    'context has address && context.address.isInRange(ip("10.0.0.1/8"))': "bits beyond",
    'context.holds.containsAll(["a"])': "containsAll",
    "context.holds.isEmpty()": "isEmpty",
    "context has risk && context.risk + 1 < 5": "something else than an attribute",
    "context has risk && context.risk < context.mfa": "not fixed",
    'context has path && context.path like "*/admin"': "not the last",
    'context has country && context.country like "D*"': "`like`",
    'context has path && context.path == "/x" && "abc" like "a*"': "something else than an attribute",
    "principal == resource": "fixed entity",
}


@pytest.mark.parametrize(("expression", "named"), NOT_UNDERSTOOD.items())
def test_nothing_is_claimed_about_what_is_not_understood(expression, named):
    rules = rulebook(BESIDE, f'@id("added") permit (principal, action, resource) when {{ {expression} }};')
    clause = clause_of({"kind": "never", "who": "anyone", "to": "anything"})
    (result,) = prove(rules, catalogue(), [clause], seconds=60)
    assert result.outcome is ClauseOutcome.CANNOT_PROVE
    assert "`added` in the Cedar text uses" in result.words
    assert named in result.words, result.words
    assert compare(rules, rulebook(BESIDE), catalogue(), seconds=60).outcome is ComparisonOutcome.CANNOT_PROVE
    (finding,) = lint(rules, catalogue(), seconds_each=60)
    assert finding.oddity is Oddity.NOT_DECIDED
