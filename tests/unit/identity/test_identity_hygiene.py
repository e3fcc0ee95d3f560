"""What does not belong in a directory is found, and nothing else."""

import msgspec
import pytest

from ostiary.identity.domain.authenticator_policy import Unmet
from ostiary.identity.domain.hygiene import DAY_SECONDS, Finding, Found, Limits, find
from ostiary.identity.domain.people import ADMINISTRATORS, Group, Person, PersonKind, RoleId
from ostiary.identity.domain.roles import Role
from ostiary.policy.identifiers import GroupId, PersonId

NOW = 1_000 * float(DAY_SECONDS)
LIMITS = Limits(dormant_days=45, invitation_days=7)
STAFF = GroupId("staff")
ADA = Person(
    id=PersonId("p_ada"),
    email="ada@example.com",
    name="Ada",
    active=True,
    groups=(STAFF,),
    created_at=NOW - 400 * DAY_SECONDS,
    last_sign_in_at=NOW - DAY_SECONDS,
    methods=("password", "totp"),
)


def findings(
    *people: Person, groups: tuple[Group, ...] = (), roles: tuple[Role, ...] = ()
) -> list[tuple[Finding, str]]:
    return [(one.finding, one.subject) for one in find(people, groups, roles, limits=LIMITS, now=NOW)]


def test_an_orderly_directory_has_no_findings() -> None:
    role = Role(id=RoleId("clerk"), name="Clerk", owner=ADA.email, people=1)
    group = Group(id=STAFF, name="Staff", owner=ADA.email)
    boss = msgspec.structs.replace(ADA, groups=(ADMINISTRATORS,), methods=("webauthn",), email="b@example.com")
    assert not findings(msgspec.structs.replace(ADA, manager="b@example.com"), boss, groups=(group,), roles=(role,))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"last_sign_in_at": NOW - 46 * DAY_SECONDS}, Finding.DORMANT),
        ({"last_sign_in_at": None}, Finding.DORMANT),
        ({"invited": True}, Finding.NEVER_JOINED),
        ({"groups": ()}, Finding.NO_ACCESS),
        ({"kind": PersonKind.CONTRACTOR}, Finding.CONTRACTOR_WITHOUT_END),
        ({"ends_at": NOW + 13 * DAY_SECONDS}, Finding.ENDS_SOON),
        ({"manager": "gone@example.com"}, Finding.MANAGER_GONE),
    ],
)
def test_each_fault_is_found_by_itself(change: dict[str, object], finding: Finding) -> None:
    assert findings(msgspec.structs.replace(ADA, **change)) == [(finding, ADA.email)]


@pytest.mark.parametrize(
    "change",
    [
        {"last_sign_in_at": NOW - 44 * DAY_SECONDS},
        {"last_sign_in_at": None, "created_at": NOW - 44 * DAY_SECONDS},
        {"invited": True, "created_at": NOW - 6 * DAY_SECONDS},
        {"kind": PersonKind.CONTRACTOR, "ends_at": NOW + 15 * DAY_SECONDS},
        {"groups": (), "roles": (RoleId("clerk"),)},
        {"active": False, "groups": (), "methods": (), "manager": "gone@example.com"},
        {"methods": ("password",)},
        {"emergency": True, "methods": (), "groups": (ADMINISTRATORS,), "last_sign_in_at": None},
    ],
)
def test_what_is_in_order_is_left_alone(change: dict[str, object]) -> None:
    assert findings(msgspec.structs.replace(ADA, **change)) == []


def test_things_that_nobody_answers_for() -> None:
    gone = msgspec.structs.replace(ADA, email="gone@example.com", active=False)
    roles = (
        Role(id=RoleId("clerk"), name="Clerk", people=1),
        Role(id=RoleId("driver"), name="Driver", owner="gone@example.com"),
    )
    group = Group(id=STAFF, name="Staff", owner="gone@example.com")
    assert findings(ADA, gone, groups=(group, Group(id=GroupId("free"), name="Free")), roles=roles) == [
        (Finding.ROLE_WITHOUT_OWNER, "clerk"),
        (Finding.ROLE_WITHOUT_OWNER, "driver"),
        (Finding.GROUP_OWNER_GONE, "staff"),
        (Finding.ROLE_NOBODY_HAS, "driver"),
    ]


def test_the_most_pressing_comes_first_and_says_since_when() -> None:
    found = find(
        [
            msgspec.structs.replace(ADA, ends_at=NOW + DAY_SECONDS),
            msgspec.structs.replace(ADA, email="b@example.com", groups=(ADMINISTRATORS,)),
        ],
        [],
        [],
        limits=LIMITS,
        now=NOW,
        lacking={
            "b@example.com": ((Unmet.ADMINISTRATOR_WITHOUT_PASSKEY,), 0.0),
            "c@example.com": ((Unmet.NO_RECOVERY_CODES,), NOW),
        },
    )
    assert found == (
        Found(finding=Finding.ADMINISTRATOR_WITHOUT_PASSKEY, subject="b@example.com"),
        Found(finding=Finding.NO_RECOVERY_CODES, subject="c@example.com", due_at=NOW),
        Found(finding=Finding.ENDS_SOON, subject=ADA.email, since=NOW + DAY_SECONDS),
    )
