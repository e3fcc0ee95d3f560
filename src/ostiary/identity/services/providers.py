"""Other directories: described, changed and removed. Who comes in by them is in `federation`."""

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec
from django.conf import settings
from django.db import transaction

from ostiary.changes import announce_change
from ostiary.identity.domain import BUILTIN_GROUPS
from ostiary.identity.domain.federation import (
    DIRECTORY,
    MEANINGS,
    STRENGTHS,
    Provider,
    ProviderId,
    UnacceptableProvider,
    check_issuer,
)
from ostiary.identity.errors import AlreadyExists, NotAllowed
from ostiary.identity.federation_queries import client_key, get_provider, key_name, next_key_name, secret_name
from ostiary.identity.models import DirectoryProvider, Membership, Person
from ostiary.identity.models import SignInSession as SessionRow
from ostiary.identity.queries import get_group
from ostiary.identity.services.guards import parse_name
from ostiary.identity.services.memberships import take_out_of_group
from ostiary.policy.identifiers import SessionId, parse_slug
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

MAX_ID_CHARACTERS: Final = 40
MAX_ENTRIES: Final = 500
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+", re.ASCII
)
_WORD: Final = re.compile(r"[\x21-\x7e]{1,300}", re.ASCII)


@transaction.atomic
def add_provider(*, provider: Provider, secret: bytes | None, actor: Actor) -> None:
    """Accept another directory's sign-in from now on.

    Args:
        provider: what it is; `people` is not looked at.
        secret: the client secret, which goes into a file of its own; `None` where a key is used.
        actor: who does it.

    Raises:
        UnacceptableProvider: when anybody in the world could come in by it, or a part cannot be right.
        UnknownGroup: when it is to bring a group that does not exist.
        AlreadyExists: when there is such a directory, or one with this issuer.
        NotAllowed: when it is to bring a group that opens the console.
    """
    checked = _checked(provider)
    if DirectoryProvider.objects.filter(pk=checked.id).exists():
        raise AlreadyExists(f"There is a directory {checked.id} already.", hint="ostiary directory provider change")
    if DirectoryProvider.objects.filter(issuer=checked.issuer).exists():
        raise AlreadyExists("There is a directory with this issuer already.", hint="ostiary directory provider list")
    DirectoryProvider.objects.create(id=checked.id, created_at=datetime.now(UTC), **_columns(checked))
    if checked.proves_by == "secret":
        _write_secret(checked.id, secret or b"")
    _record(checked, "create", actor=actor, before=None)


@transaction.atomic
def change_provider(*, provider: Provider, secret: bytes | None, actor: Actor) -> None:
    """Change what a directory brings; groups that it no longer brings are taken away at once.

    Args:
        provider: what it is from now on.
        secret: a new client secret; `None` leaves it as it is.
        actor: who does it.

    Raises:
        MissingSecret: when it is to be asked with a key and none was made.
        UnknownProvider: when there is no such directory.
        UnacceptableProvider, UnknownGroup, NotAllowed: as for `add_provider`; also when the issuer would change.
    """
    before = get_provider(provider.id)
    checked = _checked(provider)
    if checked.issuer != before.issuer or checked.preset != before.preset:
        raise UnacceptableProvider(
            "Another issuer is another directory: people are known by it.", hint="Add that one, and remove this one."
        )
    DirectoryProvider.objects.filter(pk=checked.id).update(**_columns(checked))
    gone = Membership.objects.filter(via=checked.via).exclude(group_id__in=list(checked.groups.values()))
    for row in gone.select_related("person", "group"):
        take_out_of_group(
            group=row.group, person=row.person, actor=actor, reason=f"no longer by {checked.id}", via=row.via
        )
    if checked.proves_by == "key":
        client_key(checked.id)
    elif secret is not None or before.proves_by == "key":
        _write_secret(checked.id, secret or b"")
    _record(checked, "update", actor=actor, before=before)
    if checked.proves_by != before.proves_by:
        keys = (key_name(checked.id), next_key_name(checked.id))
        _forget(*((secret_name(checked.id),) if checked.proves_by == "key" else keys))


