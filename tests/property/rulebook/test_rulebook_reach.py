"""Who gains and who loses what is what the engine says to each person asked one by one, whatever the rules are."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy_material import APPS, GROUPS, NOON, PEOPLE, catalogue, documents, proof, text_of

from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId, PolicyVersion
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, Context, Device, Resource
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import PersonFact, Rules
from ostiary.rulebook.reach import find_reach, subject_of
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings, every_proof
from ostiary.rulebook.week import WEEK_SECONDS, moments_of_week

HERE = Context(address="10.1.2.3", country="DE", risk=0)
places = st.builds(
    Context,
    address=st.sampled_from([None, "192.0.2.9", "2001:db8::1"]),
    country=st.sampled_from([None, "NO"]),
    risk=st.sampled_from([None, 0, 70]),
)
devices = st.builds(
    lambda managed, compliant, version: Device(
        managed=managed, compliant=compliant, attributes=() if version is None else (("os_version", version),)
    ),
    st.booleans(),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, 13, 14]),
)
sessions = st.builds(
    lambda method, ago, place, device: Circumstances((proof(method, ago=ago),), place, device),
    st.sampled_from(["password", "totp", "webauthn"]),
    st.sampled_from([0.0, 40.0, 700.0, 50_000.0]),
    places,
    st.none() | devices,
)
members = st.builds(
    lambda person, email, groups, methods, signed_in, theirs: Member(
        person=PersonFact(
            id=PersonId(person), email=email, name=person, active=True, groups=tuple(map(GroupId, sorted(groups)))
        ),
        methods=tuple(sorted(methods)),
        sessions=tuple(signed_in),
        devices=tuple(theirs),
    ),
    st.sampled_from([*PEOPLE, "p9"]),
    st.sampled_from(["anna@example.com", "BEN@example.com", "carl@example.com"]),
    st.sets(st.sampled_from(GROUPS)),
    st.sets(st.sampled_from(["password", "totp", "webauthn", "recovery_codes"])),
    st.lists(sessions, max_size=2),
    st.lists(devices, max_size=2),
)


Opened = tuple[set[str], set[str]]


def doors(engine: PolicyEngine, member: Member, moments: tuple[float, ...], paths: list[str]) -> tuple[Opened, Opened]:
    """What opens to somebody with what they have set up, and with any proof: at the first moment, and at any of them.

    Asked one by one.
    """
    places = [HERE, *(one.context for one in member.sessions)]

    def opens(app: str, one: Circumstances, at: float) -> bool:
        labels = frozenset(catalogue().apps[AppId(app)].labels)
        return any(
            isinstance(
                engine.decide(
                    AccessRequest(
                        subject=subject_of(member.person, one),
                        action=ActionClass.VIEW,
                        resource=Resource(app=AppId(app), labels=labels, path=path),
                        device=one.device,
                        context=one.context,
                    ),
                    at,
                ),
                Allow,
            )
            for path in paths
        )

    def opened(proofs: Callable[[float], tuple[Authentication, ...]], signed_in: tuple[Circumstances, ...]) -> Opened:
        def at(moment: float, besides: tuple[Circumstances, ...] = ()) -> set[str]:
            given_now = proofs(moment)
            with_what = (None, *member.devices)
            ways = [Circumstances(given_now, place, one) for place in places if given_now for one in with_what]
            return {app for app in APPS if any(opens(app, one, moment) for one in (*ways, *besides))}

        now = at(moments[0], signed_in)
        return now, now.union(*(at(moment) for moment in moments[1:]))

    ready, any_proof = opened(member.at_best, member.sessions), opened(every_proof, ())
    return ready, (ready[0] | any_proof[0], ready[1] | any_proof[1])


def besides(one: Opened, other: Opened) -> set[str]:
    return (one[0] - other[0]) | (one[1] - other[1])


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
    expected, counts = [], [0, 0, 0]
    for member in people:
        was_ready, was = doors(engines[0], member, moments, paths)
        will_be_ready, will_be = doors(engines[1], member, moments, paths)
        stops, begins = besides(was_ready, will_be_ready), besides(will_be_ready, was_ready)
        loses = besides(was, will_be)
        gains = besides(will_be, was) - loses - stops
        needs, spared = (stops - loses) | (gains - begins), begins - gains - loses - stops
        told = tuple(tuple(sorted(one)) for one in (loses, gains, needs, spared))
        expected += [(member.person.id, *told)] if any(told) else []
        counts = [counts[0] + bool(was[1]), counts[1] + bool(was_ready[1]), counts[2] + bool(stops)]
    assert sorted(
        (one.person, one.loses, one.gains, one.needs_set_up, one.spared_set_up) for one in reach.people
    ) == sorted(expected)
    assert [reach.with_access, reach.ready, reach.ready_losing] == counts
    assert reach.ready_losing <= len(reach.losing)


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
