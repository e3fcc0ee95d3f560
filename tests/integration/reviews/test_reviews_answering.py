"""Who may answer what, with what: nobody gives what is not theirs to give, and nobody answers as who they are not any more."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.identity_people import MACHINE, make_group, make_person
from tests.review_firm import DAY, RULES, Firm, actor_for, work

from ostiary.identity.facade import (
    RoleId,
    add_member,
    assign_role,
    change_members_via,
    create_role,
    remove_by_hand,
    set_group_owner,
)
from ostiary.identity.models import Membership, Person
from ostiary.policy.identifiers import GroupId
from ostiary.reviews.domain.campaign import Seat
from ostiary.reviews.domain.facts import Ground
from ostiary.reviews.facade import (
    Answer,
    ItemState,
    NotYours,
    UnusableAnswer,
    answer_item,
    confirm_suggested,
    count_to_answer,
    delegate_item,
    get_item,
    items_chosen,
    items_to_answer,
)
from ostiary.reviews.models import ItemRow, SeatRow
from ostiary.reviews.services.reminding import remind_due
from ostiary.rulebook.facade import apply_rules

pytestmark = pytest.mark.django_db


def test_a_reviewer_exchanges_only_for_less_and_only_for_what_is_theirs_to_give(firm: Firm) -> None:
    make_group("treasury")
    apply_rules(RULES + "  - {name: treasury, allow: group:treasury, to: anything, do: any}\n", actor=MACHINE)
    item = firm.item(firm.start(), firm.ada)
    assert item.suggestion.narrower == ""
    for wider in ("treasury", "finance"):
        for who in (actor_for(firm.olga), MACHINE):
            with pytest.raises(UnusableAnswer):
                answer_item(item_id=item.id, answer=Answer.REDUCE, narrower=wider, actor=who)
    with pytest.raises(UnusableAnswer, match="not yours to give"):
        answer_item(item_id=item.id, answer=Answer.REDUCE, narrower="board", actor=actor_for(firm.olga))
    assert get_item(item.id).state is ItemState.WAITING
    set_group_owner(group_id=GroupId("board"), owner="olga@example.test", actor=MACHINE)
    answer_item(item_id=item.id, answer=Answer.REDUCE, narrower="board", actor=actor_for(firm.olga))
    apply_rules(RULES + "  - {name: board, allow: group:board, to: anything, do: any}\n", actor=MACHINE)
    work()
    assert not Membership.objects.filter(person_id=firm.ada, group_id="board").exists(), "by now it opens more"
    assert "does not open less" in get_item(item.id).trouble
    apply_rules(RULES, actor=MACHINE)
    work()
    assert set(Membership.objects.filter(person_id=firm.ada).values_list("group_id", flat=True)) == {"board"}
    assert get_item(item.id).state is ItemState.SETTLED


def test_a_reduction_never_prolongs(firm: Firm) -> None:
    """An end that is earlier by the time it is carried out stays; what takes its place lasts no longer than it did."""
    item = firm.item(firm.start(), firm.ada)
    sooner, later = time.time() + 5 * DAY, time.time() + 60 * DAY
    answer_item(item_id=item.id, answer=Answer.REDUCE, until=later, actor=actor_for(firm.olga))
    add_member(group_id=GroupId("finance"), person_id=firm.ada, actor=MACHINE, ends_at=sooner)
    work()
    row = Membership.objects.get(person_id=firm.ada, group_id="finance")
    assert row.ends_at is not None
    assert row.ends_at.timestamp() == pytest.approx(sooner, abs=1)
    done = get_item(item.id)
    assert done.read_back is not None
    assert done.read_back.ends_at == pytest.approx(sooner, abs=1)
    create_role(id="clerk", owner="olga@example.test", groups=(GroupId("finance"),), actor=MACHINE)
    create_role(id="reader", owner="olga@example.test", groups=(GroupId("readers"),), actor=MACHINE)
    assign_role(role_id=RoleId("clerk"), person_id=firm.boss, actor=MACHINE, ends_at=sooner)
    role = firm.item(firm.start("role:clerk"), firm.boss, "clerk")
    answer_item(item_id=role.id, answer=Answer.REDUCE, narrower="reader", actor=actor_for(firm.olga))
    work()
    (row,) = Membership.objects.filter(person_id=firm.boss)
    assert (row.group_id, row.ends_at and row.ends_at.timestamp()) == ("readers", pytest.approx(sooner, abs=1))


def test_keeping_against_any_suggestion_needs_a_reason(firm: Firm) -> None:
    firm.used(firm.ada, "payroll", days_ago=60, method="POST")
    item = firm.item(firm.start(), firm.ada)
    assert (item.suggestion.answer, item.suggestion.ground) == ("reduce", Ground.SELDOM)
    with pytest.raises(UnusableAnswer, match="why"):
        answer_item(item_id=item.id, answer=Answer.KEEP, actor=actor_for(firm.olga))


def test_nothing_is_suggested_that_cannot_be_done_and_one_that_cannot_stops_no_other(firm: Firm) -> None:
    remove_by_hand(group_id=GroupId("finance"), person_id=firm.ada, actor=MACHINE)
    change_members_via(group_id=GroupId("finance"), via="scim:office", add=(firm.ada,), actor=MACHINE)
    Membership.objects.update(granted_at=datetime.now(UTC) - timedelta(days=400))
    for who in (firm.ada, firm.ben):
        firm.used(who, "payroll", days_ago=60, method="POST")
    campaign = firm.start()
    ada, ben = firm.item(campaign, firm.ada), firm.item(campaign, firm.ben)
    assert (ada.suggestion.answer, ada.suggestion.ground) == ("", Ground.SELDOM_FIXED)
    assert ben.suggestion.ground is Ground.SELDOM
    ItemRow.objects.filter(pk=ben.id).update(suggestion=b'{"answer":"reduce","ground":"seldom","until":1000.0}')
    third = make_person("cy@example.test", groups=("finance",))
    other = firm.item(firm.start(), third)
    with pytest.raises(UnusableAnswer, match=r"1 cannot be answered.*1 are answered"):
        confirm_suggested(item_ids=(ada.id, ben.id, other.id), actor=actor_for(firm.olga))
    assert get_item(other.id).answer is Answer.KEEP


def test_what_would_open_more_if_it_went_is_nobodys_suggestion(firm: Firm) -> None:
    make_group("contractors")
    rules = (
        "  - {name: contractors-read, allow: group:contractors, to: app:books, do: view}\n"
        "  - {name: contractors-never-pay, deny: group:contractors, to: label:restricted}\n"
    )
    apply_rules(RULES + rules, actor=MACHINE)
    add_member(group_id=GroupId("contractors"), person_id=firm.ada, actor=MACHINE)
    Membership.objects.update(granted_at=datetime.now(UTC) - timedelta(days=400))
    item = firm.item(firm.start("group:contractors"), firm.ada, "contractors")
    assert item.facts.gives == (), "finance opens the books as well"
    assert [one.app for one in item.facts.widens] == ["payroll"]
    assert (item.suggestion.answer, item.suggestion.ground) == ("", Ground.WIDENS)


def test_who_does_not_answer_for_it_any_more_answers_nothing_and_the_next_is_asked(firm: Firm) -> None:
    item = firm.item(firm.start(), firm.ada)
    set_group_owner(group_id=GroupId("finance"), owner="ben@example.test", actor=MACHINE)
    with pytest.raises(NotYours, match="any more"):
        answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.olga))
    now = time.time()
    assert remind_due(now=now + 5) == 0, "seats are looked at every ten minutes"
    assert remind_due(now=now + 700) == 1
    assert [(one.email, one.seat) for one in get_item(item.id).reviewers] == [("ben@example.test", Seat.OWNER)]
    Person.objects.filter(pk=firm.ben).update(is_active=False)
    assert remind_due(now=now + 1400) == 1, "who left is not waited for until the deadline"
    assert [one.email for one in get_item(item.id).reviewers] == ["bo@example.test"]
    assert count_to_answer(firm.boss) == 1
    assert remind_due(now=now + 2100) == 0
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.boss))


def test_substitutes_of_whom_one_is_seated_already_are_asked_all_the_same(firm: Firm) -> None:
    make_person("second@example.test", groups=("administrators",))
    item = firm.item(firm.start(), firm.ben)
    delegate_item(item_id=item.id, to="root@example.test", actor=actor_for(firm.olga))
    now = time.time()
    for days in (14.1, 17.2):
        remind_due(now=now + days * DAY)
    assert {one.email for one in get_item(item.id).reviewers} == {
        "root@example.test",
        "olga@example.test",
        "second@example.test",
    }


def test_handing_on_goes_round_in_no_circle_and_stays_with_the_item(firm: Firm) -> None:
    item = firm.item(firm.start(), firm.ada)
    delegate_item(item_id=item.id, to="bo@example.test", actor=actor_for(firm.olga), comment="You know better")
    delegate_item(item_id=item.id, to="ben@example.test", actor=actor_for(firm.boss))
    for before in ("olga@example.test", "bo@example.test"):
        with pytest.raises(UnusableAnswer, match="handed it on already"):
            delegate_item(item_id=item.id, to=before, actor=actor_for(firm.ben))
    said = [(one.by, one.to, one.comment) for one in get_item(item.id).handed_on]
    assert said == [
        ("olga@example.test", "bo@example.test", "You know better"),
        ("bo@example.test", "ben@example.test", ""),
    ]
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.ben))


def test_what_waits_is_read_page_by_page_and_only_ones_own_is_chosen(firm: Firm) -> None:
    campaign = firm.start()
    ada, ben = firm.item(campaign, firm.ada), firm.item(campaign, firm.ben)
    first, second = (items_to_answer(firm.olga, page=number, page_size=1) for number in (1, 2))
    assert ([one.id for one in first.items], [one.id for one in second.items]) == ([ada.id], [ben.id])
    assert (first.total, items_to_answer(firm.olga, page=99, page_size=1).page) == (2, 2)
    assert [one.id for one in items_chosen(firm.olga, (ben.id, "i_none", "\x00"))] == [ben.id]
    assert items_chosen(firm.boss, (ada.id, ben.id)) == ()
    SeatRow.objects.create(item_id=ada.id, person_id=firm.ada, seat="owner", since=datetime.now(UTC))
    assert items_chosen(firm.ada, (ada.id,)) == (), "whatever the seat, never one's own"
