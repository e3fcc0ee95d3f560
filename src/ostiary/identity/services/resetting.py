"""Taking every means to sign in away from somebody, and the one link by which they come back."""

from datetime import UTC, datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _

from ostiary.identity.afresh import begin_afresh
from ostiary.identity.domain import Invitation
from ostiary.identity.domain.proofs import strongest
from ostiary.identity.errors import NotAllowed
from ostiary.identity.journal import record_account_change
from ostiary.identity.models import OneTimeLink, Person
from ostiary.identity.services.authenticators import kinds_of, tell_owner
from ostiary.identity.services.guards import (
    lock_person,
    parse_reason,
    require_another_administrator,
    require_may_change_person,
    require_may_let_in_anew,
)
from ostiary.identity.services.links import RESET_LINK_SECONDS, make_link, withdraw_links
from ostiary.identity.services.session_ends import end_sessions
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor


def reset_sign_in(*, person_id: PersonId, reason: str, actor: Actor) -> Invitation:
    """Remove every means somebody has to sign in, end their sessions and access tokens, and return a link to set up new ones.

    For somebody who lost their second factor and their password as well. The link is shown to whoever resets and is
    never mailed: a mailbox alone takes over no account. It works for a day. What comes in place of their second factor
    must be worth as much, and their address is told.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: for oneself, somebody who is disabled, somebody with a role in the console when the actor is no
            administrator, and the last who could administer: then only an emergency sign-in or a command on the machine may.
    """
    with transaction.atomic():
        person = lock_person(person_id)
        require_may_change_person(actor, person)
        require_may_let_in_anew(actor, person)
        if actor.id == person.id or not person.is_active:
            raise NotAllowed("This account's sign-in cannot be reset.", hint="Enable it first, or ask somebody else.")
        _require_not_the_last(person, actor)
        floor = max(strongest(kinds_of(person)), person.second_factor_floor)
        person.second_factor_floor = int(floor)
        Authenticator.objects.filter(user=person).delete()
        person.directory_links.all().delete()
        person.set_unusable_password()
        person.accepted_at, person.reset_at = None, datetime.now(UTC)
        person.save(update_fields=["password", "accepted_at", "reset_at", "second_factor_floor"])
        withdraw_links(person.id)
        end_sessions(person)
        begin_afresh(PersonId(person.id), actor=actor, reason="the sign-in was reset")
        invitation = link_after_reset(person)
        record_account_change(actor=actor, change="password_reset", person=person, reason=parse_reason(reason))
        tell_owner(person, _("%(who)s reset your sign-in: you set it up anew.") % {"who": actor.label})
    return invitation


def link_after_reset(person: Person) -> Invitation:
    """Return the one link by which somebody comes back; only whoever asked for it sees it."""
    purpose = OneTimeLink.Purpose.INVITATION
    withdraw_links(person.id, purpose)
    link, expires_at = make_link(person=person, purpose=purpose, seconds=RESET_LINK_SECONDS)
    return Invitation(person_id=PersonId(person.id), link=link, expires_at=expires_at.timestamp())


def _require_not_the_last(person: Person, actor: Actor) -> None:
    """Whoever could let themselves in again by the machine may reset the last administrator; others would shut everybody out."""
    if actor.kind != "person" or Person.objects.filter(pk=actor.id, emergency=True).exists():
        return
    try:
        require_another_administrator(person)
    except NotAllowed as error:
        raise NotAllowed(
            f"{error.message} Until the new link is used, nobody could administer.",
            hint="Make somebody else an administrator first, or on the machine itself: ostiary user reset EMAIL",
        ) from None
