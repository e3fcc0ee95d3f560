"""A change as a plan, on trial, confirmed, rolled back, proposed and approved: each one transaction, on record."""

import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import msgspec
import pytest
from django.conf import settings as django_settings
from tests.console_fixtures import console_instance
from tests.rulebook_people import CLOSED, NARROW, OPEN, OPERATOR, actor_of, give_passkey, join, make_people

from ostiary.gateway.surroundings import console_request, read_surroundings
from ostiary.identity.facade import Client, Person, SignInSession, disable_person
from ostiary.identity.services.sessions import begin_session
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.policy.rules.problems import InvalidRules
from ostiary.rulebook import holds, proposals, services
from ostiary.rulebook.facade import (
    ChangeHeld,
    HoldOutcome,
    HoldReason,
    NeedsApproval,
    NotConfirmed,
    NothingHeld,
    NotYours,
    PeopleNotNamed,
    Plan,
    ProposalState,
    RulesOvertaken,
    UnknownProposal,
    apply_plan,
    apply_rules,
    approve_proposal,
    confirm_hold,
    get_current,
    get_hold,
    get_proposal,
    list_history,
    list_proposals,
    plan_change,
    propose_plan,
    roll_back,
    roll_back_due,
    withdraw_proposal,
)
from ostiary.visibility.facade import Actor, EventQuery, RecordUnavailable, index_new_events, list_events

pytestmark = pytest.mark.django_db
__all__ = ["console_instance"]


@pytest.fixture
def people(db: None, console_instance: object) -> dict[str, Person]:
    made = make_people()
    apply_rules(OPEN, actor=OPERATOR, comment="First")
    return made


@pytest.fixture
def configured(settings: Any) -> Iterator[Any]:
    """Return a function that changes keys of `[rules]`."""

    def change(**keys: Any) -> None:
        instance = settings.INSTANCE
        rules = msgspec.structs.replace(instance.configuration.rules, **keys)
        configuration = msgspec.structs.replace(instance.configuration, rules=rules)
        settings.INSTANCE = type(instance)(home=instance.home, configuration=configuration)

    return change


def planned(document: str, actor: Actor = OPERATOR, session: SignInSession | None = None, who: Any = None) -> Plan:
    request = console_request(who, session, "192.0.2.17") if session else None
    return plan_change(document, actor=actor, actor_request=request, surroundings=read_surroundings())


def signed_in(person: Person, *methods: str) -> SignInSession:
    strengths = {"password": AuthStrength.SINGLE, "totp": AuthStrength.OTP, "webauthn": AuthStrength.PHISHING_RESISTANT}
    now = time.time()
    proofs = tuple(Authentication(method, strengths[method], now) for method in methods)
    client = Client(address="192.0.2.17", user_agent="x")
    return begin_session(person_id=person.id, authentications=proofs, client=client, now=now)


def said() -> list[str]:
    """The record's sentences about rules, the last first."""
    index_new_events(time.time())
    return [event.words for event in list_events(EventQuery(text="rules")).items]


def test_a_plan_reads_and_changes_nothing(people: dict[str, Person]) -> None:
    before = get_current()
    plan = planned(NARROW)
    assert [one.email for one in plan.reach.losing] == [f"person-{n}@example.test" for n in range(5)]
    assert plan.reach.with_access == 7
    assert (plan.people_to_name, plan.hold_reasons, plan.is_valid) == (5, (), True)
    assert plan.difference is not None
    assert [one.name for one in plan.difference.changed] == ["wiki"]
    broken = planned(OPEN.replace("app:wiki", "app:wikki"))
    assert not broken.is_valid
    assert "did you mean `wiki`" in str(broken.report.problems[0])
    assert (get_current(), get_hold(), list_history().total) == (before, None, 1)


def test_what_nobody_is_shut_out_by_stays_at_once(people: dict[str, Person]) -> None:
    applied = apply_plan(planned(OPEN + "  - {name: more, allow: group:staff, to: app:console, do: view}\n"))
    assert (applied.hold, get_hold(), get_current()) == (None, None, applied)


def test_taking_access_from_many_needs_their_number(people: dict[str, Person]) -> None:
    plan = planned(NARROW)
    for wrong in (None, 0, 4, 6):
        with pytest.raises(PeopleNotNamed, match="from 5 people"):
            apply_plan(plan, people_named=wrong)
    assert get_current().document == OPEN
    assert apply_plan(plan, people_named=5).document == NARROW


