"""The compiler: readable, valid against the schema, and deaf to whatever stands inside a string."""

import json
import threading

import cedarpy
import pytest
from tests.policy_material import NOON, allowed, ask, engine, proof, rules_of, text_of

from ostiary.policy.cedar.compiler import compile_document, compile_rule
from ostiary.policy.cedar.extra import MAX_POLICY_CHARACTERS, read_extra
from ostiary.policy.cedar.schema import schema
from ostiary.policy.cedar.text import literal, pattern_below
from ostiary.policy.compiled import compile_rules
from ostiary.policy.decision import Allow, Deny, ReasonCode
from ostiary.policy.request import Device
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules

NASTY = [
    'a"b',
    "a\\b",
    "a\nb",
    "a\tb",
    "\x00",
    "\u2028",
    "é",
    "e\u0301",
    "😀",
    "*",
    "\\*",
    '"); permit(principal,action,resource);//',
    "\u202e",
    "{x}",
]


def test_a_rule_reads_like_this():
    document = read_rules(
        text_of(
            {
                "version": 1,
                "rules": [
                    {
                        "name": "payroll",
                        "deny": ["group:contractors", "person:a@b.de"],
                        "to": "label:restricted",
                        "do": ["view"],
                        "when": {"countries": ["KP"]},
                        "unless": {"mfa": "otp", "device": {"managed": True}, "hours": "Mon 07:00-09:00 UTC"},
                    }
                ],
            }
        )
    )
    assert compile_rule(document.rules[0]) == (
        '@id("payroll")\n'
        'forbid (principal, action in [Action::"view"], resource in Label::"restricted")\n'
        'when { (principal in [Group::"contractors"] || principal in [Email::"a@b.de"])'
        ' && (if context has country then ["KP"].contains(context.country) else true) }\n'
        "unless { context.mfa >= 2 && (context has device && context.device has managed && context.device.managed == true)"
        ' && context.holds.contains("hours Mon 07:00-09:00 UTC") };\n'
    )
    assert compile_document(document).count(";") == 1


@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_one_literal(text):
    policies = json.loads(
        cedarpy.policies_to_json_str(f"permit(principal == Person::{literal(text)}, action, resource);")
    )
    (policy,) = policies["staticPolicies"].values()
    assert policy["principal"]["entity"]["id"] == text


@pytest.mark.parametrize("text", ["/a*b", '/a"b', "/a\\b", "/é", "/a b"])
def test_any_path_is_one_pattern(text):
    policy = f"permit(principal, action, resource) when {{ context.path like {pattern_below(text)} }};"
    for path, expected in ((f"{text}/x", True), (f"{text}x", False), ("/aXb/x", False)):
        request = {
            "principal": {"type": "Person", "id": "p"},
            "action": {"type": "Action", "id": "view"},
            "resource": {"type": "App", "id": "a"},
            "context": {"path": path},
        }
        assert cedarpy.is_authorized(request, policy, []).allowed is expected


@pytest.mark.parametrize("name", NASTY)
def test_nobody_becomes_somebody_else_by_their_name(name):
    rules = rules_of({"allow": ["person:p1", "group:staff"], "to": "app:wiki", "do": "any"})
    for request in (
        ask(person=name, groups=()),
        ask(person="x", groups=(name,)),
        ask(name, groups=("staff",)),
        ask(person=f"p1{name}", groups=(f"staff{name}",)),
    ):
        decision = engine(rules).decide(request, NOON)
        assert isinstance(decision, Deny)
        assert decision.reason in (ReasonCode.NO_RULE_APPLIES, ReasonCode.UNKNOWN_RESOURCE)
    nasty_app = engine(rules_of({"allow": "anyone", "to": "anything", "do": "any"}), apps={name: [name]})
    assert isinstance(nasty_app.decide(ask(name, person=name, groups=(name,)), NOON), Allow)


def test_device_values_are_compared_as_they_are():
    for text in NASTY:
        if not text.isprintable():
            continue
        rules = rules_of({"allow": "anyone", "to": "anything", "do": "any", "when": {"device": {"serial": text}}})
        assert isinstance(engine(rules).decide(ask(device=Device(attributes=(("serial", text),))), NOON), Allow)
        assert isinstance(engine(rules).decide(ask(device=Device(attributes=(("serial", text + "x"),))), NOON), Deny)


