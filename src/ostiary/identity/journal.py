"""Puts what happens to people, groups and sign-ins on record. Called last in a transaction: no record, no change."""

import time
from collections.abc import Iterable
from typing import Final, Literal

from ostiary.changes import Happened, Happening, announce_happening
from ostiary.identity.client import Client
from ostiary.identity.models import Person
from ostiary.visibility.domain.events import AccountChange, Details, GroupChange
from ostiary.visibility.facade import (
    Actor,
    Event,
    account_change_event,
    group_change_event,
    new_uid,
    record,
    record_all,
    session_handover_event,
    sign_in_event,
    sign_out_event,
)

_HAPPENINGS: Final[dict[AccountChange, Happened]] = {
    "disable": "disabled",
    "enable": "enabled",
    "mfa_enable": "authenticator_added",
    "mfa_disable": "authenticator_removed",
    "password_change": "password_changed",
    "password_reset": "password_changed",
}
"""What others are told of. An `enable` with details is an invitation taken up, or an address confirmed."""


def initiator(actor: Actor, person: Person) -> Literal["admin", "user", "system"]:
    """Return who began what happened to a person, in the words of CAEP 1.0, section 2."""
    if actor.kind == "person":
        return "user" if actor.id == person.id else "admin"
    return "admin" if actor.id.startswith("os:") else "system"


def record_sign_in(
    *, person: Person, session: str, methods: Iterable[str], client: Client, reason: str = "", service: str = "id"
) -> None:
    """Somebody signed in or proved more; `reason` says which when it was not a whole sign-in."""
    record(
        sign_in_event(
            at=time.time(),
            uid=new_uid(),
            email=person.email,
            success=True,
            service=service,
            person_id=person.id,
            name=person.name,
            methods=tuple(methods),
            session=session,
            address=client.address or None,
            user_agent=client.user_agent,
            reason=reason,
        )
    )


def record_refused_sign_in(
    *, email: str, client: Client, reason: str, person: Person | None = None, methods: Iterable[str] = ()
) -> None:
    """Somebody tried and was refused; `reason` is a stable code."""
    record(
        sign_in_event(
            at=time.time(),
            uid=new_uid(),
            email=email[:254],
            success=False,
            person_id=person.id if person else None,
            methods=tuple(methods),
            address=client.address or None,
            user_agent=client.user_agent,
            reason=reason,
        )
    )


def record_sign_out(*, actor: Actor, person: Person, session: str | None, reason: str) -> None:
    """One session ended, or, without `session`, every session of this person."""
    announce_happening(
        Happening(
            kind="sessions_ended",
            person_id=person.id,
            initiated_by=initiator(actor, person),
            session=session or "",
            reason=reason,
        )
    )
    record(
        sign_out_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            person_id=person.id,
            email=person.email,
            session=session,
            reason=reason,
        )
    )


def record_handover(*, person: Person, app: str, session: str, groups: Iterable[str], client: Client) -> None:
    """A sign-in was handed over to an app's host."""
    record(
        session_handover_event(
            at=time.time(),
            uid=new_uid(),
            person_id=person.id,
            email=person.email,
            app=app,
            session=session,
            groups=tuple(groups),
            address=client.address or None,
        )
    )


def record_account_change(
    *,
    actor: Actor,
    change: AccountChange,
    person: Person,
    reason: str = "",
    details: dict[str, str | int | float | bool | None] | None = None,
) -> None:
    """An account changed."""
    kind = _HAPPENINGS.get(change)
    if kind is not None and (kind != "enabled" or details is None):
        what = "reset" if change == "password_reset" else str((details or {}).get("authenticator", ""))
        announce_happening(
            Happening(kind=kind, person_id=person.id, initiated_by=initiator(actor, person), what=what, reason=reason)
        )
    record(
        account_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change=change,
            person_id=person.id,
            email=person.email,
            name=person.name,
            reason=reason,
            details=details,
        )
    )


def record_group_change(
    *,
    actor: Actor,
    change: GroupChange,
    group_id: str,
    group_name: str,
    person: Person | None = None,
    reason: str = "",
    details: dict[str, str | int | float | bool | None] | None = None,
) -> None:
    """A group, or who belongs to it, changed."""
    record(
        _group_change(
            actor=actor,
            change=change,
            group_id=group_id,
            group_name=group_name,
            person=person,
            reason=reason,
            details=details,
        )
    )


def record_members_changed(
    *, actor: Actor, group_id: str, group_name: str, via: str, added: Iterable[Person], removed: Iterable[Person]
) -> None:
    """People were put into a group and taken out of it, all for one reason."""
    changes: list[tuple[GroupChange, Person]] = [("remove_member", person) for person in removed]
    changes += [("add_member", person) for person in added]
    record_all(
        _group_change(
            actor=actor,
            change=change,
            group_id=group_id,
            group_name=group_name,
            person=person,
            reason="",
            details={"via": via},
        )
        for change, person in changes
    )


def _group_change(
    *,
    actor: Actor,
    change: GroupChange,
    group_id: str,
    group_name: str,
    person: Person | None,
    reason: str,
    details: Details | None,
) -> Event:
    return group_change_event(
        at=time.time(),
        uid=new_uid(),
        actor=actor,
        change=change,
        group_id=group_id,
        group_name=group_name,
        person_id=person.id if person else None,
        email=person.email if person else "",
        reason=reason,
        details=details,
    )
