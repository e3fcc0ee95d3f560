"""What has an end in the database: rows that say nothing any more once their time is over."""

import time
from datetime import UTC, datetime

from django.db.models import Q


def in_force(prefix: str = "", *, now: float | None = None) -> Q:
    """Return the condition that a row's term is not over; rows without an end have none.

    Args:
        prefix: the way from the rows that are filtered to those with the term: `person__`, for instance.
        now: seconds since the epoch; this moment when left out.
    """
    moment = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    return Q(**{f"{prefix}ends_at__isnull": True}) | Q(**{f"{prefix}ends_at__gt": moment})


def seconds_of(moment: datetime | None) -> float | None:
    """Return a stored moment as seconds since the epoch."""
    return None if moment is None else moment.timestamp()


def moment_of(seconds: float | None) -> datetime | None:
    """Return seconds since the epoch as a moment to store."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def is_in_force(ends_at: datetime | None) -> bool:
    """Return whether a stored term is not over at this moment."""
    return ends_at is None or ends_at.timestamp() > time.time()
