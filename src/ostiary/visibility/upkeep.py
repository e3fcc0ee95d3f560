"""What keeps the record in order and is called on a schedule: syncing, signing, retention. The schedule is in `automation`."""

from typing import Final

import structlog

from ostiary.config.places import Instance
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.visibility.adapters.checkpoints import remove_old_segments, sign_stream, sync_stream
from ostiary.visibility.adapters.segments import STREAMS
from ostiary.visibility.domain.log_event import log_retention_event
from ostiary.visibility.services import new_uid, record

_LOG = structlog.get_logger(__name__)
UNSYNCED_STREAMS: Final = ("decisions", "requests")


def sync_record(instance: Instance) -> None:
    """Bring what the kernel holds of the record to the disk; stream `control` is there already.

    Raises:
        OSError: when the disk refuses.
    """
    for stream in UNSYNCED_STREAMS:
        sync_stream(instance.audit, stream)


def sign_record(instance: Instance, now: float) -> int:
    """Sign how far every stream has come; see `adapters.checkpoints.sign_stream`.

    Args:
        instance: whose record.
        now: seconds since the epoch.

    Returns:
        How many streams have something signed.

    Raises:
        RecordUnavailable: when a file cannot be read or written.
        MissingSecret: when there is no key to sign with.
    """
    key = read_secret(instance.secrets, AUDIT_KEY).reveal()
    return sum(sign_stream(instance.audit, stream, key, now=now) is not None for stream in STREAMS)


def apply_retention(instance: Instance, now: float) -> int:
    """Remove segments older than the configuration says, with a signed statement and an event.

    Args:
        instance: whose record.
        now: seconds since the epoch.

    Returns:
        How many segments were removed.

    Raises:
        RecordUnavailable: when a file cannot be read, written or removed.
        MissingSecret: when there is no key to sign with.
    """
    days = instance.configuration.record.retention_days
    key = read_secret(instance.secrets, AUDIT_KEY).reveal()
    count = 0
    for stream in STREAMS:
        removed = remove_old_segments(instance.audit, stream, key, retention_days=days, now=now)
        if removed is None:
            continue
        _LOG.info("record_retention", stream=stream, segments=removed.segments, last_seq=removed.last_seq)
        record(
            log_retention_event(
                at=now,
                uid=new_uid(),
                stream=stream,
                segments=removed.segments,
                last_seq=removed.last_seq,
                retention_days=days,
            )
        )
        count += removed.segments
    return count
