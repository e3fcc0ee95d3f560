"""Accounts and memberships with an end: what is true at a moment, and until when."""

from hypothesis import given
from hypothesis import strategies as st
from tests.decider_company import person

from ostiary.policy.decision import Allow
from ostiary.policy.identifiers import Generation, GroupId, PolicyVersion, RuleName
from ostiary.policy.snapshot import PersonFact
from ostiary.policy.terms import holds_until, next_end, person_at

MOMENTS = st.integers(0, 20).map(float)
GROUPS = ("a", "b", "c")


@st.composite
def people(draw: st.DrawFn) -> PersonFact:
    groups = tuple(one for one in GROUPS if draw(st.booleans()))
    terms = {GroupId(one): draw(MOMENTS) for one in groups if draw(st.booleans())}
    return person("ada", groups=groups, active=draw(st.booleans()), terms=terms, ends_at=draw(st.none() | MOMENTS))


@given(people(), MOMENTS)
def test_nobody_has_anything_after_its_end(who: PersonFact, now: float) -> None:
    then = person_at(who, now)
    for group in who.groups:
        assert (group in then.groups) is (group not in who.terms or now < who.terms[group])
    assert then.active is (who.active and (who.ends_at is None or now < who.ends_at))


@given(people(), MOMENTS, MOMENTS)
def test_time_takes_away_and_gives_nothing_back(who: PersonFact, one: float, other: float) -> None:
    sooner, later = person_at(who, min(one, other)), person_at(who, max(one, other))
    assert set(later.groups) <= set(sooner.groups)
    assert later.active <= sooner.active


@given(people(), MOMENTS, MOMENTS)
def test_nothing_changes_before_the_next_end(who: PersonFact, now: float, wait: float) -> None:
    end = next_end(person_at(who, now), now)
    later = now + wait
    if end is None or later < end:
        assert person_at(who, later).groups == person_at(who, now).groups
        assert person_at(who, later).active == person_at(who, now).active
    elif who.active:
        assert person_at(who, end) != person_at(who, now)


def test_a_decision_holds_no_longer_than_its_facts() -> None:
    allow = Allow(rules=(RuleName("one"),), policy_version=PolicyVersion("v"), generation=Generation(1))
    assert holds_until(allow, None) is allow
    assert holds_until(allow, 5.0).valid_until == 5.0
    assert holds_until(holds_until(allow, 5.0), 9.0).valid_until == 5.0
    assert holds_until(holds_until(allow, 9.0), 5.0).valid_until == 5.0
