"""What a client is: a program that may ask for decisions. What its token looks like is in `programs`."""

import msgspec

from ostiary.errors import OstiaryError
from ostiary.programs.tokens import Program


class UnknownClient(OstiaryError):
    """There is no such client."""


class ClientExists(OstiaryError):
    """A client with this name has a token that works."""


class Client(Program, frozen=True, kw_only=True):
    """One program that may ask.

    Args:
        may_search: whether it may also ask who may do what.
    """

    may_search: bool


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that was just added, with its token: the only moment at which anybody but the program knows it."""

    client: Client
    token: str
