"""Rules are applied once, on record, told to the gateway; what cannot be used or recorded changes nothing."""

from unittest import mock

import pytest
from tests.policy_material import NOON, ask, catalogue, proof, refused

from ostiary.changes import facts_changed
from ostiary.policy.decision import Allow, ReasonCode
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation
from ostiary.policy.rules.parsed import read_parsed
from ostiary.policy.rules.reader import read_rules
from ostiary.rulebook.facade import (
    InvalidRules,
    Known,
    UnknownRules,
    apply_rules,
    check_rules,
    compare_rules,
    get_applied,
    get_current,
    initial_rules,
    list_history,
    show_cedar,
)
from ostiary.rulebook.facts import read_rulebook
from ostiary.visibility.facade import Actor, RecordUnavailable

ANNA = Actor(kind="person", id="p1", label="anna@example.com", address="192.0.2.1")
ONE = "version: 1\nrules:\n  - {name: a, allow: group:staff, to: app:wiki, do: view}\n"
TWO = ONE.replace("do: view", "do: [view, edit]").replace("allow: group:staff", "allow: [group:staff, group:night]")

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard():
    """What was announced, as (section, takes_away)."""
    said = []

    def listen(section, takes_away, **_):
        said.append((section, takes_away))

    facts_changed.connect(listen)
    yield said
    facts_changed.disconnect(listen)


def test_before_anything_nobody_may_do_anything():
    assert get_current().number == 0
    assert get_current().version == ""
    engine = PolicyEngine(read_rulebook(), catalogue(), Generation(1))
    assert refused(engine.decide(ask(), NOON)).reason is ReasonCode.NO_RULES


def test_applying(heard):
    with mock.patch("ostiary.visibility.services.record") as record:
        applied = apply_rules(ONE, actor=ANNA, comment=" Start ")
    assert heard == [("rulebook", True)]
    assert (applied.number > 0, applied.document, applied.applied_by, applied.comment) == (
        True,
        ONE,
        "anna@example.com",
        "Start",
    )
    assert len(applied.version) == 12
    assert get_current() == applied
    event = record.call_args.args[0].body
    assert event["entity"]["type"] == "rules"
    assert event["entity_result"]["data"]["difference"]["added"] == {"a": "Members of staff may view wiki."}


def test_the_facts_carry_both_forms():
    apply_rules(ONE, '@id("more") permit (principal in Group::"night", action, resource);', actor=ANNA)
    rules = read_rulebook()
    assert read_parsed(rules.document, rules.parsed) == read_rules(ONE)
    engine = PolicyEngine(rules, catalogue(), Generation(1))
    assert isinstance(engine.decide(ask(), NOON), Allow)
    assert engine.decide(ask(groups=("night",)), NOON).rules == ("more",)


def test_the_same_again_is_no_change(heard):
    first = apply_rules(ONE, actor=ANNA)
    heard.clear()
    with mock.patch("ostiary.visibility.services.record") as record:
        assert apply_rules(ONE, actor=ANNA, comment="again") == first
    assert not heard
    assert not record.called
    assert list_history().total == 1


def test_what_cannot_be_used_is_refused(heard):
    apply_rules(ONE, actor=ANNA)
    heard.clear()
    with pytest.raises(InvalidRules) as caught:
        apply_rules(ONE.replace("view", "veiw"), actor=ANNA)
    assert "did you mean `view`?" in str(caught.value)
    with pytest.raises(InvalidRules):
        apply_rules(ONE, "permit", actor=ANNA)
    with pytest.raises(InvalidRules):
        apply_rules(TWO, actor=ANNA, known=Known(groups=frozenset({"staff"})))
    assert not heard
    assert get_current().document == ONE


def test_what_cannot_be_recorded_does_not_happen():
    apply_rules(ONE, actor=ANNA)
    with (
        mock.patch("ostiary.visibility.services.record", side_effect=RecordUnavailable("full")),
        pytest.raises(RecordUnavailable),
    ):
        apply_rules(TWO, actor=ANNA)
    assert get_current().document == ONE
    assert list_history().total == 1


def test_history():
    numbers = [apply_rules(text, actor=ANNA, comment=str(n)).number for n, text in enumerate([ONE, TWO, ONE])]
    page = list_history(page=1, page_size=2)
    assert [one.number for one in page.items] == numbers[:0:-1]
    assert (page.total, page.pages) == (3, 2)
    assert [one.comment for one in list_history(page=2, page_size=2).items] == ["0"]
    assert get_applied(numbers[1]).document == TWO
    assert get_applied(numbers[0]).version == get_applied(numbers[2]).version
    with pytest.raises(UnknownRules):
        get_applied(10**9)


def test_checking_says_what_rules_mean():
    report = check_rules(TWO)
    assert report.is_valid
    assert [rule.words for rule in report.rules] == ["Members of night and members of staff may edit and view wiki."]
    assert report.warnings == ("No rule allows anybody to reach app:console: the console will be closed to everyone.",)


def test_checking_warns_of_what_may_not_be_meant():
    text = initial_rules() + "  - {name: b, deny: anyone, to: anything, when: {countries: KP}}\n"
    warnings = " ".join(check_rules(text).warnings)
    assert "`b` asks for the country, and no country database is configured: it will apply from everywhere." in warnings


def test_checking_finds_problems_of_both_texts():
    report = check_rules("version: 3", "permit")
    assert [problem.file for problem in report.problems] == ["rules", "cedar"]
    assert not report.rules


def test_comparing():
    more = TWO + "  - {name: b, deny: anyone, to: anything}\n"
    difference = compare_rules(ONE, more)
    assert [one.words for one in difference.added] == ["Anyone may never use any app."]
    (changed,) = difference.changed
    assert [(part.part, part.before, part.after) for part in changed.parts] == [
        ("allow", "members of staff", "members of night and members of staff"),
        ("do", "view", "edit and view"),
    ]
    assert [one.name for one in compare_rules(more, ONE).removed] == ["b"]
    assert compare_rules(ONE, "# moved\n" + ONE).is_empty
    assert compare_rules(ONE, ONE, new_cedar="x").cedar_changed
    assert len(compare_rules("broken: [", ONE).added) == 1


def test_from_allow_to_deny_is_a_change_of_both_parts():
    (changed,) = compare_rules(ONE, ONE.replace("allow", "deny")).changed
    assert [(part.part, part.before, part.after) for part in changed.parts] == [
        ("allow", "members of staff", ""),
        ("deny", "", "members of staff"),
    ]


def test_the_initial_rules_open_the_console_with_a_passkey_to_those_with_a_part_in_it_and_nothing_else():
    apply_rules(initial_rules(), actor=ANNA)
    engine = PolicyEngine(read_rulebook(), catalogue(), Generation(1))
    passkey, code = (proof("webauthn"),), (proof("totp"),)
    for group in ("administrators", "auditors", "helpdesk"):
        assert isinstance(engine.decide(ask("console", groups=(group,), proofs=passkey), NOON), Allow)
        assert not isinstance(engine.decide(ask("console", groups=(group,), proofs=code), NOON), Allow)
        assert not isinstance(engine.decide(ask("wiki", groups=(group,), proofs=passkey), NOON), Allow)
    assert not isinstance(engine.decide(ask("console", groups=("staff",), proofs=passkey), NOON), Allow)


def test_cedar_is_shown_with_what_stands_beside():
    assert "permit" in show_cedar(ONE)
    assert show_cedar(ONE, "// beside").endswith("// beside")
    assert show_cedar("") == ""
