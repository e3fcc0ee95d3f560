"""The console explains: what somebody would be answered, and on a decision's page why it was made."""

import time

import pytest
from tests.console_company import OPERATOR, RULES, Company, write_decisions
from tests.console_fixtures import Visit, text_of

from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode
from ostiary.policy.identifiers import BREAK_GLASS, AppId, Generation, PolicyVersion
from ostiary.policy.request import AccessRequest, ActionClass, Resource, Subject
from ostiary.policy.snapshot import PersonFact
from ostiary.rulebook.facade import apply_rules, get_current
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.facade import get_decision, index_new_decisions

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


def recorded(company: Company, decision: Decision, *, asked: bool = True) -> str:
    """Put one decision about Ada at the console on record."""
    ada, now, reference = company.people["ada_admin"], time.time(), "WWWWW-WWWWW"
    request = AccessRequest(
        subject=Subject(person=ada.id, email=ada.email, groups=frozenset(ada.groups)),
        action=ActionClass.VIEW,
        resource=Resource(app=AppId("files")),
    )
    event = decision_event(
        reference=reference,
        at=now - 1,
        request=request if asked else None,
        decision=decision,
        http=HttpFacts(method="GET", host="files.example.test", path="/"),
        person=PersonFact(id=ada.id, email=ada.email, name=ada.name, active=True),
    )
    write_decisions([event])
    index_new_decisions(now)
    return reference


def test_what_the_rules_alone_would_not_have_said_is_told_apart(company: Company, visit: Visit) -> None:
    emergency = Allow(rules=(BREAK_GLASS,), policy_version=get_current().version, generation=Generation(1))
    page = text_of(visit().get(f"/decisions/{recorded(company, emergency)}/"))
    assert "What is on record rests on more than these rules" in page
    assert "None of the changes of facts that were tried opens it" in page


def test_rules_that_are_not_in_the_history_are_not_made_up(company: Company, visit: Visit) -> None:
    refused = Deny(reason=ReasonCode.NO_RULE_APPLIES, policy_version=PolicyVersion("gone"), generation=Generation(1))
    page = text_of(visit().get(f"/decisions/{recorded(company, refused)}/"))
    assert "The rules of then are not in the history" in page
    assert f"Under the rules in force now, number {company.rules}" in page


def test_a_decision_that_no_rule_made_says_so(company: Company, visit: Visit) -> None:
    ended = Deny(reason=ReasonCode.SESSION_ENDED, policy_version=get_current().version, generation=Generation(1))
    page = text_of(visit().get(f"/decisions/{recorded(company, ended, asked=False)}/"))
    assert "No rule was asked." in page
    assert "Ask again with other facts" not in page


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