def test_hundreds_of_alternatives_stay_shallow():
    """Cedar gives up on deep expressions, sooner on a thread's small stack."""
    rules = rules_of(
        {
            "allow": [f"group:g{n}" for n in range(500)] + [f"person:p{n}@x.de" for n in range(499)],
            "to": [f"app:a{n}" for n in range(900)] + ["app:wiki"],
            "do": "any",
            "paths": [f"/p{n}/*" for n in range(500)] + [f"/p{n}" for n in range(500)],
            "when": {
                "networks": [f"10.{n}.0.0/16" for n in range(256)],
                "countries": ["DE"],
                "device": {f"f{n}": n for n in range(50)},
            },
        }
    )
    device = Device(attributes=tuple((f"f{n}", n) for n in range(50)))
    answers = []

    def ask_it():
        answers.append(
            engine(rules).decide(
                ask(groups=("g499",), path="/p499/x", address="10.255.0.1", country="DE", device=device), NOON
            )
        )

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=ask_it)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert isinstance(answers[0], Allow), answers


class TestExtraCedar:
    RULES = rules_of({"allow": "group:staff", "to": "app:wiki", "do": "any"})

    def test_it_permits_and_forbids_beside_the_document(self):
        cedar = """
            // "a comment; with everything
            @id("night-shift") permit (principal in Group::"night", action, resource == App::"wiki");
            @id("no-weak") forbid (principal, action, resource) unless { context.mfa >= 1 };
        """
        deciding = engine(self.RULES, cedar=cedar)
        assert deciding.decide(ask(), NOON).rules == ("no-weak",)
        assert deciding.decide(ask(proofs=(proof(),)), NOON).rules == ("r0",)
        answer = allowed(deciding.decide(ask(groups=("night",), proofs=(proof(),)), NOON))
        assert answer.rules == ("night-shift",)
        assert answer.per_request

    def test_alone_it_is_enough(self):
        cedar = '@id("all") permit (principal, action, resource);'
        assert not engine("", cedar=cedar).allows_nothing
        decision = engine("", cedar=cedar).decide(ask(), NOON)
        assert isinstance(decision, Allow)
        assert not decision.per_request

    @pytest.mark.parametrize(
        ("cedar", "expected"),
        [
            ("permit (principal, action, resource);", "a policy has no `@id`"),
            ('@id("A B") permit (principal, action, resource);', "cannot name a rule"),
            ('@id("break-glass") permit (principal, action, resource);', "cannot name a rule"),
            ('@id("a") permit (principal, action, resource);' * 2, "stands twice"),
            ('@id("r0") permit (principal, action, resource);', "a rule of the document is named `r0` too"),
            ('@id("a") permit (principal == ?principal, action, resource);', "templates cannot be used here"),
            ('@id("a") permit (principal, action, resource) when { context.mfaa > 1 };', "`a`: "),
            ('@id("a") permit (principal in Grup::"x", action, resource);', "Grup"),
            ('@id("a") permit (principal, action, resource) when { context.address.isLoopback() };', "address"),
            ("permit permit", "unexpected"),
            ('@id("a") permit (principal, action, resource) when { ' + "1==1||" * 60 + "true };", "nested too deeply"),
            ('@id("a") permit (principal, action, resource) when { ' + "!" * MAX_POLICY_CHARACTERS + "true };", "longer than"),
            ('@id("a") permit (principal, action, resource) when { "' + '";' * 2 + "1==1||" * 400 + "true };", "longer than"),
        ],
    )  # fmt: skip
    def test_what_is_refused(self, cedar, expected):
        with pytest.raises(InvalidRules) as caught:
            compile_rules(text_of(self.RULES), cedar)
        assert expected in str(caught.value)

    def test_a_semicolon_in_a_string_does_not_hide_a_long_policy(self):
        cedar = '@id("a") permit (principal, action, resource) when { ' + '";" == ";" || ' * 30_000 + "true };"
        with pytest.raises(InvalidRules):
            read_extra(cedar[:200_000])


def test_everything_compiled_is_valid_against_the_schema():
    rules = rules_of(
        {
            "allow": ["group:a", "person:x", "service:y", "person:a@b.c"],
            "to": ["app:a", "label:b"],
            "do": ["view", "connect"],
            "paths": ["/*", "/a", "/b/*"],
            "when": {"mfa": {"method": "any", "within": "1h"}, "device": {"managed": True, "x": "y"}, "hours": "01:00-02:00 UTC", "networks": "::/0", "countries": "DE", "risk": "below 9"},
        },
        {"deny": "anyone", "to": "anything", "paths": "/*", "when": {"networks": ["10.0.0.0/8"], "countries": "DE", "hours": "01:00-02:00 UTC"}, "unless": {"device": {"compliant": False}, "risk": "below 9", "mfa": "otp", "networks": "::/0", "countries": "NO"}},
    )  # fmt: skip
    result = cedarpy.validate_policies(compile_document(read_rules(text_of(rules))), schema())
    assert result.validation_passed, result.errors
