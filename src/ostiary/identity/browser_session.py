"""Ties a browser on the sign-in host to a sign-in session: every door ends here and nowhere else."""

import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from allauth.account.internal.flows.login import get_authentication_records
from django.contrib.auth import login
from django.http import HttpRequest

from ostiary.identity.client import client_of
from ostiary.identity.domain import SignInSession, proof
from ostiary.identity.domain.federation import DIRECTORY, Origin
from ostiary.identity.errors import UnknownSession
from ostiary.identity.models import Person
from ostiary.identity.services.session_ends import revoke_session
from ostiary.identity.services.sessions import begin_session
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.policy.request import Authentication
from ostiary.visibility.facade import Actor

SESSION_KEY: Final = "ostiary_session"
BACKEND: Final = "allauth.account.auth_backends.AuthenticationBackend"
FRESH_SECONDS: Final = 20 * 60
_METHOD_OF_RECORD: Final = {
    "totp": "totp",
    "webauthn": "webauthn",
    "recovery_codes": "recovery_code",
}


def sign_browser_in(
    request: HttpRequest, person: Person, *, proofs: Iterable[Authentication] = (), origin: Origin | None = None
) -> SignInSession:
    """Begin a sign-in session for what was proved in this browser and give the browser a new cookie for it.

    Whatever sign-in the browser had before ends, so that nothing of it lives on unseen.

    Args:
        request: from the browser.
        person: who it is.
        proofs: what was proved; left out, what allauth noted in this browser.
        origin: the sign-in in another directory by which they came.

    Raises:
        NotAllowed: when the person is disabled, or was signed out at the other directory meanwhile.
    """
    records = _records(request, person)
    proved = tuple(proofs) or _proofs(records)
    origin = origin or _origin(records)
    client = client_of(request)
    earlier = request.session.get(SESSION_KEY)
    session = begin_session(
        person_id=PersonId(person.pk), authentications=proved, client=client, now=time.time(), origin=origin
    )
    login(request, person, backend=BACKEND)
    request.session.set_expiry(None)
    request.session[SESSION_KEY] = session.id
    request.sign_in_session = session  # type: ignore[attr-defined]
    if earlier:
        _end_earlier(SessionId(earlier))
    return session


def person_actor(request: HttpRequest, person: Person) -> Actor:
    """Return who acts in this request: the person themselves."""
    return Actor(kind="person", id=person.pk, label=person.email, address=client_of(request).address or None)


def _records(request: HttpRequest, person: Person) -> list[dict[str, Any]]:
    """Return what allauth noted in this browser for this person, lately."""
    since = time.time() - FRESH_SECONDS
    return [one for one in get_authentication_records(request, person) if one["at"] >= since]


def _origin(records: Iterable[dict[str, Any]]) -> Origin | None:
    """Return the sign-in in another directory that was noted last."""
    noted = [one["origin"] for one in records if one["method"] == DIRECTORY]
    return msgspec.convert(noted[-1], Origin) if noted else None


def _proofs(records: Iterable[dict[str, Any]]) -> tuple[Authentication, ...]:
    """Return allauth's notes in the form rules know."""
    return tuple(
        proof(_METHOD_OF_RECORD[one["type"]] if one["method"] == "mfa" else one["method"], at=one["at"])
        for one in records
    )


def _end_earlier(session_id: SessionId) -> None:
    try:
        revoke_session(
            session_id=session_id, reason="replaced", actor=Actor(kind="system", id="sign-in", label="sign-in")
        )
    except UnknownSession:
        return
