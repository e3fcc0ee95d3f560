"""Roles bring groups and take them back; people come, change jobs and go; what has an end ends."""

import time
from datetime import UTC, datetime
from itertools import count

import pytest
from tests.identity_people import MACHINE, make_group, make_person_with_app
from tests.identity_people import make_person as make_somebody

from ostiary.identity.domain.life_cycle import Item, Step
from ostiary.identity.facade import (
    AlreadyExists,
    Finding,
    NotAllowed,
    PersonKind,
    Profile,
    RoleId,
    UnacceptableText,
    UnknownGroup,
    UnknownPerson,
    UnknownRole,
    access_of,
    add_member,
    assign_role,
    change_profile,
    change_role,
    check_directory,
    create_role,
    delete_role,
    disable_person,
    enable_person,
    expire_terms,
    find_person,
    get_person,
    get_role,
    join,
    leave,
    list_assignments,
    list_groups,
    list_members,
    list_sessions,
    move,
    preview_leave,
    preview_move,
    remove_member,
    set_group_owner,
    withdraw_role,
)
from ostiary.identity.facts import read_identity, read_sessions
from ostiary.identity.models import Membership
from ostiary.identity.models import Person as PersonRow
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.terms import person_at
from ostiary.visibility.facade import Actor

pytestmark = pytest.mark.django_db
ADMINISTRATORS = GroupId("administrators")
CLERK, DRIVER = RoleId("clerk"), RoleId("driver")
FINANCE, STAFF, CARS = GroupId("finance"), GroupId("staff"), GroupId("cars")


NUMBERS = count()


def make_person(groups: tuple[str, ...]) -> PersonId:
    return make_somebody(email=f"person-{next(NUMBERS)}@example.test", groups=groups)


@pytest.fixture
def owner() -> PersonId:
    for group in ("finance", "staff", "cars"):
        make_group(group)
    person_id = make_person(groups=())
    email = get_person(person_id).email
    create_role(id="clerk", owner=email, groups=[FINANCE, STAFF], actor=MACHINE)
    create_role(id="driver", owner=email, groups=[CARS, STAFF], actor=MACHINE)
    return person_id


def groups_of(person_id: PersonId) -> tuple[str, ...]:
    fact = read_identity().people[person_id]
    return person_at(fact, time.time()).groups


@pytest.mark.usefixtures("owner")
class TestRoles:
    def test_a_role_brings_its_groups_and_takes_them_back(self) -> None:
        ada = make_person(groups=())
        assign_role(role_id=CLERK, person_id=ada, actor=MACHINE, reason="hired")
        assert groups_of(ada) == ("finance", "staff")
        assert get_person(ada).roles == ("clerk",)
        assert {(one.group, one.via, one.reason) for one in access_of(ada)} == {
            ("finance", "role:clerk", "hired"),
            ("staff", "role:clerk", "hired"),
        }
        assert get_role(CLERK).people == 1
        withdraw_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        assert groups_of(ada) == ()
        assert not list_assignments(CLERK)

    def test_what_two_roles_bring_stays_until_both_are_gone(self) -> None:
        ada = make_person(groups=())
        for role in (CLERK, DRIVER):
            assign_role(role_id=role, person_id=ada, actor=MACHINE)
        withdraw_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        assert groups_of(ada) == ("cars", "staff")
        assert [one.via for one in list_members(STAFF)] == ["role:driver"]

    def test_what_somebody_got_by_hand_outlives_the_role(self) -> None:
        ada = make_person(groups=("staff",))
        assign_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        assert next(group.members for group in list_groups() if group.id == STAFF) == 1
        withdraw_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        assert groups_of(ada) == ("staff",)

    def test_a_changed_role_changes_everybody_who_has_it(self) -> None:
        ada = make_person(groups=())
        assign_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        change_role(role_id=CLERK, groups=[CARS], name="Clerks", actor=MACHINE)
        assert groups_of(ada) == ("cars",)
        assert get_role(CLERK).name == "Clerks"
        delete_role(role_id=CLERK, actor=MACHINE)
        assert groups_of(ada) == ()

    def test_who_is_in_by_a_role_is_not_taken_out_by_hand(self) -> None:
        ada = make_person(groups=("staff",))
        assign_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        with pytest.raises(NotAllowed, match="by role:clerk"):
            remove_member(group_id=STAFF, person_id=ada, actor=MACHINE)
        assert len(access_of(ada)) == 3

    def test_wrong_words_change_nothing(self, owner: PersonId) -> None:
        email, ada = get_person(owner).email, make_person(groups=())
        for wrong, what in (
            (lambda: create_role(id="clerk", owner=email, actor=MACHINE), AlreadyExists),
            (lambda: create_role(id="cook", owner="nobody@example.com", actor=MACHINE), UnknownPerson),
            (lambda: create_role(id="cook", owner=email, groups=[GroupId("no")], actor=MACHINE), UnknownGroup),
            (lambda: assign_role(role_id=RoleId("clrk"), person_id=ada, actor=MACHINE), UnknownRole),
            (lambda: assign_role(role_id=CLERK, person_id=PersonId("p_no"), actor=MACHINE), UnknownPerson),
            (lambda: assign_role(role_id=CLERK, person_id=ada, ends_at=1.0, actor=MACHINE), UnacceptableText),
        ):
            with pytest.raises(what):
                wrong()
        assert groups_of(ada) == ()
        with pytest.raises(UnknownRole) as caught:
            get_role(RoleId("clrk"))
        assert "clerk" in caught.value.hint

    def test_a_helpdesk_makes_nobody_an_administrator_by_a_role(self, owner: PersonId) -> None:
        desk = make_person(groups=("helpdesk",))
        helper = Actor(kind="person", id=desk, label="desk@example.com")
        ada = make_person(groups=())
        create_role(id="boss", owner=get_person(owner).email, groups=[ADMINISTRATORS], actor=MACHINE)
        with pytest.raises(NotAllowed):
            assign_role(role_id=RoleId("boss"), person_id=ada, actor=helper)
        with pytest.raises(NotAllowed):
            change_role(role_id=CLERK, groups=[ADMINISTRATORS], actor=helper)
        with pytest.raises(NotAllowed):
            create_role(id="boss2", owner=get_person(owner).email, groups=[ADMINISTRATORS], actor=helper)
        assert groups_of(ada) == ()

    def test_the_last_administrator_by_a_role_stays(self, owner: PersonId) -> None:
        create_role(id="boss", owner=get_person(owner).email, groups=[ADMINISTRATORS], actor=MACHINE)
        ada = make_person(groups=())
        assign_role(role_id=RoleId("boss"), person_id=ada, actor=MACHINE)
        for remove in (
            lambda: withdraw_role(role_id=RoleId("boss"), person_id=ada, actor=MACHINE),
            lambda: delete_role(role_id=RoleId("boss"), actor=MACHINE),
            lambda: change_role(role_id=RoleId("boss"), groups=[], actor=MACHINE),
            lambda: assign_role(role_id=RoleId("boss"), person_id=ada, ends_at=time.time() + 60, actor=MACHINE),
            lambda: change_profile(person_id=ada, profile=Profile(ends_at=time.time() + 60), actor=MACHINE),
            lambda: leave(person_id=ada, reason="", actor=MACHINE),
        ):
            with pytest.raises(NotAllowed):
                remove()
        assert ADMINISTRATORS in groups_of(ada)


