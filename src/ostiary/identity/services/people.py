"""Accounts: created, invited, renamed, disabled, enabled. Taking every means to sign in away is in `resetting`."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from ostiary.changes import announce_change
from ostiary.identity.adapters.mail import send_now
from ostiary.identity.afresh import begin_afresh
from ostiary.identity.domain import Invitation
from ostiary.identity.errors import AlreadyExists, NotAllowed
from ostiary.identity.journal import record_account_change
from ostiary.identity.models import OneTimeLink, Person
from ostiary.identity.services.authenticators import tell_owner
from ostiary.identity.services.groups import groups_by_id
from ostiary.identity.services.guards import (
    lock_person,
    parse_email,
    parse_name,
    parse_reason,
    require_another_administrator,
    require_may_change_group,
    require_may_change_person,
    require_may_let_in_anew,
    require_not_oneself,
)
from ostiary.identity.services.links import make_link, withdraw_links
from ostiary.identity.services.memberships import put_into_group
from ostiary.identity.services.own_passwords import check_password_is_good, store_password
from ostiary.identity.services.resetting import link_after_reset
from ostiary.identity.services.session_ends import end_sessions
from ostiary.identity.terms import is_in_force
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Actor

DAY_SECONDS = 24 * 3600


def invite_person(*, email: str, name: str = "", groups: Iterable[GroupId] = (), actor: Actor) -> Invitation:
    """Create an account without any means to sign in, and a link with which its owner sets them up.

    Inviting somebody again who has not taken up the invitation withdraws the earlier link. After a reset nothing is
    mailed: the link is for handing over.

    Args:
        email: where the invitation is sent; also what they sign in with.
        name: what others read.
        groups: where they belong from the start.
        actor: who invites.

    Returns:
        The link, also for handing over another way; `mailed` says whether the mail server took it.

    Raises:
        UnacceptableText: for an address or a name that cannot be stored.
        AlreadyExists: when somebody with this address has signed in before.
        UnknownGroup: when one of the groups does not exist.
        NotAllowed: when a group opens the console and the actor is not an administrator, or the one who is invited again
            has a role there.
    """
    with transaction.atomic():
        person, created = _new_or_waiting(parse_email(email), parse_name(name), actor)
        _put_into_groups(person, tuple(groups), actor)
        if created:
            announce_change("identity", takes_away=False)
        record_account_change(actor=actor, change="invite", person=person)
        if person.reset_at is not None:
            return link_after_reset(person)
        link, mailed_link, expires_at = _invitation_links(person)
    return _sent(person, link=link, mailed_link=mailed_link, expires_at=expires_at)


@transaction.atomic
def register_person(*, email: str, name: str = "", actor: Actor) -> PersonId:
    """Create an account without any means to sign in, and without an invitation: for people whom a directory brings.

    Raises:
        UnacceptableText: for an address or a name that cannot be stored.
        AlreadyExists: when somebody has this address.
    """
    address = parse_email(email)
    if Person.objects.filter(email=address).exists():
        raise AlreadyExists(f"Somebody has the address {address} already.")
    person = Person(email=address, name=parse_name(name), created_at=datetime.now(UTC))
    person.set_unusable_password()
    person.save(force_insert=True)
    announce_change("identity", takes_away=False)
    record_account_change(actor=actor, change="create", person=person)
    return PersonId(person.id)


@transaction.atomic
def change_address(*, person_id: PersonId, email: str, actor: Actor) -> None:
    """Change what somebody signs in with; nothing happens when that is their address already.

    The new address counts as not confirmed, and links that were sent to the old one end.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        UnacceptableText: when it is no address.
        AlreadyExists: when somebody else has it.
        NotAllowed: for an administrator when the actor is none.
    """
    person = lock_person(person_id)
    require_may_change_person(actor, person)
    before, address = person.email, parse_email(email)
    if address == before:
        return
    if Person.objects.filter(email=address).exists():
        raise AlreadyExists(f"Somebody has the address {address} already.")
    tell_owner(person, _("Your sign-in address is %(address)s from now on.") % {"address": address})
    person.email, person.email_confirmed_at = address, None
    person.save(update_fields=["email", "email_confirmed_at"])
    withdraw_links(person.id)
    announce_change("identity", takes_away=True)
    announce_change("sessions", takes_away=True)
    record_account_change(actor=actor, change="rename", person=person, details={"address": address, "before": before})


@transaction.atomic
def create_person(*, email: str, name: str, password: str, groups: Iterable[GroupId] = (), actor: Actor) -> PersonId:
    """Create an account with a password, for imports and demonstrations; the address counts as confirmed.

    Raises:
        UnacceptableText: for an address, a name or a password that is refused.
        AlreadyExists: when somebody has this address.
        UnknownGroup: when one of the groups does not exist.
    """
    address = parse_email(email)
    if Person.objects.filter(email=address).exists():
        raise AlreadyExists(f"Somebody has the address {address} already.")
    now = datetime.now(UTC)
    person = Person(email=address, name=parse_name(name), created_at=now, accepted_at=now, email_confirmed_at=now)
    check_password_is_good(password, person)
    store_password(person, password)
    _put_into_groups(person, tuple(groups), actor)
    announce_change("identity", takes_away=False)
    record_account_change(actor=actor, change="create", person=person)
    return PersonId(person.id)


@transaction.atomic
def disable_person(*, person_id: PersonId, reason: str, actor: Actor) -> None:
    """Shut every door to somebody at once: sessions, links, and signing in by any means.

    Nothing happens when they are disabled already.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: for oneself, the last administrator, or an administrator when the actor is none.
    """
    person = lock_person(person_id)
    require_not_oneself(actor, person)
    require_may_change_person(actor, person)
    require_another_administrator(person)
    if person.is_active:
        shut_doors(person, actor=actor, reason=reason)


def shut_doors(person: Person, *, actor: Actor, reason: str) -> None:
    """Disable somebody inside a transaction that is open; rules have been checked."""
    person.is_active = False
    person.save(update_fields=["is_active"])
    withdraw_links(person.id)
    end_sessions(person)
    announce_change("identity", takes_away=True)
    record_account_change(actor=actor, change="disable", person=person, reason=parse_reason(reason))


@transaction.atomic
def enable_person(*, person_id: PersonId, actor: Actor, reason: str = "") -> None:
    """Let somebody sign in again with what they had set up, but for their access tokens; nothing happens when they are not disabled.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: for an administrator when the actor is none, or when the account's term is over.
    """
    person = lock_person(person_id)
    if person.is_active:
        return
    if not is_in_force(person.ends_at):
        raise NotAllowed(
            f"{person.email}'s account has ended.", hint="Give it another end first: ostiary user change EMAIL --until"
        )
    if actor.kind == "person" and person.memberships.exists():
        for group_id in person.memberships.values_list("group_id", flat=True):
            require_may_change_group(actor, group_id)
    person.is_active = True
    person.save(update_fields=["is_active"])
    begin_afresh(PersonId(person.id), actor=actor, reason="the account was enabled again")
    announce_change("identity", takes_away=False)
    record_account_change(actor=actor, change="enable", person=person, reason=parse_reason(reason))


@transaction.atomic
def rename_person(*, person_id: PersonId, name: str, actor: Actor) -> None:
    """Change what others read as somebody's name.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        UnacceptableText: when the name cannot be stored.
        NotAllowed: for an administrator when the actor is none.
    """
    person = lock_person(person_id)
    require_may_change_person(actor, person)
    before, person.name = person.name, parse_name(name)
    if person.name == before:
        return
    person.save(update_fields=["name"])
    announce_change("identity", takes_away=False)
    record_account_change(actor=actor, change="rename", person=person, details={"before": before})


def _new_or_waiting(email: str, name: str, actor: Actor) -> tuple[Person, bool]:
    person = Person.objects.select_for_update().filter(email=email).first()
    if person is None:
        person = Person(email=email, name=name, created_at=datetime.now(UTC))
        person.set_unusable_password()
        person.save(force_insert=True)
        return person, True
    if person.accepted_at is not None:
        raise AlreadyExists(f"Somebody has the address {email} already.", hint="Find them with: ostiary user list")
    if not person.is_active:
        raise NotAllowed(f"{email} is disabled.", hint="Enable the account before inviting its owner again.")
    require_may_let_in_anew(actor, person)
    if name and name != person.name:
        person.name = name
        person.save(update_fields=["name"])
    return person, False


def _put_into_groups(person: Person, group_ids: tuple[GroupId, ...], actor: Actor) -> None:
    for group in groups_by_id(group_ids):
        require_may_change_group(actor, group.id)
        put_into_group(group=group, person=person, actor=actor, reason="")


def _invitation_links(person: Person) -> tuple[str, str, datetime]:
    """Return a link to hand over, one that goes by mail and thereby confirms the address, and their end."""
    purpose = OneTimeLink.Purpose.INVITATION
    withdraw_links(person.id, purpose)
    seconds = settings.INSTANCE.configuration.sign_in.invitation_days * DAY_SECONDS
    link, expires_at = make_link(person=person, purpose=purpose, seconds=seconds)
    mailed_link, _expires_at = make_link(person=person, purpose=purpose, seconds=seconds, by_mail=True)
    return link, mailed_link, expires_at


def _sent(person: Person, *, link: str, mailed_link: str, expires_at: datetime) -> Invitation:
    until = expires_at.strftime("%d %B %Y %H:%M UTC")
    mailed = send_now(
        to=person.email, template="invitation", context={"name": person.name, "link": mailed_link, "until": until}
    )
    return Invitation(person_id=PersonId(person.id), link=link, expires_at=expires_at.timestamp(), mailed=mailed)
