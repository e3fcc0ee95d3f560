"""What a client does to people: creates, changes, lets go. Each use case is one transaction, on record by way of identity."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from scim2_models import ForbiddenException, InvalidValueException, NotFoundException, UniquenessException

from ostiary.identity.facade import (
    Person,
    Profile,
    UnacceptableText,
    UnknownPerson,
    change_address,
    change_members_via,
    change_profile,
    disable_person,
    enable_person,
    get_person,
    groups_via,
    ids_of,
    invite_person,
    leave,
    parse_email,
    parse_name,
    register_person,
    rename_person,
)
from ostiary.policy.identifiers import PersonId
from ostiary.scim.domain.clients import via_of
from ostiary.scim.domain.people import address_of
from ostiary.scim.domain.resources import EnterpriseUser, User
from ostiary.scim.models import StoredUser
from ostiary.scim.queries.views import stated_name
from ostiary.scim.services.permission import require_may_change_person
from ostiary.visibility.facade import Actor

MAX_TEXT_CHARACTERS = 255


@transaction.atomic
def create_user(user: User, *, client: str, actor: Actor) -> PersonId:
    """Create a person, or take up one whom this client had deleted, and return their identifier.

    Args:
        user: as the client describes them.
        client: its name.
        actor: the client, for the record.

    Raises:
        UniquenessException: when somebody has this userName or this address.
        InvalidValueException: when nobody can sign in with what it says.
        ForbiddenException: when the person is in a builtin group, or was disabled here by hand.
        UnacceptableText, NotAllowed: as identity says.
    """
    address = address_of(user, _is_address)
    known = _known(address)
    row = StoredUser.objects.filter(client=client, person=known.id).first() if known else None
    if known is not None and (known.emergency or row is None or row.gone_at is None):
        raise UniquenessException(detail=f"There is a user with the address {address} already.")
    _require_free(user, client=client, but=row)
    now = datetime.now(UTC)
    if known is None or row is None:
        name = stated_name(_stated(StoredUser(), user, now))
        person_id = register_person(email=address, name=name, actor=actor)
        if settings.INSTANCE.configuration.scim.invite and user.active is not False:
            transaction.on_commit(partial(invite_person, email=address, actor=actor), robust=True)
        row = StoredUser(client_id=client, person_id=person_id, created_at=now)
    else:
        require_may_change_person(known)
    row.gone_at = None
    _carry_over(row, user, actor=actor, now=now)
    return PersonId(row.person_id)


@transaction.atomic
def update_user(person_id: PersonId, user: User, *, client: str, actor: Actor) -> None:
    """Make somebody as the client describes them.

    Args:
        person_id: whom.
        user: the whole description.
        client: its name.
        actor: the client, for the record.

    Raises:
        NotFoundException: when the client knows nobody with this identifier.
        UniquenessException, InvalidValueException, ForbiddenException, UnacceptableText, NotAllowed: as for `create_user`.
    """
    person = visible_person(person_id, client=client)
    require_may_change_person(person)
    row = StoredUser.objects.select_for_update().filter(client=client, person=person_id).first()
    _require_free(user, client=client, but=row, person_id=person_id)
    now = datetime.now(UTC)
    row = row or StoredUser(client_id=client, person_id=person_id, created_at=now)
    _carry_over(row, user, actor=actor, now=now)


@transaction.atomic
def delete_user(person_id: PersonId, *, client: str, actor: Actor) -> None:
    """Let somebody go: every door shuts, what they held and what they answered for ends. Their record stays.

    Raises:
        NotFoundException: when the client knows nobody with this identifier.
        ForbiddenException: when the person is in a builtin group.
        NotAllowed: when nobody could administer the instance without them.
    """
    person = visible_person(person_id, client=client)
    require_may_change_person(person)
    now = datetime.now(UTC)
    row, _created = StoredUser.objects.get_or_create(
        client_id=client,
        person_id=person_id,
        defaults={
            "user_name": person.email,
            "user_name_key": person.email,
            "display_name": person.name,
            "created_at": now,
            "modified_at": now,
        },
    )
    for group_id in groups_via(person_id, via_of(client)):
        change_members_via(group_id=group_id, via=via_of(client), remove=[person_id], actor=actor)
    leave(person_id=person_id, reason=f"deleted by {via_of(client)}", actor=actor)
    row.gone_at, row.modified_at, row.shut = now, now, row.shut or person.active
    row.save(update_fields=["gone_at", "modified_at", "shut"])


def visible_person(person_id: PersonId, *, client: str) -> Person:
    """Return somebody whom a client may know of.

    Raises:
        NotFoundException: when there is nobody, the client deleted them, or the account is for emergencies.
    """
    try:
        person = get_person(person_id)
    except UnknownPerson:
        person = None
    gone = StoredUser.objects.filter(client=client, person=person_id, gone_at__isnull=False)
    if person is None or person.emergency or gone.exists():
        raise NotFoundException(detail=f"There is no user {str(person_id)[:60]!r}.")
    return person


def _carry_over(row: StoredUser, user: User, *, actor: Actor, now: datetime) -> None:
    """Bring the account to what the client says, and keep how it said it."""
    person_id = PersonId(row.person_id)
    before = get_person(person_id)
    named_before = stated_name(row) if row.pk else ""
    _stated(row, user, now)
    named = stated_name(row)
    change_address(person_id=person_id, email=_address(row, user, before), actor=actor)
    if named not in {named_before, before.name}:
        rename_person(person_id=person_id, name=named, actor=actor)
    change_profile(person_id=person_id, profile=_profile(user, before), actor=actor, reason="")
    _open_or_shut(row, user, before, actor)
    row.save()


def _open_or_shut(row: StoredUser, user: User, before: Person, actor: Actor) -> None:
    wanted = user.active is not False
    if wanted == before.active:
        return
    person_id = PersonId(row.person_id)
    if not wanted:
        disable_person(person_id=person_id, reason=f"switched off by {via_of(row.client_id)}", actor=actor)
        row.shut = True
    elif row.shut:
        enable_person(person_id=person_id, reason=f"switched on by {via_of(row.client_id)}", actor=actor)
        row.shut = False
    else:
        raise ForbiddenException(
            detail=f"{before.email} was switched off in Ostiary, and is switched on there only: ostiary user enable."
        )


def _stated(row: StoredUser, user: User, now: datetime) -> StoredUser:
    """Note in a row how the client describes somebody."""
    name = user.name
    texts = {
        "external_id": user.external_id,
        "user_name": user.user_name,
        "display_name": user.display_name,
        "formatted": name and name.formatted,
        "given_name": name and name.given_name,
        "family_name": name and name.family_name,
    }
    for column, value in texts.items():
        limit = MAX_TEXT_CHARACTERS if column in {"external_id", "user_name"} else 200
        setattr(row, column, parse_name(value or "", what=column, limit=limit))
    row.user_name_key = row.user_name.lower()
    row.emails = [one.model_dump() for one in (user.emails or [])[:20]]
    row.modified_at = now
    return row


def _address(row: StoredUser, user: User, before: Person) -> str:
    """Return what somebody signs in with; as it is where the client says nothing that could be one."""
    if row.user_name_key == before.email:
        return before.email
    return address_of(user, _is_address)


def _profile(user: User, before: Person) -> Profile:
    job: Any = user[EnterpriseUser] if EnterpriseUser.__schema__ in type(user).get_extension_models() else None
    manager = job.manager.value if job and job.manager else None
    address = ""
    if manager:
        try:
            address = get_person(PersonId(manager)).email
        except UnknownPerson:
            raise InvalidValueException(detail=f"There is no user {manager[:60]!r} to be a manager.") from None
    return Profile(
        title=user.title or "",
        department=(job and job.department) or "",
        employee_number=(job and job.employee_number) or "",
        manager=None if address == before.manager else address,
    )


def _require_free(user: User, *, client: str, but: StoredUser | None, person_id: str = "") -> None:
    """Refuse a userName or an address that somebody else has."""
    name = (user.user_name or "").strip()
    others = StoredUser.objects.filter(client=client, user_name_key=name.lower(), gone_at=None)
    if (others.exclude(pk=but.pk) if but is not None and but.pk is not None else others).exists():
        raise UniquenessException(detail=f"There is a user with the userName {name[:60]!r} already.")
    known = _known(address_of(user, _is_address))
    if known is not None and known.id not in {person_id, but.person_id if but else ""}:
        raise UniquenessException(detail=f"There is a user with the address {known.email} already.")


def _known(address: str) -> Person | None:
    person_id = ids_of([parse_email(address)]).get(parse_email(address))
    return get_person(person_id) if person_id else None


def _is_address(text: str) -> bool:
    try:
        parse_email(text)
    except UnacceptableText:
        return False
    return True
