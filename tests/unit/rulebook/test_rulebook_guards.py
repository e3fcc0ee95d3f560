"""The two guards: who is shut out of the console, and whether too many lose something. The engine decides; nothing is stored."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.policy_material import NOON, ask, catalogue, engine, proof, refused

from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.request import Authentication, AuthStrength, Context, Device
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import PersonFact
from ostiary.rulebook.lock_out import LockOut, find_lock_out, find_own_lock_out
from ostiary.rulebook.reach import PersonChange, Reach, find_reach
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings
from ostiary.rulebook.week import moments_of_week

OFFICE = Context(address="10.1.2.3", risk=0)
OPEN = "version: 1\nrules:\n  - {name: a, allow: group:admins, to: app:console, do: any}\n"
PASSKEY = OPEN.replace("do: any}", "do: any, when: {mfa: phishing-resistant}}")
WORK = OPEN.replace("do: any}", "do: any, when: {hours: Mon-Fri 07:00-20:00 Europe/Berlin}}")
AWAY = OPEN.replace("do: any}", "do: any, when: {networks: 192.0.2.0/24}}")
NOBODY = "version: 1\nrules: []\n"


def member(
    name: str = "anna",
    *groups: str,
    methods: tuple[str, ...] = ("password", "totp"),
    at: tuple[str, ...] = (),
    devices: tuple[Device, ...] = (),
) -> Member:
    return Member(
        person=PersonFact(
            id=PersonId(name),
            email=f"{name}@example.com",
            name=name.title(),
            active=True,
            groups=tuple(map(GroupId, groups)),
        ),
        methods=methods,
        sessions=tuple(Circumstances((proof("totp"),), Context(address=address, risk=0)) for address in at),
        devices=devices,
    )


def surroundings(*members: Member, administrators: tuple[str, ...] = ("anna",)) -> Surroundings:
    return Surroundings(
        members=members, administrators=frozenset(map(PersonId, administrators)), catalogue=catalogue(), here=OFFICE
    )


def lock_out(old: str, new: str, *members: Member, request: object = None, now: float = NOON) -> LockOut | None:
    return find_lock_out(
        engine(old),
        engine(new),
        request=request,
        surroundings=surroundings(*members),
        moments=moments_of_week((read_rules(old), read_rules(new)), now),
    )


def reach(old: str, new: str, *members: Member, cedar: str = "") -> Reach:
    documents = read_rules(old), read_rules(new)
    return find_reach(
        engine(old),
        engine(new, cedar=cedar),
        documents=documents,
        cedar=bool(cedar),
        surroundings=surroundings(*members),
        moments=moments_of_week(documents, NOON),
    )


def asks(*proofs: Authentication) -> object:
    return ask("console", person="anna", groups=("admins",), proofs=proofs, address="10.1.2.3", risk=0)


def test_rules_that_leave_an_administrator_in_shut_nobody_out() -> None:
    anna = member("anna", "admins", methods=("password", "webauthn"))
    assert lock_out(OPEN, PASSKEY, anna, request=asks(proof("webauthn"))) is None
    assert lock_out(OPEN, OPEN + "# again\n", anna) is None


def test_the_session_of_whoever_makes_the_change_counts_not_what_they_could_do() -> None:
    anna = member("anna", "admins", methods=("password", "webauthn"))
    found = lock_out(OPEN, PASSKEY, anna, request=asks(proof("totp")))
    assert found is not None
    assert refused(found.own).unmet[0].code == "mfa"
    assert not found.administrators


def test_administrators_are_shut_out_by_what_none_has_set_up() -> None:
    found = lock_out(OPEN, PASSKEY, member("anna", "admins"))
    assert found == LockOut(own=None, administrators=True, opens_at=None)
    assert lock_out(OPEN, PASSKEY, member("anna", "admins"), member("ben", "admins", methods=("webauthn",))) == found
    assert lock_out(OPEN, NOBODY, member("anna", "admins")) == found


def test_who_was_shut_out_before_is_not_shut_out_by_the_change() -> None:
    assert lock_out(PASSKEY, PASSKEY + "# more\n", member("anna", "admins")) is None
    assert lock_out(NOBODY, PASSKEY, member("anna", "admins")) is None
    assert lock_out(OPEN, NOBODY, member("anna", "admins", methods=())) is None


def test_hours_count_when_they_close_the_door_that_is_open_now() -> None:
    zone = ZoneInfo("Europe/Berlin")
    sunday = datetime(2025, 11, 23, 12, tzinfo=zone).timestamp()
    found = lock_out(OPEN, WORK, member("anna", "admins"), now=sunday)
    assert found is not None
    assert found.opens_at == datetime(2025, 11, 24, 7, tzinfo=zone).timestamp()
    assert lock_out(OPEN, WORK, member("anna", "admins"), now=NOON) is None
    assert lock_out(WORK, WORK + "# same\n", member("anna", "admins"), now=sunday) is None


def test_networks_count_from_where_the_change_is_made_and_from_where_administrators_are() -> None:
    assert lock_out(OPEN, AWAY, member("anna", "admins")) is not None
    assert lock_out(OPEN, AWAY, member("anna", "admins", at=("192.0.2.7",))) is None


def test_people_named_by_their_address_are_not_taken_for_shut_out() -> None:
    """While any rule names people by address, the engine refuses whose address is not given: it must be."""
    named = OPEN + "  - {name: b, deny: person:ben@example.com, to: app:wiki}\n"
    assert lock_out(OPEN, named, member("anna", "admins"), request=asks(proof("totp"))) is None


def test_reading_the_rules_alone_is_not_enough() -> None:
    view = OPEN.replace("do: any", "do: view")
    assert find_own_lock_out(engine(view), asks(proof("totp")), NOON) is not None
    assert find_own_lock_out(engine(OPEN), asks(proof("totp")), NOON) is None


def test_an_emergency_sign_in_is_let_in_whatever_the_rules_say() -> None:
    emergency = Authentication("break_glass", AuthStrength.SINGLE, NOON)
    assert find_own_lock_out(engine(NOBODY), asks(emergency), NOON) is None


WIKI = "version: 1\nrules:\n  - {name: w, allow: [group:staff, group:night], to: app:wiki, do: view}\n"


def test_who_loses_what_is_told_by_name() -> None:
    people = [member(f"p{n}", "staff" if n % 2 else "night") for n in range(5)]
    found = reach(WIKI, WIKI.replace("[group:staff, group:night]", "group:staff"), *people)
    assert [one.name for one in found.losing] == ["P0", "P2", "P4"]
    assert found.people[0] == PersonChange(
        person=PersonId("p0"), name="P0", email="p0@example.com", loses=("wiki",), gains=()
    )
    assert found.with_access == 5


def test_one_more_step_is_no_loss_and_something_to_set_up_is_one() -> None:
    stronger = WIKI.replace("do: view", "do: view, when: {mfa: otp}")
    ready, not_ready = member("anna", "staff"), member("ben", "staff", methods=("password",), at=("10.1.2.3",))
    assert [one.email for one in reach(WIKI, stronger, ready).losing] == []
    assert [one.email for one in reach(WIKI, stronger.replace("otp", "phishing-resistant"), ready).losing] == [
        "anna@example.com"
    ]
    assert len(reach(WIKI, stronger.replace("otp", "phishing-resistant"), ready, not_ready).losing) == 2


def test_what_takes_setting_up_is_told_apart_from_what_is_lost_and_gained() -> None:
    with_code = WIKI.replace("do: view", "do: view, when: {mfa: otp}")
    ready, not_ready = member("anna", "staff"), member("ben", "staff", methods=("password",))

    def told(old: str, new: str) -> list[tuple[str, tuple[str, ...], ...]]:
        people = reach(old, new, ready, not_ready).people
        return [(one.person, one.loses, one.gains, one.needs_set_up, one.spared_set_up) for one in people]

    assert told(WIKI, with_code) == [("ben", (), (), ("wiki",), ())]
    assert told(with_code, WIKI) == [("ben", (), (), (), ("wiki",))]
    assert told(NOBODY, with_code) == [("anna", (), ("wiki",), (), ()), ("ben", (), ("wiki",), ("wiki",), ())]
    assert told(with_code, NOBODY) == [("anna", ("wiki",), (), (), ()), ("ben", ("wiki",), (), (), ())]
    assert told(with_code, with_code.replace("otp", "any")) == []


def test_who_may_open_an_app_is_counted_whether_or_not_they_have_set_up_a_second_factor() -> None:
    with_code = WIKI.replace("do: view", "do: view, when: {mfa: otp}")
    ready = [member(f"a{n}", "staff") for n in range(5)]
    not_ready = [member(f"b{n}", "staff", methods=("password",)) for n in range(34)]
    invited = member("c", "staff", methods=())
    found = reach(with_code, NOBODY, *ready, *not_ready, invited)
    assert (found.with_access, found.ready, found.ready_losing, len(found.losing)) == (40, 5, 5, 40)


def test_what_stops_all_who_are_ready_is_stopped_however_many_are_not() -> None:
    with_code = WIKI.replace("do: view", "do: view, when: {mfa: otp}")
    with_passkey = with_code.replace("otp", "phishing-resistant")
    ready = [member(f"a{n}", "staff") for n in range(5)]
    not_ready = [member(f"b{n}", "staff", methods=("password",)) for n in range(35)]
    found = reach(with_code, with_passkey, *ready, *not_ready)
    assert (found.losing, found.waiting) == (found.people, found.people)
    assert (len(found.losing), found.with_access, found.ready) == (5, 40, 5)
    assert found.takes_too_much(share_percent=20, at_least=3)


def test_who_never_had_access_loses_none() -> None:
    found = reach(WIKI, NOBODY, member("ben", "admins"))
    assert (found.people, found.with_access) == ((), 0)


def test_cedar_text_beside_the_rules_is_asked_too() -> None:
    cedar = '@id("no") forbid (principal == Person::"anna", action, resource);'
    found = reach(WIKI, WIKI, member("anna", "staff"), member("ben", "staff"), cedar=cedar)
    assert [one.email for one in found.losing] == ["anna@example.com"]


def test_gains_are_told_apart_from_losses() -> None:
    found = reach(WIKI, WIKI.replace("app:wiki", "app:payroll"), member("anna", "staff"))
    assert [(one.loses, one.gains) for one in found.people] == [(("wiki",), ("payroll",))]


@pytest.mark.parametrize(
    ("losing", "with_access", "stopped"),
    [(2, 4, False), (3, 4, True), (3, 15, False), (3, 14, True), (30, 150, False), (31, 150, True), (0, 0, False)],
)
def test_the_share_is_more_than_a_fifth_and_at_least_three(losing: int, with_access: int, stopped: bool) -> None:
    people = tuple(PersonChange(person=PersonId(f"p{n}"), name="", email="", loses=("x",)) for n in range(losing))
    found = Reach(people=people, with_access=with_access)
    assert found.takes_too_much(share_percent=20, at_least=3) is stopped
    assert not found.takes_too_much(share_percent=100, at_least=3)


ENCRYPTED = OPEN.replace("do: any}", "do: any, when: {device: {disk_encrypted: true}}}")


def laptop(*, encrypted: bool) -> Device:
    return Device(managed=True, attributes=(("disk_encrypted", encrypted), ("own", True)))


def test_whoever_has_a_device_that_meets_a_new_condition_loses_nothing() -> None:
    staff = "version: 1\nrules:\n  - {name: a, allow: group:staff, to: app:wiki, do: any}\n"
    needs = staff.replace("do: any}", "do: any, when: {device: {disk_encrypted: true}}}")
    has = member("anna", "staff", devices=(laptop(encrypted=False), laptop(encrypted=True)))
    other = member("ben", "staff", devices=(laptop(encrypted=False),))
    none = member("carl", "staff")
    found = reach(staff, needs, has, other, none)
    assert [(one.person, one.loses) for one in found.people] == [("ben", ("wiki",)), ("carl", ("wiki",))]
    assert reach(staff, needs, has, other, none, cedar="// nothing").people == found.people
    assert [one.gains for one in reach(needs, staff, other).people] == [("wiki",)]


def test_an_administrator_is_let_in_with_a_device_of_theirs() -> None:
    assert lock_out(OPEN, ENCRYPTED, member("anna", "admins", devices=(laptop(encrypted=True),))) is None
    for devices in ((), (laptop(encrypted=False),)):
        assert lock_out(OPEN, ENCRYPTED, member("anna", "admins", devices=devices)) == LockOut(administrators=True)
