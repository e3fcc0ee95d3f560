"""Writes to the record on behalf of the control plane: one durable append to stream `control`."""

import uuid
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.domain.event import Event

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
