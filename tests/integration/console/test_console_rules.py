"""Changing the rules in the console: checked at the line, compared in words, applied, on record; never a lock-out by accident."""

import re

import pytest
from tests.console_company import OPERATOR, RULES, Company
from tests.console_fixtures import Visit, text_of

from ostiary.rulebook.facade import apply_rules, get_current, get_hold, list_history

pytestmark = pytest.mark.django_db


def sent(document: str, *, apply: bool = False, **more: str) -> dict[str, str]:
    """Return the form as a browser sends it, with CR LF."""
    form = {"document": document.replace("\n", "\r\n"), "based_on": str(get_current().number), **more}
    return form | {"apply": "1"} if apply else form


def test_the_rules_are_shown_in_words_and_as_written(company: Company, visit: Visit) -> None:
    page = text_of(visit("audrey_audit").get("/rules/"))
    assert "Members of finance may edit and view payroll, with a passkey or security key." in page
    assert "- name: staff-use-wiki" in page
    assert "Change the rules" not in page


def test_a_mistake_is_named_at_its_line_with_the_right_spelling(company: Company, visit: Visit) -> None:
    answer = visit().post("/rules/edit", sent(RULES.replace("group:finance", "group:finanse"), apply=True))
    assert answer.status_code == 422
    page = text_of(answer)
    assert 'data-line="11"' in page
    assert "did you mean <code>finance</code>?" in page
    assert 'data-wrong="11"' in page
    assert "group:finanse" in page
    assert get_current().document == RULES


def test_a_change_is_shown_in_words_before_it_is_applied(company: Company, visit: Visit) -> None:
    changed = RULES.replace("mfa: phishing-resistant", "mfa: otp").replace(
        "name: staff-keep-calendars", "name: calendars"
    )
    page = text_of(visit().post("/rules/edit", sent(changed)))
    assert "What would change" in page
    assert "Apply to 1 person" in page
    assert "Need not any more for" in page
    assert re.search(r"Alice Meyer.{0,200}<td>–</td><td>–</td><td>–</td><td>Payroll</td>", page)
    assert "Members of finance may edit and view payroll, with a one-time code." in page
    assert "Before:" in page
    assert get_current().document == RULES


def test_rules_are_applied_with_who_and_why(company: Company, visit: Visit) -> None:
    changed = RULES.replace("mfa: phishing-resistant", "mfa: otp")
    assert visit().post("/rules/edit", sent(changed, apply=True, comment="Phones suffice")).status_code == 302
    current = get_current()
    assert (current.document, current.applied_by) == (changed, "ada.admin@example.test")
    history = text_of(visit().get("/rules/history"))
    assert "Phones suffice" in history
    assert "What it changed" in text_of(visit().get(f"/rules/history/{current.number}"))
    assert visit().get(f"/rules/history/{current.number + 1}").status_code == 404


def test_a_check_alone_applies_nothing(company: Company, visit: Visit) -> None:
    visit().post("/rules/edit", sent("version: 1\nrules: []\n"))
    assert list_history().total == 1


def test_two_people_do_not_overwrite_each_other(company: Company, visit: Visit) -> None:
    mine = sent(RULES.replace("mfa: phishing-resistant", "mfa: otp"), apply=True)
    apply_rules(RULES + "\n# reviewed\n", actor=OPERATOR, comment="Meanwhile")
    answer = visit().post("/rules/edit", mine)
    assert answer.status_code == 422
    assert "Somebody applied other rules meanwhile" in text_of(answer)
    assert get_current().comment == "Meanwhile"


def test_rules_that_shut_out_whoever_applies_them_are_on_trial(company: Company, visit: Visit) -> None:
    closed = RULES.partition("  - name: administrators-open-the-console")[0]
    elsewhere = RULES.rstrip() + "\n    when:\n      networks: [198.51.100.0/24]\n"
    for document in (closed, elsewhere):
        page = text_of(visit().post("/rules/edit", sent(document)))
        assert "These rules shut you out" in page
        assert "These rules shut every administrator out" in page
        assert "They are safe to try" in page
        assert "Try them for 5 minutes" in page
    assert get_current().document == RULES
    answer = visit().post("/rules/edit", sent(closed, apply=True))
    assert answer.status_code == 200, "the next page may not open, so this one says what happens"
    assert "are on trial" in text_of(answer)
    hold = get_hold()
    assert hold is not None
    assert (hold.number, get_current().document) == (get_current().number, closed)


def test_an_empty_or_overlong_document_is_answered(company: Company, visit: Visit) -> None:
    assert "These rules shut you out" in text_of(visit().post("/rules/edit", sent("", apply=True)))
    assert visit().post("/rules/edit", sent("#" * 500_001, apply=True)).status_code == 422
    assert visit().post("/rules/edit", {"document": RULES, "based_on": "x", "apply": "1"}).status_code == 422
    assert get_current().document == RULES


def test_without_rules_the_first_step_is_offered(console_instance: object, company: Company, visit: Visit) -> None:
    apply_rules("version: 1\nrules: []\n", actor=OPERATOR)
    assert "No rule can be read" in text_of(visit().get("/rules/"))


TESTS = """
tests:
  - {name: staff-read, as: group:staff, mfa: otp, to: app:wiki, expect: allow}
  - {name: a-code-opens-payroll, as: [group:staff, group:finance], mfa: otp, to: app:payroll, expect: allow}
"""


def test_what_came_of_the_tests_is_shown_and_failing_ones_keep_rules_from_being_applied(
    company: Company, visit: Visit
) -> None:
    document = RULES + TESTS
    line = document.splitlines().index(TESTS.splitlines()[3]) + 1
    page = text_of(visit().post("/rules/edit", sent(document)))
    assert "1 test fails" in page
    assert (
        f"Line {line}, <code>a-code-opens-payroll</code>: allowed was expected; it was refused, as a condition" in page
    )
    assert "<code>finance-opens-payroll</code>: This needs a passkey or security key; you gave a one-time code." in page
    assert "Go ahead although tests or clauses speak against it" in page
    answer = visit().post("/rules/edit", sent(document, apply=True))
    assert answer.status_code == 422
    assert "1 of the 2 tests in the document fails: a-code-opens-payroll." in text_of(answer)
    assert get_current().document == RULES


def test_rules_are_applied_despite_failing_tests_when_somebody_says_so(company: Company, visit: Visit) -> None:
    answer = visit().post("/rules/edit", sent(RULES + TESTS, apply=True, comment="Go", despite_failing_tests="on"))
    assert answer.status_code == 302
    assert get_current().comment == "Despite failing tests (a-code-opens-payroll). Go"
    assert "1 test fails" in text_of(visit("audrey_audit").get("/rules/"))


def test_rules_whose_tests_pass_say_so(company: Company, visit: Visit) -> None:
    document = RULES + TESTS.replace("mfa: otp, to: app:payroll", "mfa: phishing-resistant, to: app:payroll")
    page = text_of(visit().post("/rules/edit", sent(document)))
    assert "Its 2 tests pass." in page
    assert "Go ahead although tests or clauses" not in page
    assert visit().post("/rules/edit", sent(document, apply=True)).status_code == 302