def test_taking_access_from_one_is_never_stopped(people: dict[str, Person]) -> None:
    deny = OPEN + f"  - {{name: out, deny: person:{people['person-1'].id}, to: anything}}\n"
    plan = planned(deny)
    assert [one.email for one in plan.reach.losing] == ["person-1@example.test"]
    assert apply_plan(plan).document == deny


def test_the_share_is_configured(people: dict[str, Person], configured: Any) -> None:
    configured(hold_share_percent=80)
    assert planned(NARROW).people_to_name == 0
    configured(hold_share_percent=70)
    assert planned(NARROW).people_to_name == 5


def test_who_is_disabled_loses_nothing(people: dict[str, Person]) -> None:
    for number in range(3):
        disable_person(person_id=people[f"person-{number}"].id, reason="left", actor=OPERATOR)
    plan = planned(NARROW)
    assert (len(plan.reach.losing), plan.people_to_name) == (2, 0)


def test_shutting_every_administrator_out_is_on_trial_and_rolls_back(people: dict[str, Person]) -> None:
    before = get_current()
    plan = planned(CLOSED)
    assert plan.hold_reasons == (HoldReason.ADMINISTRATORS_LOCK_OUT,)
    applied = apply_plan(plan, comment="Trying")
    hold = get_hold()
    assert hold is not None
    assert (applied.document, applied.hold, hold.restores) == (CLOSED, hold, before.number)
    assert hold.until - hold.held_at == pytest.approx(300, abs=0.01)
    assert roll_back_due(hold.until - 1) == ""
    assert get_current().number == applied.number
    assert roll_back_due(hold.until) == f"rolled back to {applied.number + 1}"
    current = get_current()
    assert (current.document, current.cedar, current.version) == (before.document, before.cedar, before.version)
    assert (current.applied_by, current.restores) == ("Ostiary", before.number)
    assert get_hold() is None
    assert roll_back_due(hold.until + 1000) == ""
    ended = list_history().items[1].hold
    assert ended is not None
    assert (ended.outcome, ended.ended_by) == (HoldOutcome.ROLLED_BACK, "Ostiary")
    assert said()[0] == (
        f"Ostiary changed rules {current.number} (Rolled back from number {applied.number}: nobody confirmed them in time)"
    )


def test_a_clock_that_is_put_back_gives_no_more_time(people: dict[str, Person]) -> None:
    apply_plan(planned(CLOSED))
    hold = get_hold()
    assert hold is not None
    assert roll_back_due(hold.held_at - 3600).startswith("rolled back")


def test_a_clock_that_is_put_back_within_the_trial_gives_no_more_time_either(people: dict[str, Person]) -> None:
    apply_plan(planned(CLOSED))
    hold = get_hold()
    assert hold is not None
    now = hold.held_at + 200
    with mock.patch.object(holds.time, "monotonic", return_value=1000.0) as clock:
        assert roll_back_due(now) == ""
        clock.return_value += 299
        assert roll_back_due(now - 190) == ""
        clock.return_value += 1.5
        assert roll_back_due(now - 190).startswith("rolled back")


def test_each_trial_has_its_own_time(people: dict[str, Person]) -> None:
    with mock.patch.object(holds.time, "monotonic", return_value=1000.0) as clock:
        for _ in range(2):
            held = apply_plan(planned(CLOSED))
            assert roll_back_due(time.time()) == ""
            clock.return_value += 299
            assert roll_back_due(time.time()) == ""
            roll_back(number=held.number, actor=OPERATOR)


def test_while_a_change_is_held_nothing_else_is_applied(people: dict[str, Person]) -> None:
    other = planned(OPEN + "# other\n")
    held = apply_plan(planned(CLOSED))
    for attempt in (lambda: apply_plan(other), lambda: apply_rules(OPEN, actor=OPERATOR)):
        with pytest.raises(ChangeHeld, match=f"Rules number {held.number} by root on host are held"):
            attempt()
    with pytest.raises(ChangeHeld):
        apply_plan(planned(OPEN + "# other\n"))
    assert get_current().number == held.number


def test_a_plan_is_good_only_for_the_rules_it_was_made_from(people: dict[str, Person]) -> None:
    plan = planned(OPEN + "# mine\n")
    apply_rules(OPEN + "# theirs\n", actor=OPERATOR)
    with pytest.raises(RulesOvertaken, match="came into force meanwhile"):
        apply_plan(plan)
    assert get_current().document == OPEN + "# theirs\n"


