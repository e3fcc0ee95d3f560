"""What is known of somebody's job, and when their account ends."""

from datetime import datetime

import msgspec
from django.db import transaction

from ostiary.changes import announce_change
from ostiary.identity.domain import PersonKind
from ostiary.identity.errors import NotAllowed
from ostiary.identity.journal import record_account_change
from ostiary.identity.models import Person
from ostiary.identity.queries import find_person
from ostiary.identity.services.guards import (
    lock_person,
    parse_end,
    parse_name,
    parse_reason,
    require_another_administrator,
    require_may_change_person,
)
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor

MAX_NUMBER_CHARACTERS = 64
MAX_LEVELS = 100
"""Of managers above somebody; more are taken for a circle."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of somebody's job. What is `None` stays as it is.

    Args:
        manager: the address of whoever they report to; empty for nobody.
        ends_at: when the account ends by itself, seconds since the epoch; 0 for never.
    """

    kind: PersonKind | None = None
    title: str | None = None
    department: str | None = None
    employee_number: str | None = None
    manager: str | None = None
    ends_at: float | None = None


@transaction.atomic
def change_profile(*, person_id: PersonId, profile: Profile, actor: Actor, reason: str = "") -> None:
    """Change what is known of somebody's job, and when their account ends; nothing happens when that is so already.

    Raises:
        UnknownPerson: when there is no such person, or nobody has the manager's address.
        UnacceptableText: when a text cannot be stored, or the end is over already.
        NotAllowed: for an administrator when the actor is none, for a contractor without an end, for a circle of
            managers, and where an end would leave nobody to administer the instance.
    """
    person = lock_person(person_id)
    changed = _profile_changes(person, profile)
    before = {field: getattr(person, field) for field in changed}
    if before == changed:
        return
    require_may_change_person(actor, person)
    for field, value in changed.items():
        setattr(person, field, value)
    if person.kind == PersonKind.CONTRACTOR and person.ends_at is None:
        raise NotAllowed("A contractor's account needs an end.", hint="Say until when.")
    person.save(update_fields=list(changed))
    announce_change("identity", takes_away=True)
    announce_change("sessions", takes_away=True)
    record_account_change(
        actor=actor,
        change="update",
        person=person,
        reason=parse_reason(reason),
        details={field: _told(value) for field, value in changed.items() if before[field] != value},
    )


def _profile_changes(person: Person, profile: Profile) -> dict[str, object]:
    """Return the fields that are to have a value, in the form in which they are stored."""
    changed: dict[str, object] = {}
    if profile.kind is not None:
        changed["kind"] = profile.kind.value
    for field, text in (("title", profile.title), ("department", profile.department)):
        if text is not None:
            changed[field] = parse_name(text, what=field)
    if profile.employee_number is not None:
        changed["employee_number"] = parse_name(
            profile.employee_number, what="employee number", limit=MAX_NUMBER_CHARACTERS
        )
    if profile.manager is not None:
        changed["manager"] = _manager(person, profile.manager)
    if profile.ends_at is not None:
        changed["ends_at"] = _end(person, profile.ends_at)
    return changed


def _manager(person: Person, email: str) -> Person | None:
    if not email.strip():
        return None
    manager = lock_person(find_person(email).id)
    above: Person | None = manager
    for _step in range(MAX_LEVELS):
        if above is None:
            return manager
        if above.id == person.id:
            break
        above = above.manager
    raise NotAllowed(f"{manager.email} reports to {person.email} already, if not directly.")


def _end(person: Person, ends_at: float) -> datetime | None:
    end = parse_end(ends_at or None)
    if end is not None:
        require_another_administrator(person)
    return end


def _told(value: object) -> str | None:
    match value:
        case None:
            return None
        case datetime():
            return value.isoformat()
        case Person():
            return value.email
    return str(value)
