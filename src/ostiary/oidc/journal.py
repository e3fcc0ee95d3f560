"""Puts on record what happens to clients and to what they were issued. Called last in a transaction: no record, no change."""

import time
from collections.abc import Iterable
from typing import Any

import msgspec

from ostiary.oidc.domain.client import Client
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, entity_change_event, new_uid, record, session_handover_event

PROVIDER = Actor(kind="system", id="oidc", label="the OpenID Connect provider")


def record_client(
    actor: Actor, change: EntityChange, client: Client, *, before: Client | None = None, comment: str = ""
) -> None:
    """A client was added, changed or removed."""
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type="OpenID Connect client",
            entity_id=client.id,
            entity_name=client.name,
            before=None if before is None else msgspec.to_builtins(before),
            after=None if change == "delete" else msgspec.to_builtins(client),
            comment=comment,
        )
    )


def record_keys(actor: Actor, kids: Iterable[str], comment: str) -> None:
    """The signing keys changed."""
    _record("OpenID Connect keys", "oidc", {"kids": list(kids)}, comment, actor=actor)


def record_end(*, grant: str, client: str, person: str, session: str, reason: str) -> None:
    """What was issued in one sign-in to an app is worth nothing any more, because somebody used a part of it twice."""
    facts = {"client": client, "person": person, "session": session, "reason": reason}
    _record("OpenID Connect sign-in", grant, facts, reason, change="disable")


def record_logout_given_up(*, client: str, person: str, session: str, problem: str) -> None:
    """An app could not be told that a sign-in ended."""
    facts = {"client": client, "person": person, "session": session, "problem": problem}
    _record("OpenID Connect logout", client, facts, problem, success=False)


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


def _record(
    kind: str,
    identifier: str,
    after: dict[str, Any],
    comment: str,
    *,
    actor: Actor = PROVIDER,
    change: EntityChange = "update",
    success: bool = True,
) -> None:
    record(
        entity_change_event(
            at=time.time(),
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type=kind,
            entity_id=identifier,
            after=after,
            comment=comment,
            success=success,
        )
    )
