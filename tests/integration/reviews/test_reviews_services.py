"""A campaign from start to signed report: items with what use says of them, answered by whose it is, carried out, read back."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.conf import settings
from django.core import mail
from tests.identity_people import MACHINE, make_person
from tests.review_firm import DAY, Firm, actor_for, published, work

from ostiary.identity.facade import (
    RoleId,
    add_member,
    assign_role,
    change_members_via,
    create_role,
    disable_person,
    remove_by_hand,
)
from ostiary.identity.models import Membership, Person, RoleAssignment
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation, GroupId, PersonId
from ostiary.policy.request import Authentication, AuthStrength, Context, Subject
from ostiary.reviews.domain.campaign import Seat
from ostiary.reviews.domain.facts import Ground
from ostiary.reviews.facade import (
    AlreadyAnswered,
    Answer,
    CannotClose,
    CannotStart,
    ItemState,
    NotYours,
    UnusableAnswer,
    alarms_of,
    answer_item,
    carry_out_answers,
    close_campaign,
    confirm_suggested,
    delegate_item,
    get_campaign,
    get_item,
    items_to_answer,
    list_rights,
    read_back_removals,
    read_signed,
    remind_due,
    send_review_letters,
    signing_key,
    start_due,
    write_report,
)
from ostiary.reviews.gathering import current_world
from ostiary.reviews.models import CampaignRow, ItemRow
from ostiary.reviews.pdf import draw_report
from ostiary.reviews.queries import every_item
from ostiary.reviews.reach import Reaches, in_reach
from ostiary.reviews.services.reminding import remind
from ostiary.visibility.facade import EventQuery, index_new_events, list_events

pytestmark = pytest.mark.django_db


def events() -> list[str]:
    while index_new_events(time.time()):
        pass
    return [
        one.words for one in list_events(EventQuery(kinds=("entity",), page_size=100, until=time.time() + 60)).items
    ]


def test_items_say_what_is_used_lost_and_done_by_peers(firm: Firm) -> None:
    firm.used(firm.ben, "payroll", times=4)
    firm.used(firm.ben, "books", method="POST")
    campaign = firm.start()
    ada, ben = firm.item(campaign, firm.ada), firm.item(campaign, firm.ben)
    assert {(one.app, one.actions) for one in ada.facts.gives} == {
        ("books", ("view", "edit", "delete", "connect")),
        ("payroll", ("view", "edit", "delete", "connect")),
    }, "also what needs a proof first"
    assert (ada.suggestion.answer, ada.suggestion.ground) == ("remove", Ground.UNUSED)
    assert (ada.facts.peers.people, ada.facts.peers.used, ada.facts.peers.median) == (1, 1, 5)
    assert (ben.suggestion.answer, ben.suggestion.ground, ben.facts.count) == ("keep", Ground.USED, 5)
    assert ben.facts.opens[0].rules == ("finance-keeps-the-books",)
    assert [(one.email, one.seat) for one in ada.reviewers] == [("olga@example.test", Seat.OWNER)]


def test_a_narrower_group_is_suggested_for_who_only_reads(firm: Firm) -> None:
    firm.used(firm.ada, "books", times=2)
    campaign = firm.start()
    item = firm.item(campaign, firm.ada)
    assert (item.suggestion.answer, item.suggestion.narrower) == ("reduce", "readers")
    answer_item(item_id=item.id, answer=Answer.REDUCE, narrower="readers", actor=actor_for(firm.olga))
    work()
    done = get_item(item.id)
    assert set(Membership.objects.filter(person_id=firm.ada).values_list("group_id", flat=True)) == {"readers"}
    assert done.state is ItemState.SETTLED
    assert done.read_back is not None
    assert [(one.app, one.actions, one.groups) for one in done.read_back.still] == [("books", ("view",), ("readers",))]
    assert {one.app for one in done.read_back.gone} == {"books", "payroll"}


def test_removed_and_proved_and_by_what_other_way_it_is_still_reached(firm: Firm) -> None:
    add_member(group_id=GroupId("board"), person_id=firm.ada, actor=MACHINE)
    campaign = firm.start()
    item = firm.item(campaign, firm.ada)
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.olga), comment="Changed teams")
    before = published()
    carry_out_answers()
    assert not Membership.objects.filter(person_id=firm.ada, group_id="finance").exists()
    assert read_back_removals(lambda: before, now=time.time()) == 0, "facts from before prove nothing"
    assert get_item(item.id).state is ItemState.CARRIED_OUT
    assert read_back_removals(published, now=time.time()) == 1
    done = get_item(item.id)
    assert done.state is ItemState.SETTLED
    assert done.read_back is not None
    assert done.read_back.generation == 7
    assert {(one.app, one.actions) for one in done.read_back.gone} == {
        ("books", ("connect", "delete", "edit", "view")),
        ("payroll", ("connect", "delete", "edit")),
    }
    assert [(one.app, one.actions, one.rules, one.groups) for one in done.read_back.still] == [
        ("payroll", ("view",), ("board-sees-payroll",), ("board",))
    ]
    assert any("ada@example.test in group finance" in words for words in events())


def test_given_an_end_and_read_back_from_the_facts(firm: Firm) -> None:
    campaign = firm.start()
    item = firm.item(campaign, firm.ada)
    end = float(int(time.time() + 30 * DAY))
    answer_item(item_id=item.id, answer=Answer.REDUCE, until=end, actor=actor_for(firm.olga))
    work()
    done = get_item(item.id)
    assert done.read_back is not None
    assert done.read_back.ends_at == end
    assert published().directory.people[firm.ada].terms[GroupId("finance")] == end


def test_roles_are_withdrawn_where_they_come_from_and_owners_answer(firm: Firm) -> None:
    create_role(id="clerk", owner="olga@example.test", groups=(GroupId("finance"),), actor=MACHINE)
    assign_role(role_id=RoleId("clerk"), person_id=firm.boss, actor=MACHINE)
    RoleAssignment.objects.update(granted_at=datetime.now(UTC) - timedelta(days=100))
    campaign = firm.start("role:clerk")
    (item,) = every_item(campaign)
    assert (item.kind, item.name, item.facts.groups) == ("role", "clerk", ("finance",))
    assert item.suggestion.ground is Ground.UNUSED
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.olga))
    work()
    assert not RoleAssignment.objects.exists()
    assert not Membership.objects.filter(person_id=firm.boss).exists()
    assert get_item(item.id).state is ItemState.SETTLED


def test_what_another_directory_keeps_stays_open_until_it_is_gone_there(firm: Firm) -> None:
    remove_by_hand(group_id=GroupId("finance"), person_id=firm.ada, actor=MACHINE)
    change_members_via(group_id=GroupId("finance"), via="scim:office", add=(firm.ada,), actor=MACHINE)
    campaign = firm.start()
    item = firm.item(campaign, firm.ada)
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.olga))
    for _ in range(2):
        work()
    waiting = get_item(item.id)
    assert waiting.state is ItemState.ELSEWHERE
    assert "scim:office" in waiting.trouble
    assert "there" in waiting.trouble
    with pytest.raises(CannotClose):
        close_campaign(campaign_id=campaign, actor=MACHINE)
    change_members_via(group_id=GroupId("finance"), via="scim:office", remove=(firm.ada,), actor=MACHINE)
    work()
    done = get_item(item.id)
    assert (done.state, done.trouble) == (ItemState.SETTLED, "")
    other = firm.item(campaign, firm.ben)
    ItemRow.objects.filter(pk=other.id).update(via="scim:office")
    with pytest.raises(UnusableAnswer, match="scim"):
        answer_item(item_id=other.id, answer=Answer.REDUCE, until=time.time() + DAY, actor=MACHINE)


def test_whose_it_is_and_never_ones_own(firm: Firm) -> None:
    add_member(group_id=GroupId("finance"), person_id=firm.olga, actor=MACHINE)
    campaign = firm.start()
    own = firm.item(campaign, firm.olga)
    assert [(one.email, one.seat) for one in own.reviewers] == [("root@example.test", Seat.ADMINISTRATOR)]
    for who in (firm.olga, firm.boss, firm.ben):
        with pytest.raises(NotYours):
            answer_item(item_id=own.id, answer=Answer.REMOVE, actor=actor_for(who))
    assert own.id not in {one.id for one in items_to_answer(firm.olga).items}
    with pytest.raises(UnusableAnswer, match="own access"):
        delegate_item(item_id=own.id, to="olga@example.test", actor=actor_for(firm.admin))
    delegate_item(item_id=own.id, to="bo@example.test", actor=actor_for(firm.admin), comment="You know better")
    with pytest.raises(NotYours):
        answer_item(item_id=own.id, answer=Answer.REMOVE, actor=actor_for(firm.admin))
    answer_item(item_id=own.id, answer=Answer.REMOVE, actor=actor_for(firm.boss))
    with pytest.raises(AlreadyAnswered):
        answer_item(item_id=own.id, answer=Answer.KEEP, comment="x", actor=actor_for(firm.boss))
    other = firm.item(campaign, firm.ada)
    disable_person(person_id=firm.olga, actor=MACHINE, reason="left")
    with pytest.raises(NotYours, match="switched off"):
        answer_item(item_id=other.id, answer=Answer.REMOVE, actor=actor_for(firm.olga))


def test_keeping_against_the_record_needs_a_reason_and_confirming_follows_it(firm: Firm) -> None:
    firm.used(firm.ben, "payroll", times=4, method="POST")
    campaign = firm.start()
    ada, ben = firm.item(campaign, firm.ada), firm.item(campaign, firm.ben)
    with pytest.raises(UnusableAnswer, match="why"):
        answer_item(item_id=ada.id, answer=Answer.KEEP, actor=actor_for(firm.olga))
    with pytest.raises(UnusableAnswer, match="one of both"):
        answer_item(item_id=ada.id, answer=Answer.REDUCE, actor=actor_for(firm.olga))
    with pytest.raises(NotYours):
        confirm_suggested(item_ids=(ada.id, ben.id), actor=actor_for(firm.boss))
    assert confirm_suggested(item_ids=(ada.id, ben.id, ben.id), actor=actor_for(firm.olga)) == 2
    assert confirm_suggested(item_ids=(ada.id, ben.id), actor=actor_for(firm.olga)) == 0
    assert (get_item(ada.id).answer, get_item(ben.id).answer) == (Answer.REMOVE, Answer.KEEP)
    assert get_item(ada.id).bulk


def test_keeping_everything_against_the_record_raises_the_alarm(firm: Firm) -> None:
    for number in range(3):
        make_person(f"idle{number}@example.test", groups=("finance",))
    Membership.objects.update(granted_at=datetime.now(UTC) - timedelta(days=400))
    campaign = firm.start()
    for item in every_item(campaign):
        answer_item(item_id=item.id, answer=Answer.KEEP, comment="fine", actor=actor_for(firm.olga))
    (alarm,) = alarms_of(campaign)
    assert (alarm.reviewer, alarm.sign, alarm.answers) == ("olga@example.test", "uniformity", 5)


def test_what_ends_by_itself_is_closed_as_gone(firm: Firm) -> None:
    campaign = firm.start()
    item = firm.item(campaign, firm.ada)
    remove_by_hand(group_id=GroupId("finance"), person_id=firm.ada, actor=MACHINE)
    work()
    assert get_item(item.id).state is ItemState.GONE
    with pytest.raises(AlreadyAnswered):
        answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(firm.olga))


def test_what_cannot_be_carried_out_says_why_and_is_tried_again(firm: Firm) -> None:
    campaign = firm.start("group:administrators")
    (item,) = every_item(campaign)
    assert item.suggestion.ground is Ground.CONSOLE
    assert item.reviewers == ()
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=MACHINE)
    work()
    assert get_item(item.id).state is ItemState.OWED
    assert "last administrator" in get_item(item.id).trouble
    make_person("other@example.test", groups=("administrators",))
    Person.objects.filter(email="other@example.test").update(accepted_at=datetime.now(UTC))
    work()
    assert get_item(item.id).state is ItemState.SETTLED


def test_reminded_then_substitutes_then_ready(firm: Firm) -> None:
    campaign = firm.start()
    send_review_letters(now=time.time())
    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["olga@example.test"], f"Access to review: {get_campaign(campaign).name}")
    ]
    assert "/reviews" in mail.outbox[0].body
    mail.outbox.clear()
    now = time.time()
    assert remind_due(now=now) == 0
    assert remind_due(now=now + 3.1 * DAY) == 1
    assert remind_due(now=now + 3.2 * DAY) == 0
    send_review_letters(now=time.time() + 5)
    assert [one.to for one in mail.outbox] == [["olga@example.test"]]
    ada, ben = firm.item(campaign, firm.ada), firm.item(campaign, firm.ben)
    assert remind_due(now=now + 14.1 * DAY) == 1
    assert remind_due(now=now + 14.2 * DAY) == 0
    seats = {(one.email, one.seat) for one in get_item(ada.id).reviewers}
    assert seats == {("olga@example.test", Seat.OWNER), ("bo@example.test", Seat.SUBSTITUTE)}
    assert {one.email for one in get_item(ben.id).reviewers} == {"olga@example.test", "root@example.test"}
    assert remind_due(now=now + 17.3 * DAY) == 1
    assert "root@example.test" in {one.email for one in get_item(ada.id).reviewers}
    mail.outbox.clear()
    assert remind_due(now=now + 30 * DAY) == 1, "nobody is left to ask, and whoever owes an answer hears of it again"
    assert remind_due(now=now + 30.1 * DAY) == 0
    confirm_suggested(item_ids=(ada.id, ben.id), actor=actor_for(firm.olga))
    work()
    mail.outbox.clear()
    assert remind_due(now=time.time()) == 1
    assert remind_due(now=time.time()) == 0
    send_review_letters(now=time.time() + 5)
    assert [(one.to, one.subject[:5]) for one in mail.outbox] == [(["root@example.test"], "Ready")]


def test_closed_signed_verified_and_drawn(firm: Firm) -> None:
    firm.used(firm.ben, "payroll", times=4)
    campaign = firm.start()
    ada, ben = firm.item(campaign, firm.ada), firm.item(campaign, firm.ben)
    confirm_suggested(item_ids=(ada.id,), actor=actor_for(firm.olga))
    with pytest.raises(CannotClose, match="still open"):
        close_campaign(campaign_id=campaign, actor=MACHINE)
    answer_item(
        item_id=ben.id, answer=Answer.KEEP, actor=actor_for(firm.olga), comment="Łukasz’s team — Ωmega, 山田 🙂"
    )
    work()
    key = signing_key(settings.INSTANCE).public_key()
    interim, _payload = read_signed(write_report(campaign)[1], key)
    assert not interim.final
    digest = close_campaign(campaign_id=campaign, actor=actor_for(firm.admin), statement="Access is appropriate")
    payload, file = write_report(campaign)
    report, signed = read_signed(file, key)
    assert signed == payload
    assert (report.final, report.acknowledged_by) == (True, "root@example.test")
    assert report.campaign.statement == "Access is appropriate"
    assert {one.email: one.state for one in report.items} == {
        "ada@example.test": ItemState.SETTLED,
        "ben@example.test": ItemState.KEPT,
    }
    assert [(one.email, one.asked, one.answered) for one in report.reviewers] == [("olga@example.test", 2, 2)]
    Person.objects.filter(pk=firm.ada).update(name="Renamed")
    assert write_report(campaign) == (payload, file), "what was signed stays"
    drawn = draw_report(report, digest)
    assert drawn.startswith(b"%PDF")
    assert f"SHA-256 {digest}".encode() in drawn
    for again in (
        lambda: close_campaign(campaign_id=campaign, actor=MACHINE),
        lambda: remind(campaign_id=campaign, actor=MACHINE),
    ):
        with pytest.raises((CannotClose, Exception), match="closed"):
            again()


def test_closed_on_purpose_with_something_open(firm: Firm) -> None:
    campaign = firm.start()
    with pytest.raises(CannotClose, match="acknowledge"):
        close_campaign(campaign_id=campaign, actor=MACHINE, leave_open=True, statement=" ")
    close_campaign(campaign_id=campaign, actor=MACHINE, leave_open=True, statement="Appropriate as far as answered")
    assert {one.state for one in every_item(campaign)} == {ItemState.UNANSWERED}
    assert items_to_answer(firm.olga).items == ()
    assert get_campaign(campaign).progress.unanswered == 2


def test_scopes(firm: Firm) -> None:
    add_member(group_id=GroupId("board"), person_id=firm.boss, actor=MACHINE)
    add_member(group_id=GroupId("readers"), person_id=firm.boss, actor=MACHINE)

    def covered(scope: str) -> set[str]:
        return {one.name for one in every_item(firm.start(scope))}

    assert covered("everything") == {"finance", "board", "readers", "administrators"}
    assert covered("app:payroll") == {"finance", "board"}
    assert covered("label:restricted") == {"finance", "board"}
    assert covered("app:books") == {"finance", "readers"}
    with pytest.raises(CannotStart):
        firm.start("group:nothing")
    assert CampaignRow.objects.count() == 4


def test_it_starts_by_itself_once_a_quarter(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    assert start_due(now=time.time()) == 0, "nothing is configured"
    reviews = settings.INSTANCE.configuration.reviews
    configuration = msgspec.structs.replace(
        settings.INSTANCE.configuration,
        reviews=msgspec.structs.replace(reviews, every="quarter", scope="label:restricted"),
    )
    monkeypatch.setattr(settings, "INSTANCE", replace(settings.INSTANCE, configuration=configuration))
    now = time.time()
    assert [start_due(now=now), start_due(now=now), start_due(now=now + 92 * DAY)] == [1, 0, 1]
    assert len({one.quarter for one in CampaignRow.objects.all()}) == 2


def test_reach_is_what_the_engine_says_for_whatever_groups(firm: Firm) -> None:
    world, now = current_world(), time.time()
    reaches, engine = Reaches(world, now=now), PolicyEngine(world.rules, world.catalogue, Generation(0))
    strong = Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, now)
    names = ("staff", "readers", "finance", "board", "administrators")
    for number in range(2 ** len(names)):
        groups = frozenset(GroupId(name) for place, name in enumerate(names) if number >> place & 1)
        subject = Subject(person=firm.ada, email="ada@example.test", groups=groups, authentications=(strong,))
        possible = engine.possible(subject, None, Context(risk=0), now)
        seen = {app for app, actions in reaches.of(groups).items() if "view" in actions}
        assert seen == {app for app, decision in possible.items() if in_reach(decision)}, groups


def test_the_register_says_who_holds_what_and_by_which_rule(firm: Firm) -> None:
    rights = [one for one in list_rights() if one.email == "ada@example.test"]
    assert [(one.right, one.app, one.actions, one.rules) for one in rights] == [
        ("finance", "books", ("view", "edit", "delete", "connect"), ("finance-keeps-the-books",)),
        ("finance", "payroll", ("view", "edit", "delete", "connect"), ("finance-pays",)),
    ]
    assert all(one.granted_by and one.since < time.time() - 300 * DAY and one.active for one in rights)
    assert json.loads(json.dumps([one.email for one in rights]))
    assert PersonId(firm.ada)
