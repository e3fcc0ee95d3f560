"""The console explains: what somebody would be answered, and on a decision's page why it was made."""

import pytest
from tests.console_company import OPERATOR, RULES, Company
from tests.console_fixtures import Visit, text_of

from ostiary.rulebook.facade import apply_rules
from ostiary.visibility.facade import get_decision

pytestmark = pytest.mark.django_db

ALICE, BRUNO = "alice.meyer@example.test", "bruno.costa@example.test"


def about(company: Company, who: str) -> str:
    person = company.people[who].id
    return next(one for one in company.references if get_decision(one).person_id == person)


def test_a_question_is_answered_with_every_rule_and_the_least_change(visit: Visit) -> None:
    page = text_of(visit().get("/explain/", {"person": BRUNO, "app": "payroll"}))
    assert "Bruno Costa: view payroll at /" in page
    assert "No rule allows it" in page
    assert "The least that would open it" in page
    assert "Set up a passkey or security key, and confirm with it" in page
    assert "Join the group finance" in page
    assert "<code>finance-opens-payroll</code>" in page
    assert "a one-time code, just then" in page
    assert "8 facts were assumed" in page


def test_what_is_said_counts(visit: Visit) -> None:
    said = {"person": ALICE, "app": "wiki", "do": "edit", "mfa": "none", "at": "2026-11-23 06:10 Europe/Berlin"}
    page = text_of(visit().get("/explain/", said))
    assert "Alice Meyer: edit wiki at /" in page
    assert "Confirm with a second factor" in page
    assert "a password, just then" in page
    assert "23 November 2026" in page or "2026-11-23" in page
    allowed = text_of(visit().get("/explain/", {**said, "mfa": "otp"}))
    assert "Time alone does not end it." in allowed
    assert "The least that would open it" not in allowed


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"person": "nobody@example.test"}, "Nobody has the address nobody@example.test."),
        ({"device": "managed"}, "A device fact has no value: write `managed=true,os_version=14`"),
        ({"address": "here"}, "`here` is not an address"),
        ({"at": "2026-11-23 06:10"}, "the time zone is missing"),
        ({"session": "s_none"}, "This sign-in has ended."),
        ({"app": "wikki"}, "Select a valid choice"),
        ({"mfa": "none", "mfa_age": "10m"}, "There is no second factor that could have an age"),
    ],
)
def test_what_cannot_be_asked_is_said_at_its_field(visit: Visit, said: dict[str, str], words: str) -> None:
    answer = visit().get("/explain/", {"person": BRUNO, "app": "wiki", **said})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "The least that would open it" not in answer.content.decode()


def test_the_page_alone_asks_nothing(visit: Visit) -> None:
    answer = visit().get("/explain/")
    assert answer.status_code == 200
    assert 'aria-current="page"' in text_of(answer)
    assert "This field is required" not in text_of(answer)


def test_a_decision_says_why_by_the_rules_of_then_and_of_now(company: Company, visit: Visit) -> None:
    reference = about(company, "dana_novak")
    page = text_of(visit().get(f"/decisions/{reference}/"))
    assert '<section class="card" id="why">' in page
    assert f"Under the rules of then, number {company.rules}, with the facts of then" in page
    assert "Leave the group contractors" in page
    assert "Under the rules in force now" not in page
    apply_rules(RULES.replace("contractors", "engineering"), actor=OPERATOR)
    page = text_of(visit().get(f"/decisions/{reference}/"))
    assert f"Under the rules of then, number {company.rules}, with the facts of then" in page
    assert f"Under the rules in force now, number {company.rules + 1}" in page


def test_a_decision_can_be_asked_again(company: Company, visit: Visit) -> None:
    page = visit().get(f"/decisions/{about(company, 'bruno_costa')}/").content.decode()
    href = page.split('">Ask again with other facts')[0].rpartition('href="')[2].replace("&amp;", "&")
    again = visit().get(href)
    assert again.status_code == 200
    assert "Bruno Costa: view " in text_of(again)


def test_the_help_desk_sees_decisions_and_no_rules(company: Company, visit: Visit) -> None:
    desk = visit("henk_help")
    page = text_of(desk.get(f"/decisions/{about(company, 'dana_novak')}/"))
    assert 'id="why"' not in page
    assert "Under the rules" not in page
    assert "Explain" not in page
    assert desk.get("/explain/", {"person": BRUNO, "app": "payroll"}).status_code == 403
    assert visit("audrey_audit").get("/explain/", {"person": BRUNO, "app": "payroll"}).status_code == 200
