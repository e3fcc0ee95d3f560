"""People who come from another directory: let in, given an account, linked, and in the groups that it says.

Somebody is known by issuer and subject. An address links nothing by itself: it takes a directory that is declared to
give out that domain's addresses, and its word that this one is verified.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from ostiary.changes import announce_change
from ostiary.identity.domain import BUILTIN_GROUPS
from ostiary.identity.domain.authenticators import can_sign_in_with
from ostiary.identity.domain.federation import (
    Assertion,
    DirectoryRefused,
    Provider,
    Reason,
    groups_for,
    is_expected,
    may_link_by_address,
    refusal_to_provision,
)
from ostiary.identity.errors import NotAllowed, UnknownAuthenticator
from ostiary.identity.federation_queries import provider_of
from ostiary.identity.journal import record_account_change
from ostiary.identity.models import DirectoryLink, Group, Membership, OneTimeLink, Person
from ostiary.identity.services.authenticators import kinds_of, second_factor_is_required, tell_owner
from ostiary.identity.services.guards import lock_person, parse_name, parse_reason, require_may_change_person
from ostiary.identity.services.links import withdraw_links
from ostiary.identity.services.memberships import put_into_group, take_out_of_group
from ostiary.identity.services.providers import end_directory_sessions
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.visibility.facade import Actor


def admit(*, provider: Provider, assertion: Assertion, now: float) -> Person:
    """Return whom a directory vouches for, with the groups that it says now; they may sign in.

    Args:
        provider: who vouches.
        assertion: what it said, checked.
        now: seconds since the epoch.

    Raises:
        DirectoryRefused: when they are not let in; nothing is changed then, except that somebody who is no longer
            expected loses what the directory brought them.
    """
    if not is_expected(provider, assertion):
        _forget(provider, assertion)
        raise DirectoryRefused(Reason.NOT_IN_GROUP, email=assertion.address)
    with transaction.atomic():
        link = _find(assertion)
        person = lock_person(link.person_id) if link is not None else _newcomer(provider, assertion)
        if not person.may_sign_in:
            raise DirectoryRefused(Reason.PERSON_DISABLED, email=person.email, person_id=person.id)
        moment = datetime.fromtimestamp(now, UTC)
        if link is None:
            link = _make_link(provider, assertion, person, moment)
        DirectoryLink.objects.filter(pk=link.pk).update(last_used_at=moment, label=assertion.address or link.label)
        _bring_groups(provider, person, assertion.values)
    return person


@transaction.atomic
def link_directory(*, provider: Provider, assertion: Assertion, person_id: PersonId, actor: Actor) -> None:
    """Link somebody's account here to their account there; that both are theirs was proved just now.

    Raises:
        DirectoryRefused: when that account is somebody else's already, or may not come in at all.
        NotAllowed: when they are linked to another account of that directory.
    """
    person = lock_person(person_id)
    if not is_expected(provider, assertion):
        raise DirectoryRefused(Reason.NOT_IN_GROUP, email=assertion.address)
    link = _find(assertion)
    if link is not None and link.person_id != person.id:
        raise DirectoryRefused(Reason.LINKED_ELSEWHERE, email=person.email, person_id=person.id)
    if link is None and DirectoryLink.objects.filter(provider_id=provider.id, person=person).exists():
        raise NotAllowed(f"You are linked to another account at {provider.name}.", hint="Unlink that one first.")
    if link is None:
        _make_link(provider, assertion, person, datetime.now(UTC), actor=actor)
    _bring_groups(provider, person, assertion.values)


@transaction.atomic
def unlink_directory(
    *,
    person_id: PersonId,
    link_id: str,
    actor: Actor,
    keep_session: SessionId | None = None,
    reason: str = "",
    last_too: bool = False,
) -> str:
    """Undo `link_directory`: what the directory brought goes, and who is signed in by it elsewhere is signed out.

    Args:
        person_id: whose link.
        link_id: which one.
        actor: its owner, or an administrator.
        keep_session: a sign-in that goes on.
        reason: why, in the actor's words.
        last_too: whether it goes even when nothing else lets them in.

    Returns:
        The directory's name.

    Raises:
        UnknownAuthenticator: when there is no such link.
        NotAllowed: when the person could not sign in without it, or is an administrator and the actor is none.
    """
    person = lock_person(person_id)
    require_may_change_person(actor, person)
    rows = DirectoryLink.objects.select_related("provider").filter(person=person)
    link = (
        rows.filter(pk=int(link_id)).first() if link_id.isascii() and link_id.isdigit() and len(link_id) < 19 else None
    )
    if link is None:
        raise UnknownAuthenticator("There is no such link.")
    if not last_too and not can_sign_in_without_directory(person):
        raise NotAllowed("You could not sign in without this.", hint="Set up another way to sign in first.")
    provider = provider_of(link.provider)
    _bring_groups(provider, person, ())
    link.delete()
    end_directory_sessions(person, keep=keep_session)
    record_account_change(
        actor=actor, change="update", person=person, reason=parse_reason(reason), details={"unlinked": provider.id}
    )
    tell_owner(person, _("Signing in with %(name)s was unlinked.") % {"name": provider.name})
    return provider.name


def can_sign_in_without_directory(person: Person) -> bool:
    """Say whether somebody still has a way in when one of the directories they are linked to is unlinked."""
    kinds = kinds_of(person)
    kinds.remove("directory")
    return can_sign_in_with(kinds, second_factor_required=second_factor_is_required())


def _find(assertion: Assertion) -> DirectoryLink | None:
    rows = DirectoryLink.objects.select_for_update()
    return rows.filter(issuer=assertion.issuer, subject=assertion.subject).first()


def _newcomer(provider: Provider, assertion: Assertion) -> Person:
    """Return the account for somebody who is not linked yet: the one they have, or a new one."""
    person = Person.objects.select_for_update().filter(email=assertion.address).first() if assertion.address else None
    if person is None:
        refusal = refusal_to_provision(provider, assertion)
        if refusal is not None:
            raise DirectoryRefused(refusal, email=assertion.address)
        return _provision(provider, assertion)
    holds_a_role = person.memberships.filter(group_id__in=BUILTIN_GROUPS).exists()
    linked = DirectoryLink.objects.filter(provider_id=provider.id, person=person).exists()
    not_by_itself = holds_a_role or person.emergency or linked or person.reset_at is not None
    if not_by_itself or not may_link_by_address(provider, assertion):
        raise DirectoryRefused(Reason.ACCOUNT_EXISTS, email=assertion.address, person_id=person.id)
    if person.accepted_at is None and person.may_sign_in:
        now = datetime.now(UTC)
        person.accepted_at, person.email_confirmed_at = now, person.email_confirmed_at or now
        person.save(update_fields=["accepted_at", "email_confirmed_at"])
        withdraw_links(person.id, OneTimeLink.Purpose.INVITATION)
    return person


def _provision(provider: Provider, assertion: Assertion) -> Person:
    now = datetime.now(UTC)
    person = Person(
        email=assertion.address,
        name=parse_name(assertion.name),
        created_at=now,
        accepted_at=now,
        email_confirmed_at=now,
    )
    person.set_unusable_password()
    person.save(force_insert=True)
    announce_change("identity", takes_away=False)
    record_account_change(actor=_actor(provider), change="create", person=person, details={"directory": provider.id})
    return person


def _make_link(
    provider: Provider, assertion: Assertion, person: Person, moment: datetime, *, actor: Actor | None = None
) -> DirectoryLink:
    link = DirectoryLink.objects.create(
        provider_id=provider.id,
        person=person,
        issuer=assertion.issuer,
        subject=assertion.subject,
        label=assertion.address,
        linked_at=moment,
    )
    record_account_change(
        actor=actor or _actor(provider),
        change="update",
        person=person,
        details={"linked": provider.id, "subject": assertion.subject},
    )
    tell_owner(person, _("Signing in with %(name)s was linked.") % {"name": provider.name})
    return link


def _bring_groups(provider: Provider, person: Person, values: Iterable[str]) -> None:
    """Give and take memberships so that somebody is in what these values bring, and nothing else by this directory."""
    wanted = set(groups_for(provider, values))
    actor = _actor(provider)
    held = Membership.objects.filter(person=person, via=provider.via).select_related("group")
    for row in held:
        if row.group_id not in wanted:
            take_out_of_group(group=row.group, person=person, actor=actor, reason="", via=provider.via)
    for group in Group.objects.filter(pk__in=wanted).exclude(pk__in=BUILTIN_GROUPS).order_by("pk"):
        put_into_group(group=group, person=person, actor=actor, reason="", via=provider.via)


@transaction.atomic
def _forget(provider: Provider, assertion: Assertion) -> None:
    link = _find(assertion)
    if link is not None:
        person = lock_person(link.person_id)
        _bring_groups(provider, person, ())
        end_directory_sessions(person)


def _actor(provider: Provider) -> Actor:
    return Actor(kind="system", id=provider.via, label=f"{provider.name} (directory {provider.id})")
