"""What can go wrong with signals, in words for the person or the program that can act."""

from ostiary.errors import OstiaryError


class UnknownReceiver(OstiaryError):
    """There is no such receiver."""


class ReceiverExists(OstiaryError):
    """A receiver with this name has a token that works."""


class UnknownStream(OstiaryError):
    """There is no such stream, or not of this receiver."""


class UnknownTransmitter(OstiaryError):
    """There is no such transmitter."""


class TransmitterExists(OstiaryError):
    """A transmitter with this name, or of this issuer, is trusted already."""


class UnusableTransmitter(OstiaryError):
    """A transmitter cannot be used as described."""


class UnusableReceiver(OstiaryError):
    """A receiver cannot be used as described."""


class NothingHeld(OstiaryError):
    """Nothing of this transmitter is held."""


class TooOften(OstiaryError):
    """It was asked for a moment ago."""


class BadRequest(OstiaryError):
    """A receiver's request cannot be read, or asks for what cannot be."""


class RefusedSignal(OstiaryError):
    """A security event token is not taken.

    Args:
        code: what the transmitter is told; from RFC 8935, section 2.4, and SSF 1.0, section 8.1.4.1.
        message: why, in words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
