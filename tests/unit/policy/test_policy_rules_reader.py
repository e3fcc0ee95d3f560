"""What the reader accepts, and how it says what is wrong: place, words, and what to write instead."""

import pytest

from ostiary.policy.request import ActionClass, AuthStrength
from ostiary.policy.rules.document import (
    Countries,
    DeviceFact,
    Effect,
    Hours,
    Mfa,
    Networks,
    PathScope,
    RiskBelow,
    Target,
    TargetKind,
    Who,
    WhoKind,
)
from ostiary.policy.rules.hours import Window
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import MAX_RULES, read_rules
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.rules.words import rule_in_words

EXAMPLE = """\
version: 1
rules:
  - name: staff-read-wiki
    describe: Everyday work
    allow: [group:staff, "person:Anna@Example.com", person:p7, service:backup]
    to: [app:wiki, label:internal]
    do: [view, edit]
    paths: [/docs/*, /index.html]
    when:
      mfa: {method: phishing-resistant, within: 12h}
      device: {managed: true, os_version: at least 14, vendor: "14"}
      hours: [Mon-Fri 07:00-20:00 Europe/Berlin, Sat 22:00-06:00 UTC]
      networks: 10.0.0.0/8
      countries: [NO, de]
      risk: below 60
    require: [justify, record]
  - name: contractors-never-see-payroll
    deny: group:contractors
    to: label:restricted
    unless: {mfa: otp}
tests:
  - {name: staff-read-the-wiki, as: group:staff, to: app:wiki, expect: deny}
never:
  - {name: nobody-reads-restricted, who: anyone, to: label:restricted, unless: {device: {managed: true}}}
always: []
"""


def rule(body: str) -> str:
    return f"version: 1\nrules:\n  - name: a\n{''.join(f'    {line}{chr(10)}' for line in body.splitlines())}"


def problems(text: str, known: Known | None = None) -> list[str]:
    with pytest.raises(InvalidRules) as caught:
        read_rules(text, known)
    return [str(problem) for problem in caught.value.problems]


def test_the_whole_grammar():
    document = read_rules(EXAMPLE)
    first, second = document.rules
    assert first.name == "staff-read-wiki"
    assert first.effect is Effect.ALLOW
    assert first.who == (
        Who(WhoKind.GROUP, "staff"),
        Who(WhoKind.EMAIL, "anna@example.com"),
        Who(WhoKind.PERSON, "p7"),
        Who(WhoKind.SERVICE, "backup"),
    )
    assert first.to == (Target(TargetKind.APP, "wiki"), Target(TargetKind.LABEL, "internal"))
    assert first.do == (ActionClass.VIEW, ActionClass.EDIT)
    assert first.paths == (PathScope("/docs", below=True), PathScope("/index.html"))
    assert first.when == (
        Mfa(AuthStrength.PHISHING_RESISTANT, 43200),
        DeviceFact("managed", value=True),
        DeviceFact("os_version", 14, at_least=True),
        DeviceFact("vendor", "14"),
        Hours((Window((0, 1, 2, 3, 4), 420, 1200, "Europe/Berlin"), Window((5,), 1320, 360, "UTC"))),
        Networks(("10.0.0.0/8",)),
        Countries(("NO", "DE")),
        RiskBelow(60),
    )
    assert first.require == ("justify", "record")
    assert (first.line, second.line) == (3, 17)
    assert second.do is None
    assert second.unless == (Mfa(AuthStrength.OTP),)
    assert [(one.name, one.line) for one in document.tests] == [("staff-read-the-wiki", 22)]
    assert [(one.kind, one.rule.name, one.rule.line) for one in document.clauses] == [
        ("never", "nobody-reads-restricted", 24)
    ]


