"""Who may see in the console why they were refused gets a link to it on the refusal page, and nothing else; nobody else does."""

from collections.abc import Iterator
from itertools import combinations

import pytest
from tests.decider_company import House, company, open_house, person

from ostiary.gateway.decider.refusal import may_ask_why
from ostiary.identity.domain.people import BUILTIN_GROUPS, role_of
from ostiary.policy.identifiers import GroupId
from ostiary.policy.snapshot import PersonFact
from ostiary.visibility.adapters.audit_log import RecordUnavailable
from ostiary.web.console.permissions import Action, Resource, may

WORDS = "Why, in the console"
CLOSED = "version: 1\nrules:\n- name: nobody-here\n  deny: anyone\n  to: app:wiki\n"
ADA = person("ada", groups=("staff", "administrators"))
ALF = person("alf", groups=("auditors",))
DESK = person("desk", groups=("helpdesk",))
BOB = person("bob")
GONE = person("gone", active=False, groups=("administrators",))


@pytest.fixture
def house() -> Iterator[House]:
    with open_house(company(rules=CLOSED, people=(ADA, ALF, DESK, BOB, GONE))) as opened:
        yield opened


def refusal(house: House, who: PersonFact) -> str:
    reply = house.ask("wiki", cookies=house.cookie(who, "wiki"), browser=True)
    assert reply.status == 403
    return reply.text


@pytest.mark.parametrize("who", [ADA, ALF])
def test_administrators_and_auditors_get_the_link(house: House, who: PersonFact) -> None:
    page = refusal(house, who)
    reference = house.events()[-1]["metadata"]["uid"]
    assert f'<a class="button large" href="https://admin.example.test/decisions/{reference}/#why">{WORDS}</a>' in page


def test_the_page_says_nothing_more_to_them(house: House) -> None:
    theirs, others = refusal(house, ADA), refusal(house, BOB)
    references = [event["metadata"]["uid"] for event in house.events()]
    link = f'<a class="button large" href="https://admin.example.test/decisions/{references[0]}/#why">{WORDS}</a>'
    assert theirs.replace(link, "").replace(references[0], references[1]) == others


@pytest.mark.parametrize("who", [DESK, BOB, GONE])
def test_nobody_else_does(house: House, who: PersonFact) -> None:
    page = refusal(house, who)
    assert WORDS not in page
    assert "admin.example.test" not in page


def test_a_program_is_told_no_more_than_before(house: House) -> None:
    assert WORDS not in house.ask("wiki", cookies=house.cookie(ADA, "wiki")).text


def test_what_is_not_on_record_has_no_link(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.parts is not None

    def fails(_records: object) -> None:
        raise RecordUnavailable("The disk is full.")

    monkeypatch.setattr(house.parts.audit, "append", fails)
    reply = house.ask("wiki", cookies=house.cookie(ADA, "wiki"), browser=True)
    assert reply.status == 503
    assert WORDS not in reply.text


def test_it_is_who_may_see_rules_in_the_console() -> None:
    for count in range(len(BUILTIN_GROUPS) + 1):
        for some in combinations(BUILTIN_GROUPS, count):
            groups = (*some, GroupId("staff"))
            assert may_ask_why(groups) == may(role_of(groups), Resource.RULES, Action.VIEW), groups
