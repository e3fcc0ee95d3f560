"""What a document may say about its own rules: tests, and clauses of `never` and `always`."""

from datetime import UTC, datetime

import pytest

from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import AppId, GroupId, Label, PersonId, RuleName, ServiceId
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Device,
    Resource,
    Subject,
)
from ostiary.policy.rules import reader as reader_module
from ostiary.policy.rules.document import (
    Clause,
    ClauseKind,
    DeviceFact,
    Effect,
    Expectation,
    Mfa,
    PathScope,
    Rule,
    Target,
    TargetKind,
    TestCase,
    Who,
    WhoKind,
)
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.rules.statements import DEFAULT_MOMENT, SOMEONE, SOMEONE_EMAIL

NINE_IN_BERLIN = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()
SHORT = "name: a, as: anyone, to: app:wiki, expect: deny"


def case(fields: str) -> TestCase:
    (read,) = read_rules(f"version: 1\ntests:\n  - {{{fields}}}\n").tests
    return read


def problems(text: str, known: Known | None = None) -> list[str]:
    with pytest.raises(InvalidRules) as caught:
        read_rules(f"version: 1\n{text}", known)
    return [str(problem) for problem in caught.value.problems]


def test_every_part_of_a_test():
    assert case(
        "name: a, as: [group:staff, group:night, 'person:Anna@Example.com', person:p1], "
        "mfa: [{method: otp, age: 10m}, phishing-resistant], device: {managed: true, compliant: false, os_version: 14, os: '14'}, "
        "from: '::ffff:10.1.2.3', country: de, risk: 10, at: 2026-11-23 09:00 Europe/Berlin, do: edit, "
        "to: [app:wiki, label:restricted], path: /a b, expect: {deny: some-rule}"
    ) == TestCase(
        name="a",
        request=AccessRequest(
            subject=Subject(
                person=PersonId("p1"),
                email="anna@example.com",
                groups=frozenset({GroupId("staff"), GroupId("night")}),
                authentications=(
                    Authentication("totp", AuthStrength.OTP, NINE_IN_BERLIN - 600),
                    Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, NINE_IN_BERLIN),
                ),
            ),
            action=ActionClass.EDIT,
            resource=Resource(app=AppId("wiki"), labels=frozenset({Label("restricted")}), path="/a b"),
            device=Device(managed=True, compliant=False, attributes=(("os_version", 14), ("os", "14"))),
            context=Context(address="10.1.2.3", country="DE", risk=10),
        ),
        at=NINE_IN_BERLIN,
        expect=Expectation(allowed=False, rule=RuleName("some-rule")),
        line=3,
    )


def test_what_is_left_out():
    assert case(SHORT) == TestCase(
        name="a",
        request=AccessRequest(
            subject=Subject(
                person=SOMEONE,
                email=SOMEONE_EMAIL,
                authentications=(Authentication("password", AuthStrength.SINGLE, DEFAULT_MOMENT),),
            ),
            action=ActionClass.VIEW,
            resource=Resource(app=AppId("wiki")),
            context=Context(risk=0),
        ),
        at=DEFAULT_MOMENT,
        expect=Expectation(allowed=False),
        line=3,
    )
    assert datetime.fromtimestamp(DEFAULT_MOMENT, UTC).strftime("%A %H:%M") == "Wednesday 10:00"


def test_a_service_has_groups_and_no_proofs():
    subject = case("name: a, as: [service:backup, group:machines], to: app:wiki, expect: allow").request.subject
    assert subject == Subject(service=ServiceId("backup"), groups=frozenset({GroupId("machines")}))


def test_who_is_not_named_is_nobody_that_a_rule_could_name():
    for text in (f"person:{SOMEONE}", f"person:{SOMEONE_EMAIL}@example.com"):
        assert (
            "is neither an e-mail address nor a person's id"
            in problems(f"rules: [{{name: a, deny: '{text}', to: anything}}]")[0]
        )


