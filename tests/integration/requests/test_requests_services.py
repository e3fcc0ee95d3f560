"""Requests for access: asked, answered by whose it is, ended by time; every step with its letters and its record."""

import time
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.core import mail
from tests.identity_people import MACHINE, make_group
from tests.requests_firm import DAY, LEDGER, Firm, actor_for, on_record, set_back

from ostiary.identity.facade import (
    NotAllowed,
    add_member,
    disable_person,
    expire_terms,
    remove_member,
    set_group_owner,
)
from ostiary.identity.facts import read_identity
from ostiary.identity.models import Person
from ostiary.policy.identifiers import AppId, GroupId
from ostiary.policy.terms import next_end, person_at
from ostiary.requests.facade import (
    AlreadyAnswered,
    CannotAsk,
    NotYours,
    State,
    approve,
    extend,
    get_request,
    hand_back,
    list_requests,
    read_answer_token,
    refuse,
    requests_to_answer,
    send_letters,
    settle_requests,
    withdraw,
)
from ostiary.requests.models import AccessRequest, Letter

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Firm:
    return Firm()


def test_the_owner_grants_and_the_facts_say_until_when(firm: Firm) -> None:
    request_id = firm.ask(app=AppId("ledger"), return_path="/books?year=2026")
    assert [one.id for one in requests_to_answer(firm.owner)] == [request_id]
    before = time.time()
    approve(request_id=request_id, actor=actor_for(firm.owner), comment="Until Friday")
    granted = get_request(request_id)
    assert (granted.state, granted.decided_by, granted.comment) == (State.GRANTED, "olga@example.test", "Until Friday")
    assert granted.ends_at is not None
    assert before + 4 * 3600 <= granted.ends_at <= time.time() + 4 * 3600
    assert firm.ways() == [f"request:{request_id}"]
    fact = read_identity().people[firm.asker]
    assert next_end(fact, time.time()) == pytest.approx(granted.ends_at, abs=0.001)
    assert LEDGER in person_at(fact, granted.ends_at - 1).groups
    assert LEDGER not in person_at(fact, granted.ends_at).groups
    assert expire_terms(now=granted.ends_at) == 1
    assert firm.ways() == []


def test_whose_it_is_owner_then_manager_then_administrators(firm: Firm) -> None:
    request_id = firm.ask()
    with pytest.raises(NotYours):
        approve(request_id=request_id, actor=actor_for(firm.boss))
    with pytest.raises(NotYours):
        approve(request_id=request_id, actor=actor_for(firm.admin))
    disable_person(person_id=firm.owner, reason="left", actor=MACHINE)
    with pytest.raises(NotYours):
        approve(request_id=request_id, actor=actor_for(firm.owner))
    assert [one.id for one in requests_to_answer(firm.boss)] == [request_id]
    Person.objects.filter(pk=firm.asker).update(manager=None)
    assert requests_to_answer(firm.boss) == ()
    approve(request_id=request_id, actor=actor_for(firm.admin))


def test_nobody_answers_their_own_whatever_they_own_or_are(firm: Firm) -> None:
    add_member(group_id=GroupId("administrators"), person_id=firm.asker, actor=MACHINE)
    set_group_owner(group_id=LEDGER, owner="ada@example.test", actor=MACHINE)
    request_id = firm.ask()
    set_back(request_id, 2 * DAY)
    for decide in (approve, refuse):
        with pytest.raises(NotYours, match="own request"):
            decide(request_id=request_id, actor=actor_for(firm.asker))
    assert requests_to_answer(firm.asker) == ()
    assert [one.id for one in requests_to_answer(firm.boss)] == [request_id]
    Person.objects.filter(pk__in=[firm.boss, firm.admin]).update(is_active=False)
    with pytest.raises(CannotAsk, match="Nobody but you"):
        firm.ask(group_id=make_group("other"))


def test_one_answer_only(firm: Firm) -> None:
    request_id = firm.ask()
    refuse(request_id=request_id, actor=actor_for(firm.owner), comment="Ask Bo")
    for decide in (approve, refuse):
        with pytest.raises(AlreadyAnswered):
            decide(request_id=request_id, actor=actor_for(firm.owner))
    assert firm.ways() == []
    second = firm.ask()
    approve(request_id=second, actor=actor_for(firm.owner))
    with pytest.raises(AlreadyAnswered):
        approve(request_id=second, actor=MACHINE)
    with pytest.raises(AlreadyAnswered):
        withdraw(request_id=second, actor=actor_for(firm.asker))


def test_substitutes_after_half_the_time_and_lapsed_after_all_of_it(firm: Firm) -> None:
    request_id = firm.ask()
    assert settle_requests(now=time.time()) == 0
    set_back(request_id, 1.6 * DAY)
    assert settle_requests(now=time.time()) == 1
    assert settle_requests(now=time.time()) == 0, "told once"
    told = Letter.objects.filter(kind="asked").values_list("to_id", flat=True)
    assert set(told) == {firm.owner, firm.admin}
    assert [one.id for one in requests_to_answer(firm.admin)] == [request_id]
    set_back(request_id, 2 * DAY)
    assert get_request(request_id).state is State.LAPSED, "before any job wrote that down"
    with pytest.raises(AlreadyAnswered):
        approve(request_id=request_id, actor=actor_for(firm.owner))
    again = firm.ask()
    assert settle_requests(now=time.time()) == 0
    assert {get_request(request_id).state, get_request(again).state} == {State.LAPSED, State.WAITING}


