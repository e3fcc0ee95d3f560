"""Services are reviewed too: who answers for one says whether it is needed, and closing it is read back like any removal."""

import time
from datetime import timedelta

import pytest
from tests.identity_people import MACHINE
from tests.review_firm import DAY, RULES, Firm, actor_for, published, work

from ostiary.identity.facade import disable_person
from ostiary.identity.models import Person
from ostiary.reviews.domain.campaign import Seat
from ostiary.reviews.domain.facts import Ground
from ostiary.reviews.facade import (
    Answer,
    CannotStart,
    Item,
    ItemState,
    UnusableAnswer,
    answer_item,
    carry_out_answers,
    get_item,
    list_rights,
    read_back_removals,
)
from ostiary.reviews.queries import every_item
from ostiary.reviews.services.reminding import remind_due
from ostiary.rulebook.facade import apply_rules
from ostiary.workloads.facade import add_service, disable_service, enable_service, get_service
from ostiary.workloads.models import StoredService

pytestmark = pytest.mark.django_db
SERVICES = """\
  - {name: backup-reads, allow: "service:backup", to: app:payroll, do: view}
  - {name: health, allow: anyone, to: app:books, do: view, when: {mfa: otp}}
  - {name: robots-connect, allow: anyone, to: app:books, do: connect}
"""


@pytest.fixture
def with_service(firm: Firm) -> Firm:
    add_service("backup", owner="olga@example.test", actor=MACHINE, purpose="Nightly copies", days=400)
    add_service("closed", owner="olga@example.test", actor=MACHINE)
    disable_service("closed", actor=MACHINE)
    apply_rules(RULES + SERVICES, actor=MACHINE)
    StoredService.objects.update(created_at=StoredService.objects.get(pk="backup").created_at - timedelta(days=100))
    return firm


def _service(campaign: str) -> Item:
    (item,) = [one for one in every_item(campaign) if one.is_service]
    return item


def test_scopes_cover_the_services_that_the_rules_let_in(with_service: Firm) -> None:
    item = _service(with_service.start("app:payroll"))
    assert (item.kind, item.name, item.email, item.person_id) == ("service", "backup", "service:backup", "")
    assert [(one.app, one.actions, one.rules) for one in item.facts.opens] == [
        ("books", ("connect",), ("robots-connect",)),
        ("payroll", ("view",), ("backup-reads",)),
    ], "what asks for a proof is never in its reach"
    assert (item.title, item.facts.why) == ("Books, Payroll", "Nightly copies")
    for scope in ("everything", "label:restricted", "app:books"):
        assert _service(with_service.start(scope)).name == "backup"
    assert [one for one in every_item(with_service.start("group:finance")) if one.is_service] == []
    with pytest.raises(CannotStart):
        with_service.start("label:nothing")


def test_its_owner_answers_then_their_substitute(with_service: Firm) -> None:
    Person.objects.filter(pk=with_service.olga).update(manager_id=with_service.boss)
    item = _service(with_service.start("app:payroll"))
    assert [(one.email, one.seat) for one in item.reviewers] == [("olga@example.test", Seat.OWNER)]
    disable_person(person_id=with_service.olga, actor=MACHINE, reason="left")
    remind_due(now=time.time() + 700)
    assert [(one.email, one.seat) for one in get_item(item.id).reviewers] == [("bo@example.test", Seat.MANAGER)]
    remind_due(now=time.time() + 15 * DAY)
    assert {one.email for one in get_item(item.id).reviewers} == {"bo@example.test", "root@example.test"}


def test_what_use_says_of_it_and_it_is_kept_or_closed(with_service: Firm) -> None:
    item = _service(with_service.start("app:payroll"))
    assert (item.suggestion.answer, item.suggestion.ground) == ("remove", Ground.UNUSED)
    with_service.used("backup", "payroll", days_ago=60, times=2)
    seldom = _service(with_service.start("app:payroll"))
    assert (seldom.suggestion.answer, seldom.suggestion.ground, seldom.facts.count) == ("", Ground.SELDOM_FIXED, 2)
    with_service.used("backup", "payroll")
    used = _service(with_service.start("app:payroll"))
    assert (used.suggestion.answer, used.suggestion.ground) == ("keep", Ground.USED)
    for more in ({"until": time.time() + DAY}, {"narrower": "readers"}):
        with pytest.raises(UnusableAnswer, match="kept, or closed"):
            answer_item(item_id=used.id, answer=Answer.REDUCE, actor=actor_for(with_service.olga), **more)  # type: ignore[arg-type]
    answer_item(item_id=used.id, answer=Answer.KEEP, actor=actor_for(with_service.olga))


def test_closing_it_is_read_back_from_the_published_facts(with_service: Firm) -> None:
    campaign = with_service.start("app:payroll")
    item = _service(campaign)
    other = _service(with_service.start("app:books"))
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(with_service.olga))
    before = published()
    carry_out_answers()
    assert get_service("backup").disabled_at is not None
    assert read_back_removals(lambda: before, now=time.time()) == 0, "facts from before prove nothing"
    assert read_back_removals(published, now=time.time()) == 1
    done = get_item(item.id)
    assert (done.state, done.read_back and done.read_back.generation) == (ItemState.SETTLED, 7)
    assert done.read_back is not None
    assert [one.app for one in done.read_back.gone] == ["books", "payroll"]
    work()
    assert get_item(other.id).state is ItemState.GONE, "another review asks no more about it"


def test_one_that_was_switched_on_again_is_said_to_be_in_reach_still(with_service: Firm) -> None:
    item = _service(with_service.start("app:payroll"))
    answer_item(item_id=item.id, answer=Answer.REMOVE, actor=actor_for(with_service.olga))
    carry_out_answers()
    off = published()
    enable_service("backup", actor=MACHINE)
    assert read_back_removals(lambda: off, now=time.time()) == 0
    assert read_back_removals(published, now=time.time()) == 1
    found = get_item(item.id).read_back
    assert found is not None
    assert (found.gone, [one.app for one in found.still]) == ((), ["books", "payroll"])


def test_the_register_names_services_with_who_answers_for_them(with_service: Firm) -> None:
    lines = [one for one in list_rights() if one.kind == "service"]
    assert [(one.email, one.name, one.right, one.app, one.actions, one.rules, one.why) for one in lines] == [
        ("service:backup", "olga@example.test", "backup", "books", ("connect",), ("robots-connect",), "Nightly copies"),
        ("service:backup", "olga@example.test", "backup", "payroll", ("view",), ("backup-reads",), "Nightly copies"),
    ]
    assert all(one.until and one.granted_by for one in lines)
