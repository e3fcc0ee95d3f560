"""Break-glass: the way in when no administrator can sign in. Only commands on the machine begin it; always on record."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from ostiary.changes import announce_change
from ostiary.identity.afresh import begin_afresh
from ostiary.identity.domain import ADMINISTRATORS, Invitation
from ostiary.identity.errors import NotAllowed
from ostiary.identity.journal import record_account_change
from ostiary.identity.models import Group, OneTimeLink, Person
from ostiary.identity.services.guards import lock_person, parse_email
from ostiary.identity.services.links import BREAK_GLASS_LINK_SECONDS, make_link, use_link, withdraw_links
from ostiary.identity.services.memberships import put_into_group
from ostiary.identity.terms import is_in_force
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor


@transaction.atomic
def recover_administrator(*, email: str = "", actor: Actor) -> Invitation:
    """Return a link, good for fifteen minutes, that signs an administrator in to the console whatever the rules say.

    The account is created when there is none, enabled when it is disabled, and made an administrator's.

    Args:
        email: whose account; empty for the instance's emergency account.
        actor: a command on the machine.

    Raises:
        NotAllowed: when the actor is anything but a command on the machine, or the account has ended.
        UnacceptableText: when the address is none.
    """
    if actor.kind != "machine":
        raise NotAllowed("An administrator is recovered on the machine itself.", hint="ostiary admin recover")
    person = _account(parse_email(email or f"emergency@{settings.INSTANCE.configuration.domain}"), actor)
    group = Group.objects.select_for_update().get(pk=ADMINISTRATORS)
    put_into_group(group=group, person=person, actor=actor, reason="Recovered on the machine")
    withdraw_links(person.id, OneTimeLink.Purpose.BREAK_GLASS)
    link, expires_at = make_link(
        person=person, purpose=OneTimeLink.Purpose.BREAK_GLASS, seconds=BREAK_GLASS_LINK_SECONDS
    )
    announce_change("identity", takes_away=False)
    record_account_change(actor=actor, change="recover", person=person)
    return Invitation(person_id=PersonId(person.id), link=link, expires_at=expires_at.timestamp())


@transaction.atomic
def use_break_glass(*, token: str) -> Person:
    """Use an emergency link up and return whom it signs in.

    Raises:
        LinkRefused: when it does not work.
    """
    row = use_link(token, purpose=OneTimeLink.Purpose.BREAK_GLASS)
    return lock_person(row.person_id)


def _account(email: str, actor: Actor) -> Person:
    person = Person.objects.select_for_update().filter(email=email).first()
    now = datetime.now(UTC)
    if person is None:
        person = Person(email=email, name="Emergency administrator", emergency=True, created_at=now, accepted_at=now)
        person.set_unusable_password()
        person.save(force_insert=True)
        return person
    if not is_in_force(person.ends_at):
        raise NotAllowed(
            f"{email}'s account has ended, and a link would not work.",
            hint="Recover another one, or give it another end: ostiary user change EMAIL --until",
        )
    disabled = not person.is_active
    person.is_active = True
    person.accepted_at = person.accepted_at or now
    person.save(update_fields=["is_active", "accepted_at"])
    if disabled:
        begin_afresh(PersonId(person.id), actor=actor, reason="the account was enabled again")
    return person