@pytest.mark.parametrize(
    ("expect", "expected"),
    [
        ("allow", Expectation(allowed=True)),
        ("deny", Expectation(allowed=False)),
        ("{allow: rule-x}", Expectation(allowed=True, rule=RuleName("rule-x"))),
        ("{deny: rule-x}", Expectation(allowed=False, rule=RuleName("rule-x"))),
        ("{deny: conditions_unmet}", Expectation(allowed=False, reason=ReasonCode.CONDITIONS_UNMET)),
        ("{deny: unauthenticated}", Expectation(allowed=False, rule=RuleName("unauthenticated"))),
    ],
)
def test_expectations(expect, expected):
    assert case(f"name: a, as: anyone, to: app:wiki, expect: {expect}").expect == expected


@pytest.mark.parametrize(
    ("at", "utc"),
    [
        ("2026-11-23 09:00 Europe/Berlin", "2026-11-23T08:00:00+00:00"),
        ("Mon 2026-11-23 09:00 Europe/Berlin", "2026-11-23T08:00:00+00:00"),
        ("mon 2026-11-23 09:00:07 UTC", "2026-11-23T09:00:07+00:00"),
        ("2026-03-29 03:00 Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29 01:59:59 Europe/Berlin", "2026-03-29T00:59:59+00:00"),
        ("2026-10-25 02:30 Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        ("1970-01-01 00:00 UTC", "1970-01-01T00:00:00+00:00"),
        ("2999-12-31 23:59 UTC", "2999-12-31T23:59:00+00:00"),
    ],
)
def test_moments(at, utc):
    assert case(f"{SHORT}, at: {at}").at == datetime.fromisoformat(utc).timestamp()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("name: a", ["does not say `as` whom (write, for instance, `as: group:staff`)", "does not say `to` what", "does not say what to `expect` (write `expect: allow` or `expect: deny`)"]),
        ("as: anyone, to: app:wiki, expect: deny", ["the test has no `name` (write, for instance, `name: staff-read-the-wiki`)"]),
        ("name: A b, as: anyone, to: app:wiki, expect: deny", ["`A b` cannot name a test"]),
        (f"{SHORT}, expct: deny", ["`expct` is not a key of a test (did you mean `expect`?)"]),
        ("name: a, as: goup:x, to: app:wiki, expect: deny", ["did you mean `group:x`?"]),
        ("name: a, as: [anyone, group:x], to: app:wiki, expect: deny", ["`anyone` stands beside others (write `as: anyone` alone"]),
        ("name: a, as: [person:p1, person:p2], to: app:wiki, expect: deny", ["only one person or service can ask (make it two tests)"]),
        ("name: a, as: [person:p1, service:s], to: app:wiki, expect: deny", ["only one person or service can ask"]),
        ("name: a, as: service:s, mfa: otp, to: app:wiki, expect: deny", ["a service proves nothing by `mfa` (remove it)"]),
        ("name: a, as: anyone, to: anything, expect: deny", ["a test asks for one app (write, for instance, `to: app:wiki`)"]),
        ("name: a, as: anyone, to: label:x, expect: deny", ["a test asks for one app"]),
        ("name: a, as: anyone, to: [app:a, app:b], expect: deny", ["a test asks for one app"]),
        ("name: a, as: anyone, to: apps:a, expect: deny", ["did you mean `app:a`?"]),
        ("name: a, as: anyone, to: app:a, expect: alow", ["`alow` is not a value of `expect` (did you mean `allow`?)"]),
        ("name: a, as: anyone, to: app:a, expect: {deny: a, allow: b}", ["`expect` must say either `allow` or `deny`"]),
        ("name: a, as: anyone, to: app:a, expect: {}", ["`expect` must say either `allow` or `deny`"]),
        ("name: a, as: anyone, to: app:a, expect: [deny]", ["`expect` must be keys and values"]),
        ("name: a, as: anyone, to: app:a, expect: {deny: denied_by_rul}", ["`denied_by_rul` is not a reason that rules give (did you mean `denied_by_rule`?)"]),
        ("name: a, as: anyone, to: app:a, expect: {deny: stale_facts}", ["`stale_facts` is not a reason that rules give"]),
        ("name: a, as: anyone, to: app:a, expect: {allow: Rule X}", ["`Rule X` cannot name a rule"]),
        (f"{SHORT}, mfa: password", ["`password` is not a value of `mfa`"]),
        (f"{SHORT}, mfa: otb", ["did you mean `otp`?"]),
        (f"{SHORT}, mfa: []", ["`mfa` must have 1 to 20 proofs"]),
        (f"{SHORT}, mfa: {{method: otp, within: 1h}}", ["`within` is not a key of `mfa` (use `age`, `method`)"]),
        (f"{SHORT}, mfa: {{age: 1h}}", ["`mfa` does not say which `method` (write `{method: otp, age: 10m}`)"]),
        (f"{SHORT}, mfa: {{method: otp, age: ten minutes}}", ["`ten minutes` is not a duration up to a year"]),
        (f"{SHORT}, device: managed", ["`device` must be keys and values"]),
        (f"{SHORT}, device: {{os_version: at least 14}}", ["`os_version` must have one value in a test (write `os_version: 14`)"]),
        (f"{SHORT}, device: {{managed: 1}}", ["`1` is not a value of `managed` (write `true` or `false`)"]),
        (f"{SHORT}, from: 10.0.0.0/8", ["`10.0.0.0/8` is not an address (write, for instance, `192.0.2.7` or `2001:db8::7`)"]),
        (f"{SHORT}, country: UK", ["`UK` is not a country code (did you mean `GB`?)"]),
        (f"{SHORT}, country: Germany", ["`Germany` is not a country code"]),
        (f"{SHORT}, risk: 101", ["`101` is not a risk (write 0 to 100, or `unknown`)"]),
        (f"{SHORT}, risk: below 5", ["`below 5` is not a risk"]),
        (f"{SHORT}, do: any", ["`any` is not a value of `do`"]),
        (f"{SHORT}, path: docs", ["`docs` does not begin with `/` (write `/docs`)"]),
        (f"{SHORT}, at: tomorrow", ["`tomorrow`: not a moment (write, for instance, `2026-11-23 09:00 Europe/Berlin`)"]),
        (f"{SHORT}, at: 2026-11-23 09:00", ["the time zone is missing (add it at the end, for instance `Europe/Berlin` or `UTC`)"]),
        (f"{SHORT}, at: 2026-11-23 09:00 Berlin", ["`Berlin` is not a time zone (did you mean `Europe/Berlin`?)"]),
        (f"{SHORT}, at: 2026-11-31 09:00 UTC", ["there is no such day or time"]),
        (f"{SHORT}, at: 2026-11-23 24:00 UTC", ["there is no such day or time"]),
        (f"{SHORT}, at: Tue 2026-11-23 09:00 UTC", ["2026-11-23 is not a Tue (write `Mon`, or leave the day out)"]),
        (f"{SHORT}, at: Mo 2026-11-23 09:00 UTC", ["`Mo` is not a day (use `Mon`, `Tue`"]),
        (f"{SHORT}, at: 2026-03-29 02:30 Europe/Berlin", ["the clock in Europe/Berlin is put forward and never shows 02:30 on that day (write `2026-03-29 03:30 Europe/Berlin`)"]),
        (f"{SHORT}, at: 1969-12-31 23:59 UTC", ["too far from today (stay between the years 1970 and 2999)"]),
        (f"{SHORT}, at: 1970-01-01 00:30 Europe/Berlin", ["too far from today"]),
        (f"{SHORT}, at: 2999-12-31 23:30 America/New_York", ["too far from today"]),
        (f"{SHORT}, at: 9999-12-31 23:30 America/New_York", ["too far from today"]),
    ],
)  # fmt: skip
def test_problems_of_a_test(fields, expected):
    found = problems(f"tests:\n  - {{{fields}}}\n")
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(sorted(expected), sorted(found), strict=True))
    assert all(text.startswith("line 3, column ") for text in found)


