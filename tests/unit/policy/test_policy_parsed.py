"""The parsed form stands for exactly one text in exactly one grammar."""

import base64
from types import ModuleType

import msgspec
import pytest
from tests.policy_material import catalogue

from ostiary.policy import request as request_types
from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Resource, Subject
from ostiary.policy.rules import document as document_types
from ostiary.policy.rules import parsed as parsed_module
from ostiary.policy.rules.hours import Window
from ostiary.policy.rules.parsed import GRAMMAR, read_parsed, write_parsed
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import Rules

TEXT = """\
version: 1
rules: [{name: a, deny: anyone, to: anything, when: {hours: 'Mon 01:00-02:00 UTC'}}]
tests: [{name: b, as: [group:staff, person:p1], mfa: {method: otp, age: 5m}, device: {managed: true, os: "14"}, from: 10.0.0.1,
  country: DE, risk: unknown, at: 2026-11-23 09:00 Europe/Berlin, do: edit, to: [app:wiki, label:x], path: /a, expect: {deny: a}}]
never: [{name: c, who: anyone, to: label:restricted, unless: {device: {managed: true}}}]
"""

TEXT_OF_GRAMMAR_1 = """\
version: 1
rules: [{name: a, allow: group:staff, to: app:wiki, do: any, when: {mfa: otp}}]
tests: [staff can view app:wiki]
"""
WRITTEN_IN_GRAMMAR_1 = base64.b64decode(
    "kwHEIEoxEfyvAgLvlqT2F1Xv8qsmv0DYfQExNHKLzhAfldoGgqVydWxlc5GLpG5hbWWhYaZlZmZlY3SlYWxsb3ejd2hvkYKka2luZKVncm91cKRu"
    "YW1lpXN0YWZmonRvkYKka2luZKNhcHCkbmFtZaR3aWtpomRvwKVwYXRoc5Ckd2hlbpGDpHR5cGWjbWZhqHN0cmVuZ3RoAq53aXRoaW5fc2Vjb25k"
    "c8CmdW5sZXNzkKdyZXF1aXJlkKhkZXNjcmliZaCkbGluZQKqc3RhdGVtZW50c5GDp3NlY3Rpb26ldGVzdHOkdGV4dLdzdGFmZiBjYW4gdmlldyBh"
    "cHA6d2lraaRsaW5lAw=="
)

SHAPE_OF_GRAMMAR_2 = {
    "AccessRequest": ("subject", "action", "resource", "device", "context"),
    "Authentication": ("method", "strength", "at"),
    "Clause": ("kind", "rule"),
    "Context": ("address", "country", "risk"),
    "Countries": ("codes",),
    "Device": ("id", "managed", "compliant", "attributes"),
    "DeviceFact": ("name", "value", "at_least"),
    "Expectation": ("allowed", "rule", "reason"),
    "Hours": ("windows",),
    "Mfa": ("strength", "within_seconds"),
    "Networks": ("ranges",),
    "PathScope": ("path", "below"),
    "Resource": ("app", "labels", "path"),
    "RiskBelow": ("limit",),
    "Rule": ("name", "effect", "who", "to", "do", "paths", "when", "unless", "require", "describe", "line"),
    "RulesDocument": ("rules", "tests", "clauses"),
    "Subject": ("person", "email", "service", "groups", "session", "authentications"),
    "Target": ("kind", "name"),
    "TestCase": ("name", "request", "at", "expect", "line"),
    "Who": ("kind", "name"),
    "Window": ("days", "start", "end", "zone"),
}


def test_round_trip():
    document = read_rules(TEXT)
    assert read_parsed(TEXT, write_parsed(TEXT, document)) == document


def test_it_belongs_to_its_text():
    written = write_parsed(TEXT, read_rules(TEXT))
    assert read_parsed(TEXT + " ", written) is None
    assert read_parsed("", written) is None


def test_another_grammar_is_ignored(monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(parsed_module, "GRAMMAR", GRAMMAR + 1)
        written = write_parsed(TEXT, read_rules(TEXT))
    assert read_parsed(TEXT, written) is None


def test_junk_is_ignored():
    written = write_parsed(TEXT, read_rules(TEXT))
    for junk in (b"", b"junk", written[:-1], written[:20] + b"\xff" + written[21:]):
        assert read_parsed(TEXT, junk) is None


def test_rules_of_the_first_grammar_stay_in_force_with_the_text_that_they_were_read_from():
    with pytest.raises(InvalidRules):
        read_rules(TEXT_OF_GRAMMAR_1)
    rules = Rules(document=TEXT_OF_GRAMMAR_1, parsed=WRITTEN_IN_GRAMMAR_1)
    request = AccessRequest(
        subject=Subject(
            person=PersonId("p1"),
            groups=frozenset({GroupId("staff")}),
            authentications=(Authentication("totp", AuthStrength.OTP, 0.0),),
        ),
        action=ActionClass.VIEW,
        resource=Resource(app=AppId("wiki")),
    )
    assert isinstance(PolicyEngine(rules, catalogue(), Generation(1)).decide(request, 1.0), Allow)


def test_a_change_of_the_types_counts_the_grammar_up():
    assert (GRAMMAR, shapes_in(document_types) | shapes_in(request_types) | shapes_of([Window])) == (
        2,
        SHAPE_OF_GRAMMAR_2,
    ), "the types changed: count GRAMMAR up and write the new shape here"


def shapes_in(module: ModuleType) -> dict[str, tuple[str, ...]]:
    return shapes_of(list(vars(module).values()))


def shapes_of(types: list[object]) -> dict[str, tuple[str, ...]]:
    return {
        one.__name__: one.__struct_fields__
        for one in types
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one is not msgspec.Struct
    }
