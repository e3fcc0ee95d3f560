"""Who is signed in, for views that the gate has let through."""

from django.http import HttpRequest

from ostiary.identity.entrance import PersonRow
from ostiary.identity.facade import SignInSession, UnknownSession
from ostiary.web.signin.gate import sign_in_session


def signed_in(request: HttpRequest) -> tuple[PersonRow, SignInSession]:
    """Return the person and their sign-in.

    Raises:
        UnknownSession: when nobody is signed in; the gate keeps such requests away.
    """
    session = sign_in_session(request)
    if session is None or not isinstance(request.user, PersonRow):
        raise UnknownSession("Nobody is signed in.")
    return request.user, session
