"""Becoming an administrator for a while, by those who may; and turning standing administrators into such."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from ostiary.identity.domain.return_paths import return_path_or_start
from ostiary.identity.facade import ADMINISTRATORS, ELIGIBLE, NotAllowed
from ostiary.identity.models import Group, Membership
from ostiary.identity.services.groups import groups_by_id
from ostiary.identity.services.guards import (
    is_administrator,
    is_eligible,
    lock_person,
    parse_reason,
    require_another_administrator,
    require_may_change_group,
)
from ostiary.identity.services.memberships import put_into_group, take_out_of_group
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import AppId, PersonId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.requests.approvers import administrators_but
from ostiary.requests.domain import HOUR_SECONDS, CannotAsk, Kind, Request, State
from ostiary.requests.journal import record_step
from ostiary.requests.models import AccessRequest
from ostiary.requests.queries import request_of
from ostiary.requests.services.immediate import (
    MINUTE_SECONDS,
    grant_now,
    require_fresh_proof,
    require_words,
    write_down,
)
from ostiary.requests.services.letters import LetterKind, owe
from ostiary.visibility.facade import Actor

CONSOLE = AppId("console")


class AdministratorRow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is an administrator, or may become one.

    Args:
        email: their address.
        standing: whether they are one without an end.
        eligible: whether they may become one.
        until: when it ends, if they are one for a while.
        passkey: whether they have one; without it nobody becomes an administrator.
        stays: why they are left as they are when standing administrators are turned into eligible ones; empty when they are turned.
    """

    person_id: PersonId
    email: str
    standing: bool = False
    eligible: bool = False
    until: float | None = None
    passkey: bool = False
    stays: str = ""


@transaction.atomic
def become_administrator(
    *, person_id: PersonId, reason: str, proofs: Iterable[Authentication], actor: Actor, return_path: str = "/"
) -> Request:
    """Become an administrator for the configured time, at once or when somebody else agrees.

    Args:
        person_id: who; they are among those who may.
        reason: why; the other administrators read it.
        proofs: what they proved in this sign-in; a passkey lately.
        actor: the same person.
        return_path: the page of the console they wanted.

    Raises:
        UnknownPerson: when there is no such person.
        CannotAsk: when they may not, are one already, or nobody could agree.
        ProofNeeded: when they have not used their passkey lately.
        UnacceptableText: when the reason cannot be stored.
    """
    person = lock_person(person_id)
    group = groups_by_id((ADMINISTRATORS,))[0]
    words = parse_reason(reason)
    access = settings.INSTANCE.configuration.access
    if not person.may_sign_in or not is_eligible(person.id):
        raise CannotAsk("You may not become an administrator.", hint="Talk to an administrator.")
    if is_administrator(person.id):
        raise CannotAsk("You are an administrator already.")
    waits = access.administrator_approval == "administrator"
    AccessRequest.objects.filter(
        person=person, group_id=ADMINISTRATORS, state=State.WAITING.value, deadline_at__lte=datetime.now(UTC)
    ).update(state=State.LAPSED.value)
    if AccessRequest.objects.filter(person=person, group_id=ADMINISTRATORS, state=State.WAITING.value).exists():
        raise CannotAsk("You have asked already.", hint="It waits for an answer.")
    require_words(words)
    require_fresh_proof(proofs, AuthStrength.PHISHING_RESISTANT)
    others = administrators_but(person)
    if waits and not others:
        raise CannotAsk(
            "Nobody but you could agree to this.",
            hint="On the machine itself: ostiary admin recover, or set access.administrator_approval to none.",
        )
    row = write_down(
        person=person,
        group=group,
        kind=Kind.ADMINISTRATOR,
        seconds=access.administrator_minutes * MINUTE_SECONDS,
        reason=words,
        app=CONSOLE,
        return_path=return_path_or_start(return_path),
        deadline=timedelta(seconds=access.answer_hours * HOUR_SECONDS if waits else 0),
    )
    if waits:
        owe(row, LetterKind.ASKED, others)
    else:
        grant_now(row, group=group, actor=actor)
        owe(row, LetterKind.ELEVATED, (*others, person))
    record_step(row, actor=actor, change="create", comment=words)
    return request_of(row)


def may_become_administrator(person_id: PersonId) -> bool:
    """Say whether somebody may become an administrator, and is none."""
    return is_eligible(person_id) and not is_administrator(person_id)