class TestTerms:
    def test_a_membership_that_is_over_is_nowhere_and_then_gone(self) -> None:
        make_group("staff")
        ada = make_person(groups=())
        add_member(group_id=STAFF, person_id=ada, ends_at=time.time() + 60, actor=MACHINE)
        assert groups_of(ada) == ("staff",)
        Membership.objects.update(ends_at=datetime.fromtimestamp(time.time() - 1, UTC))
        assert groups_of(ada) == ()
        assert get_person(ada).groups == ()
        assert not list_members(STAFF)
        assert next(group.members for group in list_groups() if group.id == STAFF) == 0
        assert expire_terms(now=time.time()) == 1
        assert not Membership.objects.exists()
        assert expire_terms(now=time.time()) == 0

    def test_the_later_of_two_ends_counts(self) -> None:
        make_group("staff")
        owner = make_person(groups=())
        create_role(id="clerk", owner=get_person(owner).email, groups=[STAFF], actor=MACHINE)
        ada, soon, late = make_person(groups=()), time.time() + 60, time.time() + 600
        add_member(group_id=STAFF, person_id=ada, ends_at=soon, actor=MACHINE)
        assign_role(role_id=CLERK, person_id=ada, ends_at=late, actor=MACHINE)
        assert read_identity().people[ada].terms == {"staff": pytest.approx(late, abs=1e-3)}
        add_member(group_id=STAFF, person_id=ada, actor=MACHINE)
        assert read_identity().people[ada].terms == {}

    def test_an_account_that_is_over_has_no_session_and_is_disabled_by_the_worker(self) -> None:
        ada, _secret = make_person_with_app(groups=())
        change_profile(
            person_id=ada,
            profile=Profile(kind=PersonKind.CONTRACTOR, ends_at=time.time() + 3600),
            actor=MACHINE,
        )
        assert get_person(ada).active
        PersonRow.objects.filter(pk=ada).update(ends_at=datetime.fromtimestamp(time.time() - 1, UTC))
        assert not get_person(ada).active
        assert not list_sessions(person_id=ada).items
        assert ada not in {one.person for one in read_sessions().sessions.values()}
        assert expire_terms(now=time.time()) == 1
        with pytest.raises(NotAllowed, match="has ended"):
            enable_person(person_id=ada, actor=MACHINE)
        change_profile(person_id=ada, profile=Profile(ends_at=time.time() + 60), actor=MACHINE)
        enable_person(person_id=ada, actor=MACHINE)
        assert get_person(ada).active


