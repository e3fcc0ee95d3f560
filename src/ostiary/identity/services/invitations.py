"""What people do with one-time links: take up an invitation, set a new password, confirm an address."""

from datetime import UTC, datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _

from ostiary.identity.adapters.mail import send_later
from ostiary.identity.afresh import begin_afresh
from ostiary.identity.domain.limits import mail_limits
from ostiary.identity.domain.proofs import strongest
from ostiary.identity.errors import LinkRefused, NotAllowed
from ostiary.identity.journal import record_account_change
from ostiary.identity.limits import attempt
from ostiary.identity.models import OneTimeLink, Person
from ostiary.identity.services.authenticators import add_passkey, kinds_of, tell_owner
from ostiary.identity.services.guards import lock_person
from ostiary.identity.services.links import (
    CONFIRM_LINK_SECONDS,
    PASSWORD_LINK_SECONDS,
    make_link,
    use_link,
    withdraw_links,
)
from ostiary.identity.services.own_passwords import check_password_is_good, store_password
from ostiary.identity.services.session_ends import end_sessions
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.policy.request import AuthStrength
from ostiary.visibility.facade import Actor


@transaction.atomic
def accept_with_password(*, token: str, password: str, address: str) -> Person:
    """Take up an invitation by choosing a password.

    Raises:
        LinkRefused: when the link does not work.
        UnacceptableText: when the password is refused; the link keeps working.
    """
    person, actor = _accept(token, address)
    check_password_is_good(password, person)
    store_password(person, password)
    record_account_change(actor=actor, change="enable", person=person, details={"by": "invitation, password"})
    return person


@transaction.atomic
def accept_with_passkey(*, token: str, credential: dict[str, Any], name: str, address: str) -> Authenticator:
    """Take up an invitation with a passkey whose registration was checked.

    Raises:
        LinkRefused: when the link does not work.
    """
    person, actor = _accept(token, address)
    person.save()
    row = add_passkey(person_id=PersonId(person.id), credential=credential, name=name, actor=actor)
    record_account_change(actor=actor, change="enable", person=person, details={"by": "invitation, passkey"})
    return row


def send_password_link(*, email: str, address: str) -> None:
    """Mail a link for a new password to whoever has this address, if it is known to reach them.

    Says nothing about whether anybody has it, and takes as long. Who has no second factor here is told to ask somebody
    instead: their mailbox alone would be enough otherwise.

    Raises:
        TooManyAttempts: when too many were asked for.
    """
    with attempt(mail_limits(purpose="password", email=email, address=address)):
        person = Person.objects.filter(
            in_force(),
            email=email.strip().lower(),
            is_active=True,
            accepted_at__isnull=False,
            email_confirmed_at__isnull=False,
        ).first()
        if person is None:
            return
        if not _has_second_factor(person):
            send_later(to=person.email, template="password_by_somebody", context={"name": person.name})
            return
        with transaction.atomic():
            withdraw_links(person.id, OneTimeLink.Purpose.PASSWORD)
            link, _expires_at = make_link(
                person=person, purpose=OneTimeLink.Purpose.PASSWORD, seconds=PASSWORD_LINK_SECONDS, by_mail=True
            )
        send_later(to=person.email, template="password", context={"name": person.name, "link": link})


@transaction.atomic
def set_password_by_link(*, token: str, password: str, address: str) -> Person:
    """Set a new password with a mailed link and end every sign-in; the second step stays as it was.

    Raises:
        LinkRefused: when the link does not work.
        UnacceptableText: when the password is refused; the link keeps working.
    """
    row = use_link(token, purpose=OneTimeLink.Purpose.PASSWORD)
    person = lock_person(row.person_id)
    if not _has_second_factor(person):
        raise LinkRefused("This link does not work any more.", hint="Ask an administrator to reset your sign-in.")
    check_password_is_good(password, person)
    store_password(person, password, by_mail=True)
    end_sessions(person)
    actor = Actor(kind="person", id=person.id, label=person.email, address=address or None)
    record_account_change(actor=actor, change="password_reset", person=person)
    tell_owner(person, _("Your password was changed with a link from a mail."))
    return person


@transaction.atomic
def change_password(
    *, person_id: PersonId, password: str, keep_session: SessionId, actor: Actor, afresh: bool = False
) -> int:
    """Set or replace one's own password, end every other sign-in and return how many there were.

    Args:
        person_id: whose password.
        password: the new one.
        keep_session: the sign-in in which it is changed.
        actor: the person themselves.
        afresh: whether all else ends as well that opens something in their name, such as access tokens.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: when the actor is somebody else.
        UnacceptableText: when the password is refused.
    """
    if actor.id != person_id:
        raise NotAllowed("Only its owner changes a password.")
    person = lock_person(person_id)
    check_password_is_good(password, person)
    store_password(person, password)
    ended = end_sessions(person, keep=keep_session)
    if afresh:
        begin_afresh(person_id, actor=actor, reason="the password was changed")
    record_account_change(actor=actor, change="password_change", person=person)
    tell_owner(person, _("Your password was changed."))
    return ended


def send_confirmation(*, person_id: PersonId, address: str) -> None:
    """Mail a link that confirms somebody's address; nothing happens when it is confirmed already.

    Raises:
        TooManyAttempts: when too many were asked for.
    """
    person = Person.objects.get(pk=person_id)
    if person.email_confirmed_at is not None:
        return
    with attempt(mail_limits(purpose="confirm_email", email=person.email, address=address)):
        link, _expires_at = make_link(
            person=person, purpose=OneTimeLink.Purpose.CONFIRM_EMAIL, seconds=CONFIRM_LINK_SECONDS, by_mail=True
        )
        send_later(to=person.email, template="confirm_email", context={"name": person.name, "link": link})


@transaction.atomic
def confirm_email(*, token: str, address: str) -> Person:
    """Note that an address reaches its owner.

    Raises:
        LinkRefused: when the link does not work.
    """
    row = use_link(token, purpose=OneTimeLink.Purpose.CONFIRM_EMAIL)
    person = lock_person(row.person_id)
    person.email_confirmed_at = datetime.now(UTC)
    person.save(update_fields=["email_confirmed_at"])
    actor = Actor(kind="person", id=person.id, label=person.email, address=address or None)
    record_account_change(actor=actor, change="enable", person=person, details={"confirmed": "email"})
    return person


def _has_second_factor(person: Person) -> bool:
    return strongest(kinds_of(person)) > AuthStrength.SINGLE


def _accept(token: str, address: str) -> tuple[Person, Actor]:
    row = use_link(token, purpose=OneTimeLink.Purpose.INVITATION)
    person = lock_person(row.person_id)
    if person.accepted_at is not None or not person.may_sign_in:
        raise LinkRefused("This invitation was taken up already.", hint="Sign in, or ask for a new password.")
    now = datetime.now(UTC)
    person.accepted_at, person.reset_at = now, None
    if row.by_mail:
        person.email_confirmed_at = now
    return person, Actor(kind="person", id=person.id, label=person.email, address=address or None)
