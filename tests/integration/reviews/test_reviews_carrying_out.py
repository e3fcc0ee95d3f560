"""What was answered is carried out whatever else is stuck or closed, and what is said to be read back was read."""

import time
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.core import mail
from tests.identity_people import MACHINE
from tests.review_firm import DAY, Firm, actor_for, published, work

from ostiary.identity.facade import (
    RoleId,
    add_member,
    assign_role,
    change_members_via,
    create_role,
    remove_by_hand,
)
from ostiary.identity.models import Membership
from ostiary.policy.identifiers import GroupId
from ostiary.reviews.facade import (
    Answer,
    ItemState,
    answer_item,
    carry_out_answers,
    close_campaign,
    get_item,
    read_back_removals,
    remind,
    send_review_letters,
)
from ostiary.reviews.services import carrying_out, reading_back, reminding

pytestmark = pytest.mark.django_db


def test_what_was_answered_is_carried_out_also_when_the_review_was_closed_meanwhile(firm: Firm) -> None:
    campaign = firm.start()
    item = firm.item(campaign, firm.ada)
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.olga))
    close_campaign(campaign_id=campaign, actor=MACHINE, leave_open=True, statement="Appropriate, but for what is open")
    work()
    assert not Membership.objects.filter(person_id=firm.ada, group_id="finance").exists()
    assert get_item(item.id).state is ItemState.SETTLED
    assert get_item(firm.item(campaign, firm.ben).id).state is ItemState.UNANSWERED


def test_what_is_stuck_holds_up_nothing_else(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (carrying_out, reading_back):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    stuck = firm.start("group:administrators")
    answer_item(item_id=firm.item(stuck, firm.admin, "administrators").id, answer=Answer.REMOVE, actor=MACHINE)
    remove_by_hand(group_id=GroupId("finance"), person_id=firm.ben, actor=MACHINE)
    change_members_via(group_id=GroupId("finance"), via="scim:office", add=(firm.ben,), actor=MACHINE)
    campaign = firm.start()
    for who in (firm.ben, firm.ada):
        answer_item(item_id=firm.item(campaign, who).id, answer=Answer.REMOVE, actor=actor_for(firm.olga))
    for _ in range(3):
        work()
    assert get_item(firm.item(campaign, firm.ben).id).state is ItemState.ELSEWHERE
    assert get_item(firm.item(campaign, firm.ada).id).state is ItemState.SETTLED


def test_an_end_is_read_back_with_what_stays_in_reach_after_it(firm: Firm) -> None:
    create_role(id="reader", owner="olga@example.test", groups=(GroupId("finance"),), actor=MACHINE)
    assign_role(role_id=RoleId("reader"), person_id=firm.ada, actor=MACHINE)
    Membership.objects.update(granted_at=datetime.now(UTC) - timedelta(days=400))
    item = firm.item(firm.start(), firm.ada)
    end = float(int(time.time() + 30 * DAY))
    answer_item(item_id=item.id, answer=Answer.REDUCE, until=end, actor=actor_for(firm.olga))
    work()
    done = get_item(item.id)
    assert done.read_back is not None
    assert done.read_back.ends_at == end
    assert {(one.app, one.groups) for one in done.read_back.still} == {
        ("books", ("finance",)),
        ("payroll", ("finance",)),
    }, "the role keeps them in"


def test_an_end_that_is_not_published_yet_proves_nothing_and_one_that_was_lifted_is_said(firm: Firm) -> None:
    campaign = firm.start()
    end = time.time() + 30 * DAY
    for who in (firm.ada, firm.ben):
        answer_item(item_id=firm.item(campaign, who).id, answer=Answer.REDUCE, until=end, actor=actor_for(firm.olga))
    before = published()
    carry_out_answers()
    assert read_back_removals(lambda: before, now=time.time()) == 0, "these facts hold no end"
    add_member(group_id=GroupId("finance"), person_id=firm.ben, actor=MACHINE)
    assert read_back_removals(published, now=time.time()) == 2
    lifted = get_item(firm.item(campaign, firm.ben).id).read_back
    assert lifted is not None
    assert lifted.ends_at is None
    assert {one.app for one in lifted.still} == {"books", "payroll"}


def test_whoever_presses_remind_again_sends_no_second_mail(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 11, 23, 12, 0, next(seconds), tzinfo=UTC)

    seconds = count(1)
    campaign = firm.start()
    monkeypatch.setattr(reminding, "datetime", Noon)
    assert [remind(campaign_id=campaign, actor=MACHINE) for _ in range(3)] == [1, 0, 0]
    send_review_letters(now=time.time() + 5)
    assert len([one for one in mail.outbox if one.subject.startswith("Still to answer")]) == 1
