"""People whom a change of rules can touch, for tests: made through the pillars' own services."""

from ostiary.applications.facade import add_app, ensure_builtin_apps
from ostiary.identity.facade import (
    Person,
    add_member,
    create_group,
    create_person,
    get_person,
    unsafe_provision_totp,
)
from ostiary.identity.services.authenticators import add_passkey
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Actor

OPERATOR = Actor(kind="machine", id="os:root", label="root on host")
OPEN = """\
version: 1
rules:
  - {name: console, allow: group:administrators, to: app:console, do: any, when: {mfa: otp}}
  - {name: wiki, allow: group:staff, to: app:wiki, do: any}
"""
CLOSED = OPEN.replace("group:administrators", "group:nobody-yet")
NARROW = OPEN.replace("group:staff", "group:nobody-yet")


def make_people(staff: int = 5) -> dict[str, Person]:
    """Make two administrators and some staff, all with an authenticator app; return them by name."""
    ensure_builtin_apps()
    for group in ("staff", "nobody-yet"):
        create_group(id=group, name=group.title(), actor=OPERATOR)
    add_app("wiki", name="Wiki", upstream="http://10.0.0.1", actor=OPERATOR)
    people = {name: _make(name, "administrators") for name in ("ada", "max")}
    return people | {f"person-{n}": _make(f"person-{n}", "staff") for n in range(staff)}


def give_passkey(person: Person) -> None:
    """Let somebody have a passkey; what is in it is never looked at here."""
    add_passkey(person_id=person.id, credential={"id": person.id}, name="Key", actor=OPERATOR)


def join(person: Person, group: str) -> None:
    """Put somebody into a group."""
    add_member(group_id=GroupId(group), person_id=person.id, actor=OPERATOR, reason="a test")


def actor_of(person: Person) -> Actor:
    """Return somebody as the actor of a change."""
    return Actor(kind="person", id=person.id, label=person.email, address="192.0.2.17")


def _make(name: str, group: str) -> Person:
    made = create_person(
        email=f"{name}@example.test",
        name=name.title(),
        password="correct horse battery staple 7",
        groups=(GroupId(group),),
        actor=OPERATOR,
    )
    unsafe_provision_totp(person_id=PersonId(made), actor=OPERATOR)
    return get_person(PersonId(made))
