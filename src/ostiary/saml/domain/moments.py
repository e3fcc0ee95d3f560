"""Moments as SAML writes them: XML Schema dateTime, in UTC (core, 1.3.3)."""

import re
from datetime import UTC, datetime
from typing import Final

from ostiary.saml.domain.problems import RefusedMessage

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?(Z|[+-]00:00)?", re.ASCII)


def read_moment(text: str) -> float:
    """Return seconds since the epoch.

    Raises:
        RefusedMessage: for text that is no moment in UTC.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise RefusedMessage("A moment is written like 2026-01-31T08:30:00Z.", detail=text[:60])
    try:
        whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise RefusedMessage("A moment is written like 2026-01-31T08:30:00Z.", detail=text[:60]) from None
    return whole.timestamp() + float(match[2] or 0)


def write_moment(at: float) -> str:
    """Return a moment, given in seconds since the epoch, to the second."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