@transaction.atomic
def remove_provider(*, provider_id: ProviderId, actor: Actor, reason: str = "") -> int:
    """Accept a directory's sign-in no more: its links, what it brought and who is signed in by it go.

    Returns:
        How many people were linked.

    Raises:
        UnknownProvider: when there is no such directory.
    """
    found = get_provider(provider_id)
    for row in Membership.objects.filter(via=found.via).select_related("person", "group"):
        take_out_of_group(group=row.group, person=row.person, actor=actor, reason=reason, via=row.via)
    for person in Person.objects.filter(directory_links__provider_id=provider_id):
        end_directory_sessions(person)
    DirectoryProvider.objects.filter(pk=provider_id).delete()
    _forget(secret_name(provider_id), key_name(provider_id), next_key_name(provider_id))
    _record(found, "delete", actor=actor, before=found, reason=reason)
    return found.people


def end_directory_sessions(person: Person, *, keep: SessionId | None = None) -> int:
    """End what somebody began by another directory, inside a transaction that is open; return how many there were."""
    rows = SessionRow.objects.filter(person=person)
    if keep:
        rows = rows.exclude(pk=keep)
    begun_there = [row.pk for row in rows if any(one[0] in STRENGTHS for one in row.authentications)]
    if begun_there:
        SessionRow.objects.filter(pk__in=begun_there).delete()
        announce_change("sessions", takes_away=True)
    return len(begun_there)


def _forget(*names: str) -> None:
    for name in names:
        (settings.INSTANCE.secrets / name).unlink(missing_ok=True)


def _checked(provider: Provider) -> Provider:
    parse_slug(provider.id, what="directory")
    if len(provider.id) > MAX_ID_CHARACTERS:
        raise UnacceptableProvider(f"The name of a directory has at most {MAX_ID_CHARACTERS} letters.")
    domains, authoritative = _domains(provider.domains), _domains(provider.authoritative)
    check_issuer(provider.preset, provider.issuer, domains)
    if not _WORD.fullmatch(provider.client_id):
        raise UnacceptableProvider("The client identifier cannot be right.", hint="Copy it from the directory.")
    if not _WORD.fullmatch(provider.groups_claim) or not all(map(_WORD.fullmatch, provider.scopes)):
        raise UnacceptableProvider("A claim or a scope cannot be right.", hint="They are words without spaces.")
    if provider.provisions and not domains:
        raise UnacceptableProvider(
            "Whose addresses get an account by themselves?", hint="Name the domains: --domain example.com"
        )
    if set(provider.mfa.values()) - set(MEANINGS):
        raise UnacceptableProvider("A second factor there can be worth “otp” or “phishing-resistant”.")
    if len(provider.groups) > MAX_ENTRIES or len(provider.required) > MAX_ENTRIES:
        raise UnacceptableProvider(f"At most {MAX_ENTRIES} groups can be named.")
    for group in set(provider.groups.values()):
        if group in BUILTIN_GROUPS:
            raise NotAllowed(
                f"{group} opens the console; whoever runs the other directory could make themselves one of them.",
                hint="Put people into it here: ostiary group add",
            )
        get_group(group)
    return msgspec.structs.replace(
        provider,
        domains=domains,
        authoritative=authoritative,
        name=parse_name(provider.name, limit=60) or provider.id,
        scopes=tuple(dict.fromkeys(("openid", *provider.scopes))),
    )


def _domains(texts: Iterable[str]) -> tuple[str, ...]:
    domains = tuple(sorted({text.strip().lower() for text in texts}))
    for one in domains:
        if not _DOMAIN.fullmatch(one):
            raise UnacceptableProvider(f"{one[:80]!r} is not a domain.", hint="Write it as example.com.")
    return domains


def _columns(provider: Provider) -> dict[str, object]:
    plain = msgspec.to_builtins(provider)
    return {name: value for name, value in plain.items() if name not in {"id", "people"}}


def _write_secret(provider_id: str, secret: bytes) -> None:
    """Write the secret for its owner's eyes only, whole or not at all."""
    value = secret.strip()
    if not value or len(value) > 4096 or not value.isascii():
        raise UnacceptableProvider("The file holds no client secret.", hint="Put the secret alone into it.")
    path = settings.INSTANCE.secrets / secret_name(provider_id)
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _record(
    provider: Provider, change: EntityChange, *, actor: Actor, before: Provider | None, reason: str = ""
) -> None:
    record_entity_change(
        DIRECTORY,
        provider.id,
        change,
        actor=actor,
        name=provider.name,
        before=None if before is None else msgspec.to_builtins(before),
        after=None if change == "delete" else msgspec.to_builtins(provider),
        comment=reason,
    )
