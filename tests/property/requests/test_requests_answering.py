"""Whatever happens to a request in whatever order: nobody answers their own, it is answered once, and time wins."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.requests.domain import (
    AlreadyAnswered,
    NotYours,
    Request,
    State,
    Voter,
    choices,
    deadlines,
    require_may_answer,
    require_waiting,
    state_at,
)

PEOPLE = [PersonId(one) for one in ("asker", "owner", "boss", "root", "guest")]
people = st.sampled_from(PEOPLE)
voters = st.builds(Voter, id=people, able=st.booleans(), administrator=st.booleans())
moments = st.floats(min_value=0, max_value=1000, allow_nan=False)


def made(answer_seconds: float, state: State = State.WAITING, ends_at: float | None = None) -> Request:
    substitute_at, deadline_at = deadlines(0.0, answer_seconds)
    return Request(
        id="r_1",
        person_id=PersonId("asker"),
        email="asker@example.test",
        group=GroupId("archive"),
        seconds=60,
        reason="Please",
        state=state,
        asked_at=0.0,
        substitute_at=substitute_at,
        deadline_at=deadline_at,
        ends_at=ends_at,
    )


def may(request: Request, voter: Voter, approvers: frozenset[PersonId], now: float) -> bool:
    try:
        require_may_answer(request, voter, approvers, now)
    except (NotYours, AlreadyAnswered):
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(st.floats(min_value=1, max_value=1000), voters, st.frozensets(people), moments, st.sampled_from(list(State)))
def test_who_may_answer(
    answer_seconds: float, voter: Voter, approvers: frozenset[PersonId], now: float, state: State
) -> None:
    request = made(answer_seconds, state)
    allowed = may(request, voter, approvers, now)
    expected = (
        state is State.WAITING
        and now < answer_seconds
        and voter.id != "asker"
        and voter.able
        and (voter.id in approvers or (voter.administrator and now >= answer_seconds / 2))
    )
    assert allowed is expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(voters, st.floats(min_value=0, max_value=100), st.sampled_from(["approve", "refuse"]))))
def test_of_many_answers_in_order_one_counts(tries: list[tuple[Voter, float, str]]) -> None:
    request, answers, now = made(600.0), 0, 0.0
    for voter, later, answer in tries:
        now += later
        if may(request, voter, frozenset({PersonId("owner"), PersonId("asker")}), now):
            answers += 1
            state = State.GRANTED if answer == "approve" else State.REFUSED
            request = msgspec.structs.replace(request, state=state, ends_at=now + request.seconds)
    assert answers <= 1
    if request.state is State.GRANTED:
        assert request.ends_at is not None
        assert state_at(request, request.ends_at) is State.OVER
        assert state_at(request, request.ends_at - 1) is State.GRANTED


@settings(max_examples=60, deadline=None)
@given(st.floats(min_value=1, max_value=1000), moments)
def test_a_request_waits_exactly_until_its_deadline(answer_seconds: float, now: float) -> None:
    request = made(answer_seconds)
    try:
        require_waiting(request, now)
        waits = True
    except AlreadyAnswered:
        waits = False
    assert waits is (now < answer_seconds) is (state_at(request, now) is State.WAITING)


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=1, max_value=8760))
def test_no_choice_is_longer_than_allowed_and_the_longest_is_one(longest: int) -> None:
    offered = choices(longest)
    assert max(offered) == longest
    assert list(offered) == sorted(set(offered))
