"""Emergency access: at once, for whoever may, with a fresh proof; told to everybody concerned; reviewed by somebody else."""

import time
from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import msgspec
import pytest
from django.conf import settings
from django.core import mail
from tests.identity_people import MACHINE, make_group, make_person
from tests.requests_firm import DAY, LEDGER, Firm, actor_for, on_record

from ostiary.config.places import Instance
from ostiary.identity.domain.proofs import proof
from ostiary.identity.facade import add_member, disable_person, unsafe_provision_totp
from ostiary.identity.facts import read_identity
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.request import Authentication
from ostiary.policy.terms import person_at
from ostiary.requests.facade import (
    AlreadyAnswered,
    CannotAsk,
    Kind,
    NotYours,
    ProofNeeded,
    Request,
    State,
    answer_review,
    count_overdue,
    extend,
    get_request,
    get_review,
    hand_back,
    list_requests,
    list_reviews,
    may_use_emergency,
    reviews_to_answer,
    send_letters,
    settle_requests,
    use_emergency,
)
from ostiary.requests.models import EmergencyReview
from ostiary.supervisor.standing import get_standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Iterator[Firm]:
    """Return a firm whose asker may use emergency access, and has an authenticator app."""
    made = Firm()
    make_group("on-call")
    add_member(group_id=GroupId("on-call"), person_id=made.asker, actor=MACHINE)
    unsafe_provision_totp(person_id=made.asker, actor=MACHINE)
    instance: Instance = settings.INSTANCE
    access = msgspec.structs.replace(instance.configuration.access, emergency_group="on-call")
    changed = msgspec.structs.replace(instance.configuration, access=access)
    with mock.patch.object(settings, "INSTANCE", Instance(instance.home, changed)):
        yield made


def by_app(age_seconds: float = 5.0) -> tuple[Authentication, ...]:
    return (proof("password", at=time.time() - 60), proof("totp", at=time.time() - age_seconds))


def use(firm: Firm, **more: object) -> Request:
    given = {"group_id": LEDGER, "reason": "The press stands still", "proofs": by_app(), **more}
    return use_emergency(person_id=firm.asker, actor=actor_for(firm.asker), **given)  # type: ignore[arg-type]


def set_back(request_id: str, seconds: float) -> None:
    """Let a review be owed for so much longer."""
    row, by = EmergencyReview.objects.get(pk=request_id), timedelta(seconds=seconds)
    EmergencyReview.objects.filter(pk=request_id).update(remind_at=row.remind_at - by, due_at=row.due_at - by)


def test_whoever_may_is_in_at_once_for_an_hour_and_everybody_concerned_is_told(firm: Firm) -> None:
    before = time.time()
    used = use(firm)
    assert (used.kind, used.state, used.decided_by) == (Kind.EMERGENCY, State.GRANTED, "ada@example.test")
    assert used.ends_at is not None
    assert before + 3600 <= used.ends_at <= time.time() + 3600
    assert firm.ways() == [f"request:{used.id}"]
    fact = read_identity().people[firm.asker]
    assert LEDGER in person_at(fact, used.ends_at - 1).groups
    assert LEDGER not in person_at(fact, used.ends_at).groups
    send_letters(now=time.time())
    told = {one.to[0]: one for one in mail.outbox}
    assert set(told) == {"olga@example.test", "root@example.test", "ada@example.test"}
    assert "The press stands still" in told["olga@example.test"].body
    assert "cannot use emergency access again" in told["ada@example.test"].body
    assert [one.id for one in list_requests(kind=Kind.EMERGENCY).items] == [used.id]
    assert on_record(used.id)[0].actor_label == "ada@example.test"


def test_what_it_takes(firm: Firm) -> None:
    other = make_person("olaf@example.test")
    for given, error, words in (
        ({"person_id": other, "actor": actor_for(other)}, CannotAsk, "not yours"),
        ({"reason": " "}, CannotAsk, "why"),
        ({"group_id": GroupId("administrators")}, CannotAsk, "not opened"),
        ({"group_id": GroupId("on-call")}, CannotAsk, "not opened"),
        ({"proofs": ()}, ProofNeeded, "once more"),
        ({"proofs": (proof("password", at=time.time()),)}, ProofNeeded, "once more"),
        ({"proofs": (proof("recovery_code", at=time.time()),)}, ProofNeeded, "once more"),
        ({"proofs": by_app(601)}, ProofNeeded, "once more"),
    ):
        call = {"person_id": firm.asker, "actor": actor_for(firm.asker), "group_id": LEDGER, "reason": "Now"}
        with pytest.raises(error, match=words):
            use_emergency(**{**call, "proofs": by_app(), **given})  # type: ignore[arg-type]
    assert firm.ways() == []
    assert EmergencyReview.objects.count() == 0
    disable_person(person_id=firm.asker, reason="left", actor=MACHINE)
    with pytest.raises(CannotAsk, match="not yours"):
        use(firm)