@pytest.mark.usefixtures("owner")
class TestLifeCycle:
    def test_somebody_joins(self, owner: PersonId) -> None:
        boss = get_person(owner).email
        profile = Profile(
            kind=PersonKind.CONTRACTOR,
            title="Welder",
            department="Hall 2",
            employee_number="77",
            manager=boss,
            ends_at=time.time() + 3600,
        )
        joined = join(email="New@Example.com", name="New", roles=[CLERK], groups=[CARS], profile=profile, actor=MACHINE)
        person = find_person("new@example.com")
        assert (person.roles, person.groups) == (("clerk",), ("cars", "finance", "staff"))
        assert (person.kind, person.title, person.department) == (PersonKind.CONTRACTOR, "Welder", "Hall 2")
        assert (person.employee_number, person.manager) == ("77", boss)
        assert joined.invitation.link
        assert joined.checklist == (
            Item(Step.INVITE, "new@example.com"),
            Item(Step.ASSIGN_ROLE, "clerk"),
            Item(Step.JOIN_GROUP, "cars"),
        )

    def test_a_contractor_needs_an_end_and_nothing_is_left_of_one_without(self) -> None:
        with pytest.raises(NotAllowed, match="needs an end"):
            join(email="max@example.com", profile=Profile(kind=PersonKind.CONTRACTOR), actor=MACHINE)
        with pytest.raises(UnknownPerson):
            find_person("max@example.com")

    def test_somebody_moves(self) -> None:
        ada = make_person(groups=("staff", "finance"))
        assign_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        expected = (
            Item(Step.WITHDRAW_ROLE, "clerk"),
            Item(Step.ASSIGN_ROLE, "driver"),
            Item(Step.LEAVE_GROUP, "finance"),
            Item(Step.KEEP_GROUP, "staff"),
        )
        assert preview_move(person_id=ada, roles=[DRIVER], drop=[FINANCE]) == expected
        assert groups_of(ada) == ("finance", "staff"), "a preview changes nothing"
        assert move(person_id=ada, roles=[DRIVER], drop=[FINANCE], actor=MACHINE, reason="new job") == expected
        assert groups_of(ada) == ("cars", "staff")
        with pytest.raises(UnknownGroup, match="by hand"):
            move(person_id=ada, roles=[CLERK], drop=[CARS], actor=MACHINE)
        assert get_person(ada).roles == ("driver",)

    def test_somebody_leaves(self, owner: PersonId) -> None:
        ada, bo = owner, make_person(groups=())
        cy = make_person(groups=())
        change_profile(person_id=cy, profile=Profile(manager=get_person(ada).email), actor=MACHINE)
        set_group_owner(group_id=CARS, owner=get_person(ada).email, actor=MACHINE)
        assign_role(role_id=CLERK, person_id=ada, actor=MACHINE)
        add_member(group_id=STAFF, person_id=ada, actor=MACHINE)
        for via in ("scim:hr", "request:r_1"):
            Membership.objects.create(
                person_id=ada, group_id=FINANCE, via=via, granted_by="somebody", granted_at=datetime.now(UTC)
            )
        successor = get_person(bo).email
        expected = (
            Item(Step.DISABLE, get_person(ada).email),
            Item(Step.END_SESSIONS, "0"),
            Item(Step.WITHDRAW_ROLE, "clerk"),
            Item(Step.LEAVE_GROUP, "finance"),
            Item(Step.LEAVE_GROUP, "staff"),
            Item(Step.HAND_OVER_GROUP, "cars", successor),
            Item(Step.HAND_OVER_ROLE, "clerk", successor),
            Item(Step.HAND_OVER_ROLE, "driver", successor),
            Item(Step.HAND_OVER_REPORT, get_person(cy).email, successor),
        )
        assert preview_leave(person_id=ada, successor=successor) == expected
        assert leave(person_id=ada, successor=successor, actor=MACHINE, reason="last day") == expected
        gone = get_person(ada)
        assert (gone.active, gone.groups, gone.roles) == (False, (), ())
        assert (get_role(CLERK).owner, get_person(cy).manager) == (successor, successor)
        unowned = {one.subject for one in check_directory(now=time.time()) if one.finding is Finding.ROLE_WITHOUT_OWNER}
        assert not unowned
        assert not Membership.objects.filter(person_id=ada).exists()
        enable_person(person_id=ada, actor=MACHINE)
        assert groups_of(ada) == (), "coming back brings nothing back"

    def test_nobody_hands_over_to_somebody_who_is_gone(self) -> None:
        ada, bo = make_person(groups=()), make_person(groups=())
        disable_person(person_id=bo, reason="", actor=MACHINE)
        for successor in (get_person(bo).email, get_person(ada).email):
            with pytest.raises(NotAllowed, match="cannot take over"):
                leave(person_id=ada, successor=successor, actor=MACHINE, reason="")
        assert get_person(ada).active

    def test_managers_make_no_circle(self) -> None:
        ada, bo, cy = (make_person(groups=()) for _ in range(3))
        change_profile(person_id=ada, profile=Profile(manager=get_person(bo).email), actor=MACHINE)
        change_profile(person_id=bo, profile=Profile(manager=get_person(cy).email), actor=MACHINE)
        for above in (ada, bo, cy):
            with pytest.raises(NotAllowed):
                change_profile(person_id=cy, profile=Profile(manager=get_person(above).email), actor=MACHINE)
        assert not get_person(cy).manager
