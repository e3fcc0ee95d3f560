"""Puts on record what happens to clients and to what they were issued. Called last in a transaction: no record, no change."""

import time
from collections.abc import Iterable

import msgspec

from ostiary.oidc.domain.client import Client
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, new_uid, record, record_entity_change, session_handover_event

PROVIDER = Actor(kind="system", id="oidc", label="the OpenID Connect provider")


def record_client(
    actor: Actor, change: EntityChange, client: Client, *, before: Client | None = None, comment: str = ""
) -> None:
    """A client was added, changed or removed."""
    record_entity_change(
        "OpenID Connect client",
        client.id,
        change,
        actor=actor,
        name=client.name,
        before=None if before is None else msgspec.to_builtins(before),
        after=None if change == "delete" else msgspec.to_builtins(client),
        comment=comment,
    )


def record_keys(actor: Actor, kids: Iterable[str], comment: str) -> None:
    """The signing keys changed."""
    record_entity_change(
        "OpenID Connect keys", "oidc", "update", actor=actor, after={"kids": list(kids)}, comment=comment
    )


def record_end(*, grant: str, client: str, person: str, session: str, reason: str) -> None:
    """What was issued in one sign-in to an app is worth nothing any more, because somebody used a part of it twice."""
    facts = {"client": client, "person": person, "session": session, "reason": reason}
    record_entity_change("OpenID Connect sign-in", grant, "disable", actor=PROVIDER, after=facts, comment=reason)


def record_logout_given_up(*, client: str, person: str, session: str, problem: str) -> None:
    """An app could not be told that a sign-in ended."""
    facts = {"client": client, "person": person, "session": session, "problem": problem}
    record_entity_change(
        "OpenID Connect logout", client, "update", actor=PROVIDER, after=facts, comment=problem, success=False
    )


def record_sign_in(*, client: str, person: str, email: str, session: str, groups: Iterable[str], address: str) -> None:
    """Somebody's sign-in was handed over to an app."""
    record(
        session_handover_event(
            at=time.time(),
            uid=new_uid(),
            person_id=person,
            email=email,
            app=client,
            session=session,
            groups=tuple(groups),
            address=address or None,
        )
    )
