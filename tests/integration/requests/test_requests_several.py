"""Any two of a group agree, never oneself; and what is handed back is handed back with all that prolongs it, on record."""

import pytest
from tests.identity_people import MACHINE, make_group, make_person
from tests.requests_firm import DAY, LEDGER, Firm, actor_for, on_record, set_back

from ostiary.identity.facade import UnknownGroup, add_member, delete_group, disable_person, remove_member
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.requests.facade import (
    AlreadyAnswered,
    ApprovalRule,
    CannotAsk,
    NotYours,
    State,
    approve,
    extend,
    get_approval_rule,
    get_request,
    hand_back,
    list_approval_rules,
    refuse,
    requests_to_answer,
    set_approval_rule,
)

pytestmark = pytest.mark.django_db
COUNCIL = GroupId("council")


@pytest.fixture
def firm() -> Firm:
    made = Firm()
    make_group("council")
    return made


@pytest.fixture
def council(firm: Firm) -> tuple[PersonId, PersonId, PersonId]:
    """Return three who answer for the ledger, two at a time; whoever asks is one of them as well."""
    add_member(group_id=COUNCIL, person_id=firm.asker, actor=MACHINE)
    members = [make_person(f"{name}@example.test", groups=("council",)) for name in ("ina", "jo", "kim")]
    set_approval_rule(group_id=LEDGER, by=COUNCIL, needed=2, actor=MACHINE)
    return (members[0], members[1], members[2])


def test_any_two_of_a_group_agree_and_the_owner_has_no_say(
    firm: Firm, council: tuple[PersonId, PersonId, PersonId]
) -> None:
    ina, jo, kim = council
    request_id = firm.ask()
    for other in (firm.owner, firm.asker, firm.admin):
        with pytest.raises(NotYours):
            approve(request_id=request_id, actor=actor_for(other))
    first = approve(request_id=request_id, actor=actor_for(jo), comment="Fine by me")
    assert (first.state, first.agreed, first.needed) == (State.WAITING, ("jo@example.test",), 2)
    assert firm.ways() == []
    with pytest.raises(AlreadyAnswered, match="agreed already"):
        approve(request_id=request_id, actor=actor_for(jo))
    assert requests_to_answer(jo) == ()
    assert [one.id for one in requests_to_answer(kim)] == [request_id]
    second = approve(request_id=request_id, actor=actor_for(ina))
    assert (second.state, second.agreed) == (State.GRANTED, ("jo@example.test", "ina@example.test"))
    assert firm.ways() == [f"request:{request_id}"]
    assert [one.actor_label for one in on_record(request_id)] == [
        "ina@example.test",
        "jo@example.test",
        "ada@example.test",
    ]


def test_one_who_refuses_is_enough(firm: Firm, council: tuple[PersonId, PersonId, PersonId]) -> None:
    request_id = firm.ask()
    approve(request_id=request_id, actor=actor_for(council[0]))
    refuse(request_id=request_id, actor=actor_for(council[1]), comment="Not now")
    with pytest.raises(AlreadyAnswered):
        approve(request_id=request_id, actor=actor_for(council[2]))
    assert firm.ways() == []


def test_whoever_agreed_and_may_not_any_more_does_not_count(
    firm: Firm, council: tuple[PersonId, PersonId, PersonId]
) -> None:
    ina, jo, kim = council
    request_id = firm.ask()
    approve(request_id=request_id, actor=actor_for(ina))
    disable_person(person_id=ina, reason="left", actor=MACHINE)
    assert approve(request_id=request_id, actor=actor_for(jo)).state is State.WAITING
    remove_member(group_id=COUNCIL, person_id=jo, actor=MACHINE)
    add_member(group_id=COUNCIL, person_id=firm.boss, actor=MACHINE)
    assert approve(request_id=request_id, actor=actor_for(kim)).state is State.WAITING
    assert approve(request_id=request_id, actor=actor_for(firm.boss)).state is State.GRANTED


def test_administrators_complete_a_group_that_is_too_small_and_never_replace_the_number(firm: Firm) -> None:
    set_approval_rule(group_id=LEDGER, by=COUNCIL, needed=2, actor=MACHINE)
    with pytest.raises(CannotAsk, match="2 people have to agree"):
        firm.ask()
    ina = make_person("ina@example.test", groups=("council",))
    request_id = firm.ask()
    set_back(request_id, 1.6 * DAY)
    assert approve(request_id=request_id, actor=actor_for(firm.admin)).state is State.WAITING
    assert approve(request_id=request_id, actor=actor_for(ina)).state is State.GRANTED


def test_who_answers_is_said_on_record_and_taken_back(firm: Firm) -> None:
    set_approval_rule(group_id=LEDGER, by=COUNCIL, needed=3, actor=actor_for(firm.admin))
    assert list_approval_rules() == (ApprovalRule(group=LEDGER, by=COUNCIL, needed=3),)
    assert on_record("finance")[0].actor_label == "root@example.test"
    for wrong in (0, 6):
        with pytest.raises(CannotAsk, match="From one to 5"):
            set_approval_rule(group_id=LEDGER, by=COUNCIL, needed=wrong, actor=MACHINE)
    with pytest.raises(CannotAsk, match="console"):
        set_approval_rule(group_id=GroupId("administrators"), by=COUNCIL, needed=2, actor=MACHINE)
    with pytest.raises(UnknownGroup):
        set_approval_rule(group_id=LEDGER, by=GroupId("nobody"), needed=2, actor=MACHINE)
    delete_group(group_id=COUNCIL, actor=MACHINE)
    assert get_approval_rule(LEDGER) is None
    assert approve(request_id=firm.ask(), actor=actor_for(firm.owner)).state is State.GRANTED


def test_handing_back_hands_back_all_that_prolongs_it_and_puts_each_on_record(firm: Firm) -> None:
    first = firm.ask()
    approve(request_id=first, actor=actor_for(firm.owner))
    longer = extend(request_id=first, seconds=3600, reason="More", actor=actor_for(firm.asker)).id
    approve(request_id=longer, actor=actor_for(firm.owner))
    hand_back(request_id=first, actor=actor_for(firm.asker), reason="Done early")
    for one in (first, longer):
        newest = on_record(one)[0]
        assert newest.actor_label == "ada@example.test"
        assert newest.words.endswith("(Done early)")
        assert get_request(one).state is State.RETURNED


def test_a_request_to_go_on_does_not_outlive_what_was_handed_back(firm: Firm) -> None:
    first = firm.ask()
    approve(request_id=first, actor=actor_for(firm.owner))
    longer = extend(request_id=first, seconds=3600, reason="More", actor=actor_for(firm.asker)).id
    hand_back(request_id=first, actor=actor_for(firm.asker))
    assert get_request(longer).state is State.WITHDRAWN
    with pytest.raises(AlreadyAnswered):
        approve(request_id=longer, actor=actor_for(firm.owner))
    assert firm.ways() == []