def test_words():
    first, second = read_rules(EXAMPLE).rules
    assert rule_in_words(first) == (
        "Anna@example.com, members of staff, person p7 and the service backup may edit and view "
        "apps labelled internal and wiki under /docs/* or /index.html, "
        "with a passkey or security key from the last 12 hours, on a managed device, "
        "on a device whose operating system is at least 14, on a device whose vendor is 14, "
        "at Mon-Fri 07:00-20:00 Europe/Berlin or Sat 22:00-06:00 UTC, from the network 10.0.0.0/8, from NO or DE, "
        "with a risk below 60; they must say why and the session is recorded."
    )
    assert rule_in_words(second) == (
        "Members of contractors may never use apps labelled restricted, unless with a one-time code."
    )


@pytest.mark.parametrize(
    "text", ["", "   ", "# only a comment\n", "version: 1\n", "version: 1\nrules:\n", "---\nversion: 1\n..."]
)
def test_documents_without_rules(text):
    assert read_rules(text).rules == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 2", "line 1, column 10: `2` is not a version that is known here (write `version: 1`)"),
        ("rules: []", "line 1, column 1: the document does not say its `version` (begin with `version: 1`)"),
        ("version: 1\nrulez: []", "line 2, column 1: `rulez` is not a key of the document (did you mean `rules`?)"),
        ("- a", "line 1, column 1: the document must be keys and values (write `key: value` lines)"),
        ("version: 1\nversion: 1", "line 2, column 1: `version` stands twice here (first on line 1)"),
        ("version: 1\nrules: {a: b}", "line 2, column 8: `rules` must be a list (begin each entry with `- name: …`)"),
        ("a: &x 1", "line 1, column 4: the anchor `&x` cannot be used here (write the value out)"),
        ("a: *x", "line 1, column 4: the alias `*x` cannot be used here (write the value out)"),
        ("a: !!str x", "line 1, column 4: the tag `tag:yaml.org,2002:str` cannot be used here (remove it)"),
        ("a: 1\n---\nb: 2", "line 2, column 1: a second document begins here (remove the line `---`)"),
        ("a: 'x", "line 1, column 6: not YAML: found unexpected end of stream"),
        ("version: 1\nrules: [" + "[" * 20, "line 2, column 17: nested more than 10 levels deep"),
        (
            "a: \x07",
            "line 1, column 4: the character U+0007 cannot stand in YAML (write it as an escape in double quotes)",
        ),
    ],
)
def test_document_problems(text, expected):
    assert problems(text) == [expected]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("to: app:wiki", ["the rule says neither `allow` nor `deny` (write, for instance, `allow: group:staff`)"]),
        ("allow: anyone\ndeny: anyone\nto: anything\ndo: any", ["the rule says both `allow` and `deny` (make it two rules)"]),
        ("allow: anyone\ndo: any", ["the rule does not say `to` what (write, for instance, `to: app:wiki`)"]),
        ("allow: anyone\nto: anything", ["the rule does not say what it allows to `do` (write `do: [view, edit]` or `do: any`)"]),
        ("alow: anyone\nto: anything", ["`alow` is not a key of a rule (did you mean `allow`?)", "neither"]),
        ("allow: goup:staff\nto: anything\ndo: any", ["`goup:staff` does not say whom the rule means (did you mean `group:staff`?)"]),
        ("allow: staff\nto: anything\ndo: any", ["`staff` does not say whom the rule means (use `group:…`, `person:…`, `service:…` or `anyone`)"]),
        ("allow: everyone\nto: anything\ndo: any", ["`everyone` does not say whom the rule means"]),
        ("allow: group:Staff\nto: anything\ndo: any", ["`Staff` cannot name a group"]),
        ("allow: 'group:sta ff'\nto: anything\ndo: any", ["`sta ff` cannot name a group"]),
        ("allow: 'person:a b@x.com'\nto: anything\ndo: any", ["is neither an e-mail address nor a person's id"]),
        ("allow: anyone\nto: apps:wiki\ndo: any", ["`apps:wiki` does not say what the rule means (did you mean `app:wiki`?)"]),
        ("allow: anyone\nto: anything\ndo: veiw", ["`veiw` is not an action (did you mean `view`?)"]),
        ("allow: anyone\nto: anything\ndo: [any, view]", ["`any` stands beside other actions (write `do: any` alone)"]),
        ("allow: []\nto: anything\ndo: any", ["`allow` is an empty list (remove the key or fill it in)"]),
        ("allow:\nto: anything\ndo: any", ["`allow` has no value (fill it in or remove the key)"]),
        ("allow: [anyone, anyone]\nto: anything\ndo: any", ["`anyone` stands twice in `allow` (remove one)"]),
        ("allow: {a: b}\nto: anything\ndo: any", ["`allow` must be one value (write it on the same line as the key)"]),
        ("allow: anyone\nto: anything\ndo: any\nunless: {mfa: otp}", ["an allow rule has no `unless` (use `when`, or add a deny rule)"]),
        ("deny: anyone\nto: anything\nrequire: mask", ["a deny rule has no `require` (remove it)"]),
        ("deny: anyone\nto: anything\nwhen: {mfa: otp}", ["`mfa` cannot stand in the `when` of a deny rule (write what lifts the rule: `unless: {mfa: otp}`)"]),
        ("deny: anyone\nto: anything\nwhen: {risk: below 5}", ["`risk` cannot stand in the `when` of a deny rule"]),
        ("deny: anyone\nto: anything\nwhen: {device: {managed: false}}", ["`device` cannot stand in the `when` of a deny rule"]),
        ("deny: anyone\nto: anything\nwhen: {}", ["`when` is empty (remove it or add a condition)"]),
        ("deny: anyone\nto: anything\nwhen: hours", ["`when` must be keys and values"]),
        ("deny: anyone\nto: anything\nunless: {mfaa: otp}", ["`mfaa` is not a key of `unless` (did you mean `mfa`?)"]),
    ],
)  # fmt: skip
def test_rule_problems(body, expected):
    found = problems(rule(body))
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(sorted(expected), sorted(found), strict=True)) or all(
        any(part in text for text in found) for part in expected
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("mfa: otb", "`otb` is not a value of `mfa` (did you mean `otp`?)"),
        ("mfa: {within: 12h}", "`mfa` does not say which `method` (write `{method: otp, within: 12h}`)"),
        ("mfa: {method: otp, within: 12 weeks}", "`12 weeks` is not a duration up to a year (write, for instance, `15m`, `12h` or `7d`)"),
        ("mfa: {method: otp, within: 0h}", "`0h` is not a duration"),
        ("mfa: {method: otp, within: 400d}", "`400d` is not a duration"),
        ("mfa: [otp]", "`mfa` must be keys and values"),
        ("device: managed", "`device` must be keys and values (write `{managed: true, compliant: true}`)"),
        ("device: {}", "`device` must have 1 to 50 facts"),
        ("device: {managed: yes}", "`yes` is not a value of `managed` (write `true` or `false`)"),
        ("device: {managed: at least 1}", "`at least 1` is not a value of `managed`"),
        ("device: {Disk: true}", "`Disk` cannot name a device fact"),
        ("device: {os: at least fourteen}", "`at least fourteen` does not end in a whole number"),
        ("hours: Mo-Fri 07:00-20:00 Europe/Berlin", "`Mo` is not a day (use `Mon`, `Tue`"),
        ("hours: Mon-Fri 07:00-20:00", "the time zone is missing (add it at the end"),
        ("hours: Mon-Fri 07:00-20:00 Berlin", "`Berlin` is not a time zone (did you mean `Europe/Berlin`?)"),
        ("hours: Mon-Fri 07:00-20:00 Europe/Berlni", "did you mean `Europe/Berlin`?"),
        ("hours: Mon-Fri 7-20 Europe/Berlin", "not a span of hours (write, for instance, `Mon-Fri 07:00-20:00 Europe/Berlin`)"),
        ("hours: Mon-Fri 25:00-26:00 UTC", "`25:00` is not a time of day"),
        ("hours: Mon-Fri 07:60-20:00 UTC", "`07:60` is not a time of day"),
        ("hours: Mon 08:00-08:00 UTC", "begins where it ends (write `00:00-24:00` for the whole day)"),
        ("hours: Mon 24:00-06:00 UTC", "begins where it ends"),
        ("networks: 10.0.0.1/8", "`10.0.0.1/8` is not a network (did you mean `10.0.0.0/8`?)"),
        ("networks: office", "`office` is not a network (write an address and how many of its bits count"),
        ("countries: Germany", "`Germany` is not a country code (use two letters of ISO 3166-1"),
        ("countries: UK", "`UK` is not a country code (did you mean `GB`?)"),
        ("risk: 60", "`60` is not a risk condition (write `below` and 1 to 100: `below 60`)"),
        ("risk: below 0", "`below 0` is not a risk condition"),
        ("risk: below 101", "`below 101` is not a risk condition"),
        ("risk: bellow 60", "`bellow 60` is not a risk condition (did you mean `below`?)"),
        ("risk: above 60", "`above 60` is not a risk condition"),
    ],
)  # fmt: skip
def test_condition_problems(condition, expected):
    (found,) = problems(rule(f"allow: anyone\nto: anything\ndo: any\nwhen:\n  {condition}"))
    assert expected in found