def test_the_own_session_is_what_must_still_get_in(people: dict[str, Person]) -> None:
    ada, passkey = people["ada"], OPEN.replace("mfa: otp", "mfa: phishing-resistant")
    give_passkey(ada)
    weak, strong = signed_in(ada, "password", "totp"), signed_in(ada, "webauthn")
    assert planned(passkey, actor_of(ada), strong, ada).hold_reasons == ()
    plan = planned(passkey, actor_of(ada), weak, ada)
    assert plan.hold_reasons == (HoldReason.OWN_LOCK_OUT,)
    held = apply_plan(plan)
    with pytest.raises(NotConfirmed, match="would not let you in"):
        confirm_hold(number=held.number, actor=actor_of(ada), proved=False)
    with pytest.raises(NotYours, match="must be confirmed by ada@"):
        confirm_hold(number=held.number, actor=actor_of(people["max"]), proved=True)
    with pytest.raises(NothingHeld):
        confirm_hold(number=held.number - 1, actor=actor_of(ada), proved=True)
    stays = confirm_hold(number=held.number, actor=actor_of(ada), proved=True)
    assert (get_hold(), stays.document) == (None, passkey)
    assert stays.hold is not None
    assert (stays.hold.outcome, stays.hold.ended_by) == (HoldOutcome.CONFIRMED, "ada@example.test")
    assert roll_back_due(stays.hold.until + 1) == ""
    assert said()[0] == f"ada@example.test changed rules {held.number} (confirmed from a fresh request)"


def test_the_machine_confirms_for_anybody_and_nobody_after_the_time(people: dict[str, Person], configured: Any) -> None:
    configured(confirm_seconds=1)
    held = apply_plan(planned(CLOSED))
    hold = get_hold()
    assert hold is not None
    with mock.patch.object(holds.time, "time", return_value=hold.until), pytest.raises(NothingHeld, match="time"):
        confirm_hold(number=held.number, actor=OPERATOR, proved=True)
    with mock.patch.object(holds.time, "time", return_value=hold.until - 0.5):
        confirm_hold(number=held.number, actor=OPERATOR, proved=True)
    assert get_current().document == CLOSED


def test_rolling_back_at_once(people: dict[str, Person]) -> None:
    held = apply_plan(planned(CLOSED))
    back = roll_back(number=held.number, actor=actor_of(people["max"]), why="wrong group")
    assert (back.document, back.applied_by) == (OPEN, "max@example.test")
    assert back.comment == f"Rolled back from number {held.number}: wrong group"
    with pytest.raises(NothingHeld):
        roll_back(number=held.number, actor=OPERATOR)


@pytest.mark.parametrize("step", ["confirm", "roll back", "due", "apply"])
def test_what_cannot_be_recorded_does_not_happen(people: dict[str, Person], step: str) -> None:
    plan = planned(CLOSED)
    number = get_current().number if step == "apply" else apply_plan(plan).number
    hold = get_hold()
    refused = mock.Mock(side_effect=RecordUnavailable("full"))
    attempts = {
        "confirm": lambda: confirm_hold(number=number, actor=OPERATOR, proved=True),
        "roll back": lambda: roll_back(number=number, actor=OPERATOR),
        "due": lambda: roll_back_due(time.time() + 1000),
        "apply": lambda: apply_plan(plan),
    }
    with (
        mock.patch.object(services, "record_entity_change", refused),
        mock.patch.object(holds, "record_entity_change", refused),
        pytest.raises(RecordUnavailable),
    ):
        attempts[step]()
    assert (get_current().number, get_hold()) == (number, hold)


def test_rules_that_could_not_be_read_come_back_as_they_were(people: dict[str, Person]) -> None:
    """What was in force may have been put there by another version of ours, or by a damaged database."""
    from ostiary.rulebook.models import AppliedRulesRow

    AppliedRulesRow.objects.update(document="version: 1\nrules: [nonsense", parsed=b"")
    held = services.put_in_force(
        CLOSED,
        "",
        actor=OPERATOR,
        comment="",
        before=get_current(),
        now=time.time(),
        hold_until=time.time() + 60,
        hold_reasons=(HoldReason.ADMINISTRATORS_LOCK_OUT,),
    )
    roll_back(number=held.number, actor=OPERATOR)
    assert get_current().document == "version: 1\nrules: [nonsense"


