"""Answers: each request answered once, and the response itself.

Whether they may sign in is decided before, by the rules; here it is only said.
"""

import base64
import secrets as randomness
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction

from ostiary.errors import OstiaryError
from ostiary.identity.facade import Person, SignInSession
from ostiary.saml.domain.bindings import to_query, with_signature
from ostiary.saml.domain.contexts import AskedContext
from ostiary.saml.domain.names import Status
from ostiary.saml.domain.people import Known, statements
from ostiary.saml.domain.responses import Envelope, Subject, write_failure, write_logout_response, write_success
from ostiary.saml.domain.service_provider import ServiceProvider
from ostiary.saml.domain.signatures import RSA_SHA256, sign_octets
from ostiary.saml.keys import signing_key
from ostiary.saml.models import AnsweredRequest
from ostiary.saml.queries import METADATA_PATH, own_address
from ostiary.saml.services.naming import name_of, session_index_of
from ostiary.saml.services.participations import note_participation

REMEMBER_SECONDS: Final = 2 * 3600
"""Longer than a request can be under way: its own age, and the time to sign in."""


class AnsweredBefore(OstiaryError):
    """A request was answered before; an answer is given once."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an application asked for, after its message was checked, until it is answered.

    Args:
        provider: who asked.
        id: its own name for the request; empty where nobody asked and the sign-in began here.
        consumer: where the answer goes.
        at: when it asked, seconds since the epoch.
        relay_state: what goes back unchanged.
        relay_key: by which it is found where it is kept here instead.
    """

    provider: str
    id: str = ""
    consumer: str
    at: float
    relay_state: str = ""
    relay_key: str = ""
    force: bool = False
    passive: bool = False
    name_format: str = ""
    name_qualifier: str = ""
    subject: str = ""
    context: AskedContext = AskedContext()


class AskedOut(msgspec.Struct, frozen=True, kw_only=True):
    """An application's request that somebody be signed out, after it was checked, until it is answered.

    Args:
        provider: who asked.
        consumer: where the answer goes; empty for nowhere.
        name: whom it means, as they are named to it.
        session_index: which sign-in it means; empty for every one.
    """

    provider: str
    id: str
    consumer: str
    relay_state: str = ""
    name: str
    session_index: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on its way.

    Args:
        url: where it goes.
        field: of the form that the browser posts there; empty where the address itself carries the answer.
        message: what stands in that field.
        relay_state: what goes back beside it.
        signs_in: whether it says that somebody signed in.
    """

    url: str
    field: str
    message: str
    relay_state: str = ""
    signs_in: bool = False


def refusal_of(asked: Asked, provider: ServiceProvider, name: str) -> tuple[Status, ...]:
    """Return why somebody cannot be named as an application wants it; empty when they can."""
    if asked.name_format and asked.name_format != provider.name_format:
        return (Status.REQUESTER, Status.INVALID_NAME_POLICY)
    if asked.name_qualifier:
        return (Status.REQUESTER, Status.INVALID_NAME_POLICY)
    if asked.subject and asked.subject != name:
        return (Status.RESPONDER, Status.UNKNOWN_PRINCIPAL)
    return ()


@transaction.atomic
def write_sign_in(
    asked: Asked, provider: ServiceProvider, *, person: Person, session: SignInSession, context: str, now: float
) -> Delivery:
    """Say to an application who signed in, once.

    Args:
        asked: what it asked.
        provider: the application.
        person: who signed in.
        session: where.
        context: how, as it is to be named.
        now: seconds since the epoch.

    Raises:
        AnsweredBefore: when this request was answered.
        Unwritable: when something about the person cannot be written in XML.
    """
    name = name_of(provider, person, session)
    failure = refusal_of(asked, provider, name)
    if failure:
        return write_refusal(asked, provider, failure, now=now)
    answer_once(asked, now)
    index = session_index_of(provider, session)
    note_participation(provider.app, session, name=name, index=index, now=now)
    subject = Subject(
        name=name,
        name_format=provider.name_format,
        session_index=index,
        signed_in_at=max((one.at for one in session.authentications), default=session.created_at),
        context=context,
        until=session.expires_at,
        statements=statements(
            provider, Known(id=person.id, email=person.email, name=person.name, groups=tuple(person.groups))
        ),
    )
    document = write_success(
        _envelope(asked, now),
        subject,
        audience=provider.entity_id,
        assertion_id=_new_id(),
        signing=signing_key(settings.INSTANCE.secrets),
        sign_response=provider.sign_response,
    )
    return msgspec.structs.replace(_delivery(asked, document), signs_in=True)


@transaction.atomic
def write_refusal(asked: Asked, provider: ServiceProvider, codes: tuple[Status, ...], *, now: float) -> Delivery:
    """Say to an application that nobody is signed in, and why, once.

    Raises:
        AnsweredBefore: when this request was answered.
    """
    answer_once(asked, now)
    signing = signing_key(settings.INSTANCE.secrets) if provider.sign_response else None
    return _delivery(asked, write_failure(_envelope(asked, now), codes, signing=signing))


def write_signed_out(asked: AskedOut, provider: ServiceProvider, codes: tuple[Status, ...], *, now: float) -> Delivery:
    """Say to an application how its request for sign-out ended; without a form where it takes that in an address."""
    signing = signing_key(settings.INSTANCE.secrets)
    envelope = _envelope(asked, now)
    if not provider.described.logout_by_redirect:
        document = write_logout_response(envelope, codes, signing=signing)
        return _delivery(asked, document)
    document = write_logout_response(envelope, codes, signing=None)
    query = to_query(document, field="SAMLResponse", relay_state=asked.relay_state, algorithm=RSA_SHA256)
    signed = with_signature(query, sign_octets(query.encode(), signing.key))
    joint = "&" if "?" in asked.consumer else "?"
    return Delivery(url=f"{asked.consumer}{joint}{signed}", field="", message="")


def answer_once(asked: Asked | AskedOut, now: float) -> None:
    """Note that a request is answered now; its ID is remembered for longer than it could be brought again.

    Raises:
        AnsweredBefore: when it was.
    """
    if not asked.id:
        return
    moment = datetime.fromtimestamp(now, UTC)
    AnsweredRequest.objects.filter(forget_at__lt=moment).delete()
    try:
        with transaction.atomic():
            AnsweredRequest.objects.create(
                provider_id=asked.provider,
                request_id=asked.id,
                forget_at=moment + timedelta(seconds=REMEMBER_SECONDS),
            )
    except IntegrityError:
        raise AnsweredBefore("This sign-in was used already.", hint="Open the app again.") from None


def _envelope(asked: Asked | AskedOut, now: float) -> Envelope:
    return Envelope(
        issuer=own_address(METADATA_PATH), id=_new_id(), destination=asked.consumer, in_response_to=asked.id, at=now
    )


def _delivery(asked: Asked | AskedOut, document: bytes) -> Delivery:
    message = base64.b64encode(document).decode()
    return Delivery(url=asked.consumer, field="SAMLResponse", message=message, relay_state=asked.relay_state)


def _new_id() -> str:
    return f"_{randomness.token_hex(20)}"
