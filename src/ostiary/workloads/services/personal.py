"""Making and revoking personal access tokens, and noting their use. Each change is one transaction, on record."""

import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from ostiary.applications.facade import get_app
from ostiary.changes import announce_change
from ostiary.identity.facade import parse_name
from ostiary.identity.models import Person
from ostiary.policy.bearers import digest_of_token, personal_token
from ostiary.policy.identifiers import AppId, PersonId, SessionId
from ostiary.visibility.facade import Actor, record_entity_change
from ostiary.workloads.domain.personal import (
    LONGEST_DAYS,
    MAX_NAME_CHARACTERS,
    MAX_TOKENS,
    NewToken,
    PersonalToken,
    UnknownToken,
    UnusableToken,
)
from ostiary.workloads.domain.services import DAY_SECONDS
from ostiary.workloads.journal import TOKEN
from ostiary.workloads.models import StoredToken
from ostiary.workloads.queries import get_token, to_token
from ostiary.workloads.services.register import SECTION

NOTED_EVERY = timedelta(minutes=1)
SESSION_PREFIX = "token-"


@transaction.atomic
def make_token(
    *, person_id: PersonId, name: str, apps: Iterable[AppId], days: int, actor: Actor, edit: bool = False
) -> NewToken:
    """Let a script of somebody open some apps as them, and return the token, which is kept nowhere.

    Args:
        person_id: whose script.
        name: what it is for.
        apps: the only apps it opens.
        days: how long it works.
        actor: who makes it: they themselves, or somebody on the machine.
        edit: whether it may also edit.

    Raises:
        UnusableToken: when tokens are switched off, the person cannot sign in or has too many, or no such app is there.
        UnacceptableText: when the name cannot be stored.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    limits, now = settings.INSTANCE.configuration.workloads, time.time()
    longest = min(limits.personal_token_days, LONGEST_DAYS)
    if longest == 0:
        raise UnusableToken("Personal access tokens are switched off.", hint="See workloads.personal_token_days.")
    if not 1 <= days <= longest:
        raise UnusableToken(f"A token cannot work for {days} days.", hint=f"Say 1 to {longest}.")
    person = Person.objects.select_for_update().filter(pk=person_id).first()
    if person is None or not person.may_sign_in:
        raise UnusableToken("Whoever cannot sign in has no tokens.")
    row = StoredToken(
        person=person,
        name=_name(name),
        apps=_apps(apps),
        edit=edit,
        created_at=datetime.fromtimestamp(now, UTC),
        expires_at=datetime.fromtimestamp(now + days * DAY_SECONDS, UTC),
    )
    living = StoredToken.objects.filter(person=person, revoked_at=None, expires_at__gt=row.created_at)
    if living.count() >= MAX_TOKENS:
        raise UnusableToken(f"There are {MAX_TOKENS} tokens already.", hint="Revoke those that are not used.")
    token = personal_token(secrets.token_bytes(32))
    row.digest = digest_of_token(token).hex()
    row.save(force_insert=True)
    made = to_token(row)
    announce_change(SECTION, takes_away=False)
    record_entity_change(TOKEN, made.id, "create", actor=actor, after=_told(made))
    return NewToken(token=made, secret=token)


@transaction.atomic
def revoke_token(token_id: str, *, actor: Actor, person_id: PersonId | None = None, reason: str = "") -> PersonalToken:
    """Take a token back; its next request is refused.

    Args:
        token_id: which.
        actor: who does it.
        person_id: where given, only a token of theirs is found.
        reason: why, for the record.

    Raises:
        UnknownToken: when there is none of this identifier, or it is revoked already.
    """
    known = get_token(token_id)
    row = StoredToken.objects.select_for_update().select_related("person").filter(pk=known.id, revoked_at=None).first()
    if row is None or (person_id is not None and row.person_id != person_id):
        raise UnknownToken("There is no such token that could be revoked.", hint="See: ostiary token list")
    before = to_token(row)
    row.revoked_at = datetime.fromtimestamp(time.time(), UTC)
    row.save(update_fields=["revoked_at"])
    announce_change(SECTION, takes_away=False)
    record_entity_change(TOKEN, before.id, "delete", actor=actor, before=_told(before), comment=reason)
    return to_token(row)


def revoke_tokens_of(person_id: PersonId, actor: Actor, reason: str) -> None:
    """Take back every token of somebody, inside the transaction that is open."""
    for row in StoredToken.objects.filter(person_id=person_id, revoked_at=None):
        revoke_token(row.id, actor=actor, person_id=person_id, reason=reason)


def note_token_use(*, seen: Mapping[SessionId, float], now: float) -> int:
    """Note when tokens last opened something. For the worker, from the decisions it indexed.

    Args:
        seen: for each session on record, the moment of its latest request (seconds since the epoch); other sessions' are passed over.
        now: seconds since the epoch.

    Returns:
        Of how many the last use changed.
    """
    changed = 0
    for session, at in seen.items():
        if not session.startswith(SESSION_PREFIX):
            continue
        moment = datetime.fromtimestamp(min(at, now), UTC)
        rows = StoredToken.objects.filter(pk=session.removeprefix(SESSION_PREFIX))
        changed += rows.exclude(used_at__gte=moment - NOTED_EVERY).update(used_at=moment)
    return changed


def _name(name: str) -> str:
    parsed = parse_name(name, limit=MAX_NAME_CHARACTERS)
    if not parsed:
        raise UnusableToken("A token needs a name.", hint="Say what it is for.")
    return parsed


def _apps(apps: Iterable[AppId]) -> list[str]:
    wanted: list[str] = sorted(set(apps))
    if not wanted:
        raise UnusableToken("A token is for some apps.", hint="Name at least one.")
    for app in wanted:
        found = get_app(AppId(app))
        if found.builtin or not found.behind_gateway:
            raise UnusableToken(f"No token opens {app}.", hint="Name an app behind the gateway.")
    return wanted


def _told(token: PersonalToken) -> dict[str, object]:
    return {
        "name": token.name,
        "person": token.email,
        "apps": list(token.apps),
        "edit": token.edit,
        "expires_at": token.expires_at,
    }