@pytest.mark.parametrize(
    "path", ["docs", "/a*", "/*/b", "/a/../b", "/./a", "//a", "/a//b", "/a//*", "//*", "/a?b", "/a#b", "/a\\\\b", "/a;b", "/%61", "/a\\x07", "*", "/" + "a" * 401]
)  # fmt: skip
def test_paths_that_are_no_scope(path):
    (found,) = problems(rule(f'allow: anyone\nto: anything\ndo: any\npaths: "{path}"'))
    assert "path" in found


@pytest.mark.parametrize("path", ["/", "/*", "/a", "/a/", "/a/*", "/a b/é/*", "/~anna/*", "/a'b"])
def test_paths_that_are_scopes(path):
    assert read_rules(rule(f'allow: anyone\nto: anything\ndo: any\npaths: "{path}"')).rules[0].paths


@pytest.mark.parametrize("name", ["break-glass", "default"])
def test_a_name_that_means_something_else_in_the_record_is_refused(name):
    (found,) = problems(f"version: 1\nrules:\n  - {{name: {name}, deny: anyone, to: anything}}\n")
    assert f"`{name}` cannot name a rule" in found
    assert "Choose another name" in found


def test_a_name_is_used_once():
    text = "version: 1\nrules:\n  - {name: a, deny: anyone, to: anything}\n  - {name: a, deny: anyone, to: anything}\n"
    assert problems(text) == ["line 4, column 5: a rule named `a` is already on line 3 (choose another name)"]


