"""Who gains and who loses what is what the engine says to each person asked one by one, whatever the rules are."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy_material import APPS, GROUPS, NOON, PEOPLE, catalogue, documents, proof, text_of

from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId, PolicyVersion
from ostiary.policy.request import AccessRequest, ActionClass, Context, Resource
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import PersonFact, Rules
from ostiary.rulebook.reach import find_reach, subject_of
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings
from ostiary.rulebook.week import WEEK_SECONDS, moments_of_week

HERE = Context(address="10.1.2.3", country="DE", risk=0)
places = st.builds(
    Context,
    address=st.sampled_from([None, "192.0.2.9", "2001:db8::1"]),
    country=st.sampled_from([None, "NO"]),
    risk=st.sampled_from([None, 0, 70]),
)
sessions = st.builds(
    lambda method, ago, place: Circumstances((proof(method, ago=ago),), place),
    st.sampled_from(["password", "totp", "webauthn"]),
    st.sampled_from([0.0, 40.0, 700.0, 50_000.0]),
    places,
)
members = st.builds(
    lambda person, email, groups, methods, signed_in: Member(
        person=PersonFact(
            id=PersonId(person), email=email, name=person, active=True, groups=tuple(map(GroupId, sorted(groups)))
        ),
        methods=tuple(sorted(methods)),
        sessions=tuple(signed_in),
    ),
    st.sampled_from([*PEOPLE, "p9"]),
    st.sampled_from(["anna@example.com", "BEN@example.com", "carl@example.com"]),
    st.sets(st.sampled_from(GROUPS)),
    st.sets(st.sampled_from(["password", "totp", "webauthn", "recovery_codes"])),
    st.lists(sessions, max_size=2),
)


def doors(engine: PolicyEngine, member: Member, moments: tuple[float, ...], paths: list[str]) -> tuple[set, set]:
    """What opens to somebody at the first moment, and at any of them, asked one by one."""
    best = [
        Circumstances(member.at_best(moments[0]), place)
        for place in [HERE, *(one.context for one in member.sessions)]
        if member.methods
    ]

    def opens(app: str, one: Circumstances, at: float) -> bool:
        labels = frozenset(catalogue().apps[AppId(app)].labels)
        return any(
            isinstance(
                engine.decide(
                    AccessRequest(
                        subject=subject_of(member.person, one),
                        action=ActionClass.VIEW,
                        resource=Resource(app=AppId(app), labels=labels, path=path),
                        context=one.context,
                    ),
                    at,
                ),
                Allow,
            )
            for path in paths
        )

    now = {app for app in APPS if any(opens(app, one, moments[0]) for one in [*best, *member.sessions])}
    later = {
        app
        for app in APPS
        for at in moments[1:]
        for one in best
        if opens(app, Circumstances(member.at_best(at), one.context), at)
    }
    return now, now | later


@given(documents, documents, st.lists(members, min_size=1, max_size=4))
@settings(max_examples=60)
def test_it_is_what_the_engine_says_to_each(old: dict, new: dict, people: list[Member]) -> None:
    texts = text_of(old), text_of(new)
    engines = [
        PolicyEngine(Rules(document=text, version=PolicyVersion("v")), catalogue(), Generation(1)) for text in texts
    ]
    read = read_rules(texts[0]), read_rules(texts[1])
    moments = moments_of_week(read, NOON)
    surroundings = Surroundings(members=tuple(people), catalogue=catalogue(), here=HERE)
    reach = find_reach(engines[0], engines[1], documents=read, cedar=False, surroundings=surroundings, moments=moments)
    paths = ["/", *(scope.path or "/" for one in read for rule in one.rules for scope in rule.paths)]
    expected, with_access = [], 0
    for member in people:
        was_now, was = doors(engines[0], member, moments, paths)
        will_now, will = doors(engines[1], member, moments, paths)
        with_access += bool(was)
        loses = (was_now - will_now) | (was - will)
        gains = ((will_now - was_now) | (will - was)) - loses
        if loses or gains:
            expected.append((member.person.id, tuple(sorted(loses)), tuple(sorted(gains))))
    assert sorted((one.person, one.loses, one.gains) for one in reach.people) == sorted(expected)
    assert reach.with_access == with_access


@given(documents, st.floats(0, WEEK_SECONDS))
@settings(max_examples=60)
def test_every_moment_of_the_week_is_like_one_that_is_looked_at(document: dict, later: float) -> None:
    """Hours alone: what else changes with time is the age of proofs, and those are fresh at every moment looked at."""
    read = read_rules(text_of(document))
    moments = moments_of_week((read,), NOON)
    assert moments[0] == NOON
    assert list(moments) == sorted(set(moments))
    if len(moments) < 24:
        engine = PolicyEngine(Rules(document=text_of(document), version=PolicyVersion("v")), catalogue(), Generation(1))
        fact = PersonFact(id=PersonId("p1"), email="anna@example.com", name="", active=True, groups=(GroupId("staff"),))
        member = Member(person=fact, methods=("webauthn",))

        def answers(at: float) -> tuple[bool, ...]:
            subject = subject_of(fact, Circumstances(member.at_best(at), HERE))
            return tuple(
                isinstance(
                    engine.decide(
                        AccessRequest(
                            subject=subject, action=ActionClass.VIEW, resource=Resource(app=AppId(app)), context=HERE
                        ),
                        at,
                    ),
                    Allow,
                )
                for app in APPS
            )

        assert answers(NOON + later) in {answers(at) for at in moments}
