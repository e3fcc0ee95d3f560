"""Which sign-in an application means when it asks for sign-out, and how it is answered.

A request ends the sign-in of the browser that brings it, if it means that one, and no other. It is not passed on to other
applications by SAML, which the answer says.

Source: OASIS SAML 2.0 core, 3.7.3.2; profiles, 4.4.4.
"""

from enum import Enum, auto
from typing import Final

from ostiary.identity.facade import Person, SignInSession, living_sessions
from ostiary.saml.domain.names import Status
from ostiary.saml.domain.service_provider import ServiceProvider
from ostiary.saml.services.answers import AskedOut
from ostiary.saml.services.naming import name_of, session_index_of
from ostiary.saml.services.participations import others_told, told_by_index


class Meant(Enum):
    """Which sign-in a request for sign-out means, seen from the browser that brought it."""

    THIS = auto()
    OVER = auto()
    ANOTHER = auto()
    SOMEBODY_ELSE = auto()


_ANSWERS: Final = {
    Meant.THIS: (Status.SUCCESS,),
    Meant.OVER: (Status.SUCCESS,),
    Meant.ANOTHER: (Status.REQUESTER, Status.DENIED),
    Meant.SOMEBODY_ELSE: (Status.REQUESTER, Status.UNKNOWN_PRINCIPAL),
}


def sign_in_meant(
    asked: AskedOut, provider: ServiceProvider, signed_in: tuple[Person, SignInSession] | None, *, now: float
) -> Meant:
    """Return which sign-in a request means.

    Args:
        asked: the request, after it was checked.
        provider: whose.
        signed_in: the browser's person and sign-in; `None` where it has none.
        now: seconds since the epoch.
    """
    told = told_by_index(provider.app, asked.session_index) if asked.session_index else None
    if signed_in is not None:
        person, session = signed_in
        if not asked.session_index or asked.session_index == session_index_of(provider, session):
            names = {name_of(provider, person, session), told.name if told else ""}
            return Meant.THIS if asked.name in names else Meant.SOMEBODY_ELSE
    if not asked.session_index:
        return Meant.OVER
    if told is None:
        return Meant.ANOTHER
    if told.name != asked.name:
        return Meant.SOMEBODY_ELSE
    return Meant.ANOTHER if living_sessions({told.session}, now=now) else Meant.OVER


def answer_to(meant: Meant, provider: ServiceProvider, session: SignInSession | None) -> tuple[Status, ...]:
    """Return how a request is answered; `PartialLogout` where other applications go on that were told of the sign-in."""
    if meant is Meant.THIS and session is not None and others_told(provider.app, session.id):
        return (Status.SUCCESS, Status.PARTIAL_LOGOUT)
    return _ANSWERS[meant]
