"""What can go wrong in the identity pillar, in words for the person who can act."""

from ostiary.errors import OstiaryError


class UnknownPerson(OstiaryError):
    """No such person."""


class UnknownGroup(OstiaryError):
    """No such group."""


class UnknownRole(OstiaryError):
    """No such role."""


class UnknownProvider(OstiaryError):
    """No such directory to sign in with."""


class UnknownSession(OstiaryError):
    """No such sign-in session, or it has ended."""


class UnknownRecovery(OstiaryError):
    """Nobody asked for such a recovery."""


class UnknownAuthenticator(OstiaryError):
    """This person has no such authenticator."""


class AlreadyExists(OstiaryError):
    """What was to be created exists."""


class NotAllowed(OstiaryError):
    """The change would break a rule that protects the instance or a person."""


class LinkRefused(OstiaryError):
    """A one-time link is not known, was used, has expired, or belongs to somebody who is disabled.

    One error for all of these: whoever tries links learns nothing.
    """


class UnacceptableText(OstiaryError):
    """A name or address that cannot be stored as typed."""