def test_problems_of_tests_as_a_whole(monkeypatch):
    assert problems("tests: {a: b}") == ["line 2, column 8: `tests` must be a list (begin each entry with `- name: …`)"]
    assert problems("tests: [{}]") == ["line 2, column 9: the test is empty (write `name`, `as`, `to` and `expect`)"]
    assert problems("tests: [staff can view app:wiki]") == [
        "line 2, column 9: a test must be keys and values (write `key: value` lines)"
    ]
    assert problems(f"tests:\n  - {{{SHORT}}}\n  - {{{SHORT}}}") == [
        "line 4, column 5: a test named `a` is already on line 3 (choose another name)"
    ]
    monkeypatch.setattr(reader_module, "MAX_TESTS", 1)
    assert problems("tests: [a, b]") == ["line 2, column 8: there are more than 1 tests (keep those that matter)"]


def test_names_that_do_not_exist_are_found():
    known = Known(groups=frozenset({"staff"}), apps=frozenset({"wiki"}))
    text = "tests: [{name: a, as: group:staf, to: app:wikki, expect: deny}]\nnever: [{name: b, who: group:staf, to: app:wikki}]"
    assert problems(text, known) == [
        "line 2, column 23: there is no group `staf` (did you mean `staff`?)",
        "line 2, column 39: there is no app `wikki` (did you mean `wiki`?)",
        "line 3, column 24: there is no group `staf` (did you mean `staff`?)",
        "line 3, column 40: there is no app `wikki` (did you mean `wiki`?)",
    ]


