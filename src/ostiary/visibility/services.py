"""Writes to the record on behalf of the control plane: one durable append to stream `control`."""

import time
import uuid
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.event import Event
from ostiary.visibility.domain.events import EntityChange, entity_change_event

_MIB = 1024 * 1024


def record(event: Event) -> None:
    """Put an event on record; call it as the last step inside the transaction that does what it says.

    Args:
        event: from one of the builders in `visibility.domain.events` or its neighbours.

    Raises:
        RecordUnavailable: when it could not be written to the disk; the transaction is then rolled back.
    """
    record_all([event])


def record_all(events: Iterable[Event]) -> None:
    """Put several events on record, all or none of them; otherwise as `record`.

    Raises:
        RecordUnavailable: when they could not be written to the disk; the transaction is then rolled back.
    """
    encoded = [event.encoded for event in events]
    if encoded:
        control_log().append(encoded, durable=True)


def record_entity_change(
    entity_type: str,
    entity_id: str,
    change: EntityChange,
    *,
    actor: Actor,
    name: str = "",
    version: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    comment: str = "",
    success: bool = True,
    at: float | None = None,
) -> None:
    """Put on record that an app, the rules, a setting or another thing was changed or read; when to call it, see `record`.

    Args:
        entity_type: of what: `app`, `rules`, `certificate`, `backup` or another short name.
        entity_id: which one.
        change: what was done.
        actor: who did it.
        name: what people call it; nothing for the same as `entity_id`.
        version: the new version, where there is one.
        before: what it was, without secrets.
        after: what it is now, without secrets.
        comment: why, in the actor's words.
        success: whether it was done.
        at: when it happened, seconds since the epoch, UTC; nothing for now.

    Raises:
        RecordUnavailable: when it could not be written to the disk; the transaction is then rolled back.
    """
    record(
        entity_change_event(
            at=time.time() if at is None else at,
            uid=new_uid(),
            actor=actor,
            change=change,
            entity_type=entity_type,
            entity_id=entity_id,
            entity_name=name,
            version=version,
            before=before,
            after=after,
            comment=comment,
            success=success,
        )
    )


def new_uid() -> str:
    """Return a new identifier for an event."""
    return uuid.uuid4().hex


@lru_cache(maxsize=4)
def _open_log(instance: Instance) -> AuditLog:
    return open_log(instance, "control")


def control_log() -> AuditLog:
    """Return this process's writing end of stream `control`."""
    return _open_log(settings.INSTANCE)


def open_log(instance: Instance, stream: str) -> AuditLog:
    """Return the writing end of a stream of an instance, with the limits its configuration sets.

    Raises:
        MissingSecret: when there is no key to sign with.
    """
    record_limits = instance.configuration.record
    limits = Limits(segment_bytes=record_limits.segment_mib * _MIB, min_free_bytes=record_limits.min_free_mib * _MIB)
    return AuditLog(instance.audit, stream, read_secret(instance.secrets, AUDIT_KEY).reveal(), limits)