def test_one_proposes_and_another_approves(people: dict[str, Person], configured: Any) -> None:
    configured(second_approver=True)
    ada, document = people["ada"], OPEN + "# more\n"
    plan = planned(document, actor_of(ada))
    with pytest.raises(NeedsApproval):
        apply_plan(plan)
    proposal = propose_plan(plan, comment="Because")
    assert list_proposals() == (proposal,)
    assert get_current().document == OPEN
    with pytest.raises(NotYours, match="You proposed"):
        approve_proposal(proposal.id, planned(document, actor_of(ada)))
    applied = approve_proposal(proposal.id, planned(document, actor_of(people["max"])))
    assert (applied.document, applied.applied_by, applied.approved_by) == (
        document,
        "ada@example.test",
        "max@example.test",
    )
    assert applied.comment == "Because"
    after = get_proposal(proposal.id)
    assert (after.state, after.decided_by, after.number) == (
        ProposalState.APPLIED,
        "max@example.test",
        applied.number,
    )
    assert list_proposals() == ()
    with pytest.raises(UnknownProposal, match="is applied"):
        approve_proposal(proposal.id, planned(document, OPERATOR))


def test_a_proposal_is_judged_again_for_whoever_approves(people: dict[str, Person], configured: Any) -> None:
    configured(second_approver=True)
    taking = propose_plan(planned(NARROW, actor_of(people["ada"])))
    by_max = actor_of(people["max"])
    with pytest.raises(PeopleNotNamed):
        approve_proposal(taking.id, planned(NARROW, by_max))
    with pytest.raises(RulesOvertaken, match="other rules than the proposal"):
        approve_proposal(taking.id, planned(OPEN + "# x\n", by_max))
    closing = propose_plan(planned(CLOSED, actor_of(people["ada"])))
    applied = approve_proposal(closing.id, planned(CLOSED, by_max))
    hold = get_hold()
    assert hold is not None
    assert (hold.number, hold.actor, hold.actor_id) == (applied.number, "max@example.test", people["max"].id)
    assert (get_proposal(taking.id).state, len(list_proposals())) == (ProposalState.OPEN, 1)
    roll_back(number=applied.number, actor=OPERATOR)
    with pytest.raises(RulesOvertaken, match="after these were proposed"):
        approve_proposal(taking.id, planned(NARROW, by_max), people_named=5)


def test_proposals_are_withdrawn_and_expire(people: dict[str, Person], configured: Any) -> None:
    configured(second_approver=True, proposal_hours=1)
    ada, document = actor_of(people["ada"]), OPEN + "# more\n"
    first, second = propose_plan(planned(document, ada)), propose_plan(planned(document, ada))
    withdraw_proposal(first.id, actor=ada)
    assert [one.id for one in list_proposals()] == [second.id]
    assert list_proposals(now=time.time() + 3601) == ()
    with pytest.raises(UnknownProposal, match="is withdrawn"):
        withdraw_proposal(first.id, actor=ada)
    with pytest.raises(UnknownProposal):
        get_proposal(10**6)
    late = mock.patch.object(proposals.time, "time", return_value=time.time() + 3601)
    with late, pytest.raises(UnknownProposal, match="is expired"):
        approve_proposal(second.id, planned(document, OPERATOR))
    with pytest.raises(InvalidRules):
        propose_plan(planned("version: 9", ada))
    assert any("proposal" in sentence and "withdrawn" in sentence for sentence in said())


def test_everybody_is_found_whatever_the_pages(people: dict[str, Person], monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(people["ada"], "totp"), signed_in(people["max"], "totp"), signed_in(people["person-1"], "totp")
    whole = read_surroundings(address="192.0.2.1")
    monkeypatch.setattr("ostiary.gateway.surroundings.PAGE_SIZE", 2)
    assert read_surroundings(address="192.0.2.1") == whole
    assert len(whole.members) == 7
    assert whole.administrators == {people["ada"].id, people["max"].id}
    by_id = {member.person.id: member for member in whole.members}
    assert by_id[people["ada"].id].methods == ("password", "totp")
    assert [one.context.address for one in by_id[people["ada"].id].sessions] == ["192.0.2.17"]
    join(people["person-2"], "administrators")
    assert len(read_surroundings().administrators) == 3
    assert django_settings.INSTANCE.configuration.rules.confirm_seconds == 300