def test_nobody_may_where_no_group_is_named(firm: Firm) -> None:
    assert may_use_emergency(firm.asker)
    configuration = settings.INSTANCE.configuration
    access = msgspec.structs.replace(configuration.access, emergency_group="")
    closed = Instance(settings.INSTANCE.home, msgspec.structs.replace(configuration, access=access))
    with mock.patch.object(settings, "INSTANCE", closed), pytest.raises(CannotAsk, match="not yours"):
        use(firm)


def test_it_is_never_prolonged_and_can_be_handed_back(firm: Firm) -> None:
    used = use(firm)
    with pytest.raises(CannotAsk, match="cannot be prolonged"):
        extend(request_id=used.id, seconds=3600, reason="More", actor=actor_for(firm.asker))
    with pytest.raises(CannotAsk, match="already"):
        use(firm)
    hand_back(request_id=used.id, actor=actor_for(firm.asker))
    assert firm.ways() == []
    assert [one.request.id for one in list_reviews()] == [used.id], "the review is owed all the same"


def test_somebody_else_reviews_it_once_and_in_words(firm: Firm) -> None:
    used = use(firm)
    stranger = make_person("sam@example.test")
    for who, words in ((firm.asker, "their own"), (stranger, "somebody else's"), (firm.boss, "somebody else's")):
        with pytest.raises(NotYours, match=words):
            answer_review(request_id=used.id, justified=True, words="Fine", actor=actor_for(who))
        assert reviews_to_answer(who) == ()
    with pytest.raises(CannotAsk, match="Say why"):
        answer_review(request_id=used.id, justified=True, words=" ", actor=actor_for(firm.owner))
    assert [one.request.id for one in reviews_to_answer(firm.owner)] == [used.id]
    done = answer_review(request_id=used.id, justified=True, words="It stood still", actor=actor_for(firm.owner))
    assert (done.justified, done.answered_by, done.words) == (True, "olga@example.test", "It stood still")
    with pytest.raises(AlreadyAnswered):
        answer_review(request_id=used.id, justified=False, words="No", actor=actor_for(firm.admin))
    assert get_request(used.id).state is State.GRANTED
    assert list_reviews() == ()
    assert on_record(used.id)[0].actor_label == "olga@example.test"


def test_what_was_not_justified_ends_at_once(firm: Firm) -> None:
    used = use(firm)
    answer_review(request_id=used.id, justified=False, words="It could have waited", actor=actor_for(firm.admin))
    assert firm.ways() == []
    assert get_request(used.id).state is State.RETURNED
    send_letters(now=time.time())
    assert "not justified" in [one for one in mail.outbox if one.to == ["ada@example.test"]][-1].body


def test_reminded_then_overdue_shown_and_no_emergency_access_until_it_is_reviewed(firm: Firm) -> None:
    used = use(firm)
    assert settle_requests(now=time.time()) == 0
    set_back(used.id, 1.6 * DAY)
    assert [settle_requests(now=time.time()) for _ in range(2)] == [1, 0], "reminded once"
    assert count_overdue() == 0
    hand_back(request_id=used.id, actor=actor_for(firm.asker))
    again = use(firm)
    hand_back(request_id=again.id, actor=actor_for(firm.asker))
    set_back(used.id, 1.6 * DAY)
    assert [settle_requests(now=time.time()) for _ in range(2)] == [1, 0], "escalated once"
    assert count_overdue() == 1
    said = [one for one in get_standing(settings.INSTANCE, time.time()).problems if "emergency" in one]
    assert said == ["1 use of emergency access was not reviewed in time. See: ostiary request reviews"]
    with pytest.raises(CannotAsk, match="has not been reviewed in time"):
        use(firm)
    send_letters(now=time.time())
    late = [one for one in mail.outbox if one.subject.startswith("Overdue")]
    assert {one.to[0] for one in late} == {"root@example.test", "ada@example.test"}
    answer_review(request_id=used.id, justified=True, words="Late, and fine", actor=MACHINE)
    assert count_overdue() == 0
    assert use(firm).state is State.GRANTED


def test_a_review_is_somebodys_whatever_happens_to_the_owner(firm: Firm) -> None:
    disable_person(person_id=firm.owner, reason="left", actor=MACHINE)
    used = use(firm)
    disable_person(person_id=firm.boss, reason="left", actor=MACHINE)
    review = get_review(used.id)
    assert review is not None
    assert [one.request.id for one in reviews_to_answer(firm.admin)] == [used.id]


def test_where_nobody_else_could_review_it_is_not_given(firm: Firm) -> None:
    rest: tuple[PersonId, ...] = (firm.owner, firm.boss)
    for one in rest:
        disable_person(person_id=one, reason="left", actor=MACHINE)
    add_member(group_id=GroupId("administrators"), person_id=firm.asker, actor=MACHINE)
    disable_person(person_id=firm.admin, reason="left", actor=MACHINE)
    with pytest.raises(CannotAsk, match="Nobody but you could review"):
        use(firm)
    assert firm.ways() == []