def test_clauses():
    never, always = read_rules("""\
version: 1
always:
  - {name: administrators-in, who: group:administrators, to: app:console, do: [view, edit], when: {mfa: otp}}
never:
  - name: restricted-only-from-managed
    describe: The contract says so
    who: [anyone]
    to: label:restricted
    paths: /a/*
    when: {device: {compliant: false}}
    unless: {device: {managed: true}}
""").clauses
    assert never == Clause(
        kind=ClauseKind.NEVER,
        rule=Rule(
            name=RuleName("restricted-only-from-managed"),
            describe="The contract says so",
            effect=Effect.DENY,
            who=(Who(WhoKind.ANYONE),),
            to=(Target(TargetKind.LABEL, "restricted"),),
            paths=(PathScope("/a", below=True),),
            when=(DeviceFact("compliant", value=False),),
            unless=(DeviceFact("managed", value=True),),
            line=5,
        ),
    )
    assert (always.kind, always.rule.effect, always.rule.line) == (ClauseKind.ALWAYS, Effect.ALLOW, 3)
    assert always.rule.do == (ActionClass.VIEW, ActionClass.EDIT)
    assert always.rule.when == (Mfa(AuthStrength.OTP),)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("never: [{name: a}]", ["the entry of `never` does not say `to` what", "the entry of `never` does not say `who` (write, for instance, `who: anyone`)"]),
        ("never: [{who: anyone, to: anything}]", ["the clause has no `name` (write, for instance, `name: never-from-outside`)"]),
        ("never: [{name: default, who: anyone, to: anything}]", ["`default` cannot name a clause"]),
        ("never: [{}]", ["the entry of `never` is empty (write `name`, `who` and `to`)"]),
        ("never: [anyone can view]", ["an entry of `never` must be keys and values"]),
        ("never: [{name: a, deny: anyone, to: anything}]", ["`deny` is not a key of an entry of `never`", "does not say `who`"]),
        ("always: [{name: a, who: anyone, to: anything, require: record}]", ["`require` is not a key of an entry of `always`"]),
        ("always: [{name: a, who: anyone, to: anything, unless: {mfa: otp}}]", ["an entry of `always` has no `unless` (use `when`)"]),
        ("always: [{name: a, who: anyone, to: anything}]\nnever: [{name: a, who: anyone, to: anything}]", ["a clause named `a` is already on line 3"]),
        ("always: x", ["`always` must be a list (begin each entry with `- name: …`)"]),
    ],
)  # fmt: skip
def test_problems_of_clauses(section, expected):
    found = problems(section)
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(sorted(expected), sorted(found), strict=True)) or all(
        any(part in text for text in found) for part in expected
    )


def test_too_many_clauses(monkeypatch):
    monkeypatch.setattr(reader_module, "MAX_CLAUSES", 1)
    expected = "line 2, column 8: there are more than 1 entries in `never` (use groups and labels)"
    assert problems("never: [a, b]") == [expected]