def test_misspelt_groups_and_apps_are_found_when_they_are_known():
    text = rule("allow: [group:staf, group:admins]\nto: [app:wikki, label:x]\ndo: any")
    read_rules(text)
    known = Known(groups=frozenset({"staff", "admins"}), apps=frozenset({"wiki"}))
    assert problems(text, known) == [
        "line 4, column 13: there is no group `staf` (did you mean `staff`?)",
        "line 5, column 10: there is no app `wikki` (did you mean `wiki`?)",
    ]


def test_every_problem_is_found_at_once_up_to_a_limit():
    text = "version: 1\nrules:\n" + "  - {name: A, allow: x, to: y, do: z}\n" * 100
    assert len(problems(text)) == 50


def test_too_many_rules():
    text = "version: 1\nrules: [" + "a," * (MAX_RULES + 1) + "]"
    assert problems(text) == [f"line 2, column 8: there are more than {MAX_RULES} rules (use groups and labels)"]


def test_too_long_a_document():
    assert "longer than" in problems("#" * (4 * 1024 * 1024 + 1))[0]


def test_messages_show_nothing_invisible():
    (found,) = problems(rule('allow: "group:a\\u202eb"\nto: anything\ndo: any'))
    assert found.isprintable()
    assert "\\u202e" in found