def list_administrators(*, keep: Collection[str] = ()) -> tuple[AdministratorRow, ...]:
    """Return everybody who is an administrator or may become one, by address.

    Args:
        keep: addresses of standing administrators who are to stay so.
    """
    rows = Membership.objects.filter(in_force(), group_id__in=(ADMINISTRATORS, ELIGIBLE)).select_related("person")
    by_person: dict[str, list[Membership]] = {}
    for row in rows.order_by("person__email", "pk"):
        by_person.setdefault(row.person_id, []).append(row)
    keys = Authenticator.objects.filter(user_id__in=by_person, type=Authenticator.Type.WEBAUTHN)
    with_passkey = set(keys.values_list("user_id", flat=True))
    return tuple(_administrator(held, passkey=who in with_passkey, keep=keep) for who, held in by_person.items())


@transaction.atomic
def turn_into_eligible(
    *, keep: Collection[str] = (), actor: Actor, dry_run: bool = False
) -> tuple[AdministratorRow, ...]:
    """Turn standing administrators into people who may become one, as far as that locks nobody out.

    Args:
        keep: addresses of those who are to stay standing administrators.
        actor: who does it.
        dry_run: whether only to look.

    Returns:
        Everybody, as they were before; whoever has a `stays` was left as they are.

    Raises:
        NotAllowed: when the actor may not, or nobody could administer the instance any more.
    """
    require_may_change_group(actor, ADMINISTRATORS)
    administrators, eligible = _both_groups()
    found = list_administrators(keep=keep)
    turned = [one for one in found if one.standing and not one.stays]
    _require_somebody_agrees(found, turned)
    if dry_run:
        return found
    for one in turned:
        person = lock_person(one.person_id)
        reason = "administrator for a while only, when it is needed"
        put_into_group(group=eligible, person=person, actor=actor, reason=reason)
        require_another_administrator(person, leaves=ADMINISTRATORS)
        take_out_of_group(group=administrators, person=person, actor=actor, reason=reason)
    return found


def _both_groups() -> tuple[Group, Group]:
    administrators, eligible = groups_by_id((ADMINISTRATORS, ELIGIBLE))
    if not eligible.builtin:
        raise NotAllowed(f"{ELIGIBLE} is a group of your own.", hint="Delete it: Ostiary makes it anew when it starts.")
    return administrators, eligible


def _require_somebody_agrees(found: Collection[AdministratorRow], turned: Collection[AdministratorRow]) -> None:
    """Where somebody has to agree each time, one has to stay standing, or two with a passkey may become administrators."""
    if settings.INSTANCE.configuration.access.administrator_approval != "administrator" or not turned:
        return
    standing = any(one.standing and one.stays for one in found)
    becoming = sum(one.passkey and (one.eligible or one in turned) for one in found)
    if not standing and becoming < 2:
        raise NotAllowed(
            "Nobody could agree that they become an administrator.",
            hint="Add a second person who has a passkey, or set access.administrator_approval to none.",
        )


def _administrator(held: list[Membership], *, passkey: bool, keep: Collection[str]) -> AdministratorRow:
    person = held[0].person
    standing = [row for row in held if row.group_id == ADMINISTRATORS and row.ends_at is None]
    terms = [row.ends_at for row in held if row.group_id == ADMINISTRATORS and row.ends_at is not None]
    row = AdministratorRow(
        person_id=PersonId(person.id),
        email=person.email,
        standing=bool(standing),
        eligible=any(row.group_id == ELIGIBLE for row in held),
        until=seconds_of(max(terms)) if terms and not standing else None,
        passkey=passkey,
    )
    return msgspec.structs.replace(row, stays=_why_not(row, standing, keep)) if standing else row


def _why_not(row: AdministratorRow, standing: list[Membership], keep: Collection[str]) -> str:
    person = standing[0].person
    other_ways = [one.via for one in standing if one.via]
    if person.emergency:
        return "is the emergency account of this machine"
    if row.email in keep:
        return "is to stay"
    if other_ways:
        return f"is one by {other_ways[0].replace(':', ' ', 1)}: change it there"
    if not person.may_sign_in or person.accepted_at is None or person.ends_at is not None:
        return "cannot sign in, not yet or not for ever"
    return "" if row.passkey else "has no passkey, without which nobody becomes an administrator"
