"""What the record raises when it cannot be written. Who handles it refuses, or rolls back."""

from ostiary.errors import OstiaryError


class RecordUnavailable(OstiaryError):
    """Nothing can be recorded now; whatever was to be recorded must not happen."""


class StreamInUse(RecordUnavailable):
    """Another process writes this stream."""
