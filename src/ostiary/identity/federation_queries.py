"""Reads of other directories and of who is linked to them."""

import difflib

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from ostiary.config.secrets import read_secret
from ostiary.identity.domain.federation import LinkedSignIn, Preset, Provider, ProviderId
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import UnknownProvider
from ostiary.identity.models import DirectoryLink, DirectoryProvider
from ostiary.identity.terms import seconds_of
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Page


def list_providers() -> tuple[Provider, ...]:
    """Return every directory whose sign-in is accepted, by name."""
    return tuple(provider_of(row) for row in _providers().order_by("name", "id"))


def get_provider(provider_id: str) -> Provider:
    """Return one directory.

    Raises:
        UnknownProvider: with the most similar identifier as a hint.
    """
    row = _providers().filter(pk=provider_id).first() if can_be_stored(provider_id) else None
    if row is not None:
        return provider_of(row)
    names = DirectoryProvider.objects.values_list("id", flat=True)
    similar = difflib.get_close_matches(provider_id, names, n=1)
    raise UnknownProvider(
        f"There is no directory {provider_id[:50]!r}.",
        hint=f"Did you mean {similar[0]!r}?" if similar else "List them: ostiary directory provider list",
    )


def client_secret(provider_id: ProviderId) -> str:
    """Return the secret by which this instance shows a directory who it is.

    Raises:
        MissingSecret: when the file is not there, or others can read it.
    """
    return read_secret(settings.INSTANCE.secrets, secret_name(provider_id)).reveal().decode()


def secret_name(provider_id: str) -> str:
    """Return the name of the file that holds a directory's client secret."""
    return f"directory-{provider_id}.secret"


def callback_url(provider_id: str) -> str:
    """Return the address to be entered at the directory as the place to which people come back."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, f"/sign-in/with/{provider_id}/callback"))


def linked_sign_ins(person_id: PersonId) -> tuple[LinkedSignIn, ...]:
    """Return somebody's accounts in other directories, by the directory's name."""
    rows = _links().filter(person_id=person_id).order_by("provider__name")
    return tuple(_link(row) for row in rows)


def find_linked(issuer: str, subject: str) -> PersonId | None:
    """Return who is linked to an account of another directory; `None` when nobody is. A slash at the issuer's end counts for nothing.

    Args:
        issuer: the directory's issuer.
        subject: the account there.
    """
    if not can_be_stored(issuer) or not can_be_stored(subject):
        return None
    plain = issuer.rstrip("/")
    rows = DirectoryLink.objects.filter(issuer__in=(plain, f"{plain}/"), subject=subject)
    found = set(rows.values_list("person_id", flat=True))
    return PersonId(found.pop()) if len(found) == 1 else None


def search_linked(provider_id: ProviderId, *, text: str = "", page: int = 1, page_size: int = 50) -> Page[LinkedSignIn]:
    """Return one page of who is linked to a directory, by address.

    Args:
        provider_id: the directory.
        text: words that must all stand in the name, the address or the address there.
        page: from 1; one beyond the end is the last one.
        page_size: people a page.
    """
    rows = _links().filter(provider_id=provider_id).order_by("person__email")
    if not can_be_stored(text):
        rows = rows.none()
    for word in text.split():
        rows = rows.filter(
            Q(person__name__icontains=word) | Q(person__email__icontains=word) | Q(label__icontains=word)
        )
    total = rows.count()
    number = min(max(page, 1), max(1, -(-total // page_size)))
    start = (number - 1) * page_size
    found = tuple(_link(row) for row in rows[start : start + page_size])
    return Page(items=found, total=total, page=number, page_size=page_size)


def provider_of(row: DirectoryProvider) -> Provider:
    """Return a stored directory in the form other rooms use."""
    return Provider(
        id=ProviderId(row.id),
        preset=Preset(row.preset),
        name=row.name,
        issuer=row.issuer,
        client_id=row.client_id,
        domains=tuple(row.domains),
        authoritative=tuple(row.authoritative),
        provisions=row.provisions,
        required=tuple(row.required),
        groups_claim=row.groups_claim,
        groups={value: GroupId(group) for value, group in row.groups.items()},
        mfa=dict(row.mfa),
        scopes=tuple(row.scopes),
        people=getattr(row, "people", 0),
    )


def _providers() -> QuerySet[DirectoryProvider]:
    return DirectoryProvider.objects.annotate(people=Count("links"))


def _links() -> QuerySet[DirectoryLink]:
    return DirectoryLink.objects.select_related("provider", "person")


def _link(row: DirectoryLink) -> LinkedSignIn:
    return LinkedSignIn(
        id=str(row.pk),
        provider=ProviderId(row.provider_id),
        provider_name=row.provider.name,
        person_id=row.person_id,
        person_email=row.person.email,
        person_name=row.person.name,
        label=row.label,
        linked_at=row.linked_at.timestamp(),
        last_used_at=seconds_of(row.last_used_at),
    )
