"""What is refused, and why. The message is for whoever can act; the reason goes on record."""

from ostiary.errors import OstiaryError


class RefusedMessage(OstiaryError):
    """A message from an application cannot be answered. Nothing in it is trusted, so nothing is sent back to its sender."""


class UnusableMetadata(OstiaryError):
    """What an application says of itself cannot be used."""


class Unwritable(OstiaryError):
    """A value holds characters that XML 1.0 cannot carry; it is not sent rather than sent altered."""
