"""What happens to the log itself: gaps, repairs, removal of old segments. Builders are pure.

Source: OCSF 1.6.0, class 1008 (Event Log Activity).
"""

from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.event import Event

_PROVIDER = "ostiary"


def log_gap_event(*, at: float, uid: str, stream: str, since: float, refused: int, kept: int, reason: str) -> Event:
    """Nothing could be written for a while; whatever was asked meanwhile was refused.

    Args:
        at: when writing worked again, seconds since the epoch.
        uid: unique identifier.
        stream: the stream's name.
        since: when it stopped.
        refused: how many records could not be written, and so were not acknowledged.
        kept: how many of those stand before this event all the same, because the disk took them and no more.
        reason: why, as the system said.
    """
    return _log_event(
        8,
        at=at,
        uid=uid,
        stream=stream,
        severity=ocsf.SEVERITY_HIGH,
        detail=f"not writable for {at - since:.1f} s, {refused} records refused: {reason}",
        facts={"change": "gap", "since": since, "until": at, "refused": refused, "kept": kept, "reason": reason},
        start=since,
    )


def log_repair_event(*, at: float, uid: str, stream: str, file: str, removed_bytes: int, cause: str) -> Event:
    """The end of a segment was not a whole line, as after a crash; the partial, unacknowledged line was cut off.

    Args:
        at: when it was found, seconds since the epoch.
        uid: unique identifier.
        stream: the stream's name.
        file: the segment's file name.
        removed_bytes: how much was cut off; 0 when the segment was left as it was and a new one begun.
        cause: what was seen.
    """
    return _log_event(
        ocsf.OTHER,
        at=at,
        uid=uid,
        stream=stream,
        severity=ocsf.SEVERITY_MEDIUM,
        detail=f"{file}: {cause}, {removed_bytes} bytes cut off",
        facts={"change": "repair", "file": file, "removed_bytes": removed_bytes, "cause": cause},
        other="Repair",
    )


def log_retention_event(
    *, at: float, uid: str, stream: str, segments: int, last_seq: int, retention_days: int
) -> Event:
    """Old segments were removed, as the configuration says.

    Args:
        at: when, seconds since the epoch.
        uid: unique identifier.
        stream: the stream's name.
        segments: how many.
        last_seq: the number of the last record that was removed.
        retention_days: how long segments are kept.
    """
    return _log_event(
        2,
        at=at,
        uid=uid,
        stream=stream,
        severity=ocsf.SEVERITY_INFORMATIONAL,
        detail=f"{segments} segments older than {retention_days} days removed, up to record {last_seq}",
        facts={"change": "retention", "segments": segments, "last_seq": last_seq, "retention_days": retention_days},
    )


def _log_event(
    activity: int,
    *,
    at: float,
    uid: str,
    stream: str,
    severity: int,
    detail: str,
    facts: dict[str, str | int | float],
    start: float | None = None,
    other: str = "",
) -> Event:
    body = {
        **ocsf.classification(ocsf.EVENT_LOG_ACTIVITY, activity, other=other),
        "time": int(at * 1000),
        "severity_id": severity,
        "metadata": ocsf.metadata(uid=uid, log_name=stream),
        "log_name": stream,
        "log_provider": _PROVIDER,
        "status_detail": detail,
        "message": f"audit log {stream}: {detail}",
        "unmapped": facts,
    }
    if start is not None:
        body |= {"start_time": int(start * 1000), "end_time": int(at * 1000)}
    return Event(uid=uid, at=at, class_uid=ocsf.EVENT_LOG_ACTIVITY.uid, encoded=ocsf.encode(body))