def test_what_cannot_be_asked_for(firm: Firm) -> None:
    for given, words in (
        ({"group_id": GroupId("administrators")}, "cannot be asked for"),
        ({"reason": "  "}, "why"),
        ({"seconds": 0}, "at most 168 hours"),
        ({"seconds": 169 * 3600}, "at most 168 hours"),
    ):
        with pytest.raises(CannotAsk, match=words):
            firm.ask(**given)
    firm.ask()
    with pytest.raises(CannotAsk, match="already"):
        firm.ask()
    assert AccessRequest.objects.count() == 1
    Person.objects.filter(pk=firm.asker).update(is_active=False)
    with pytest.raises(CannotAsk, match="cannot sign in"):
        firm.ask(group_id=make_group("other"))


def test_an_asker_who_left_gets_nothing(firm: Firm) -> None:
    request_id = firm.ask()
    disable_person(person_id=firm.asker, reason="left", actor=MACHINE)
    with pytest.raises(CannotAsk, match="cannot sign in any more"):
        approve(request_id=request_id, actor=actor_for(firm.owner))
    assert firm.ways() == []


def test_handed_back_withdrawn_and_prolonged_once(firm: Firm) -> None:
    first = firm.ask()
    with pytest.raises(NotYours):
        withdraw(request_id=first, actor=actor_for(firm.boss))
    withdraw(request_id=first, actor=actor_for(firm.asker))
    second = firm.ask(hours=1)
    approve(request_id=second, actor=actor_for(firm.owner))
    with pytest.raises(NotAllowed, match="hand-back"):
        remove_member(group_id=LEDGER, person_id=firm.asker, actor=MACHINE)
    longer = extend(request_id=second, seconds=3600, reason="More", actor=actor_for(firm.asker)).id
    approve(request_id=longer, actor=actor_for(firm.owner))
    ends = [get_request(one).ends_at for one in (second, longer)]
    assert ends[1] == pytest.approx(ends[0] + 3600, abs=0.001)  # type: ignore[operator]
    for one in (second, longer):
        with pytest.raises(CannotAsk, match="once"):
            extend(request_id=one, seconds=3600, reason="More", actor=actor_for(firm.asker))
    with pytest.raises(NotYours):
        hand_back(request_id=second, actor=actor_for(firm.boss))
    hand_back(request_id=second, actor=actor_for(firm.asker))
    assert firm.ways() == []
    assert {get_request(one).state for one in (second, longer)} == {State.RETURNED}
    assert LEDGER not in read_identity().people[firm.asker].groups


def test_mails_are_sent_once_each_and_tried_again_when_the_server_fails(firm: Firm) -> None:
    request_id = firm.ask()
    with mock.patch("django.core.mail.EmailMessage.send", side_effect=OSError("no server")):
        assert send_letters(now=time.time()) == 0
    assert send_letters(now=time.time()) == 0, "not before the pause is over"
    later = time.time() + 61
    assert send_letters(now=later) == 2
    assert send_letters(now=later) == 0
    to_owner = next(one for one in mail.outbox if one.to == ["olga@example.test"])
    assert "Year's end" in to_owner.body
    assert request_id in to_owner.extra_headers["Message-ID"]
    token = to_owner.body.split("/requests/answer/")[1].split()[0]
    assert read_answer_token(token) == (request_id, firm.owner)
    assert read_answer_token(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    approve(request_id=request_id, actor=actor_for(firm.owner))
    assert send_letters(now=later) == 1
    assert mail.outbox[-1].to == ["ada@example.test"]
    assert "olga@example.test granted it" in mail.outbox[-1].body


def test_nobody_is_asked_by_mail_what_was_answered_meanwhile(firm: Firm) -> None:
    withdraw(request_id=firm.ask(), actor=actor_for(firm.asker))
    send_letters(now=time.time())
    assert {one.to[0] for one in mail.outbox} == {"ada@example.test"}


def test_lists_search_and_say_what_is_in_force(firm: Firm) -> None:
    request_id = firm.ask(app=AppId("ledger"))
    assert list_requests(text="ADA ledger year").total == 1
    assert list_requests(text="nobody").total == 0
    assert list_requests(state=State.GRANTED).total == 0
    approve(request_id=request_id, actor=MACHINE)
    assert [one.id for one in list_requests(state=State.GRANTED).items] == [request_id]
    AccessRequest.objects.update(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert list_requests(state=State.GRANTED).total == 0
    assert list_requests(state=State.OVER).items[0].state is State.OVER


def test_every_step_is_on_record(firm: Firm) -> None:
    request_id = firm.ask()
    approve(request_id=request_id, actor=actor_for(firm.owner), comment="Fine")
    found = on_record(request_id)
    assert [one.actor_label for one in found] == ["olga@example.test", "ada@example.test"]
    assert [one.words.rsplit("(", 1)[-1] for one in found] == ["Fine)", "Year's end)"]
