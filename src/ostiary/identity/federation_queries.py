"""Reads of other directories and of who is linked to them."""

import difflib
from typing import Any

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.db.models import Count, Q, QuerySet

from ostiary.config.secrets import MissingSecret, read_secret
from ostiary.identity.adapters.client_keys import ClientKey, read_key
from ostiary.identity.domain.federation import LinkedSignIn, Preset, Provider, ProviderId
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import UnknownProvider
from ostiary.identity.models import DirectoryLink, DirectoryProvider
from ostiary.identity.terms import seconds_of
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.visibility.facade import Page


class ProviderKey(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a key for a directory.

    Args:
        kid: names it in the key set.
        current: whether it is in use; the other one is the next.
        thumbprint: of the certificate, SHA-256, in pairs, as directories show it.
        ends_at: when the certificate ends, seconds since the epoch.
        certificate: PEM.
        jwk: the key as a member of a key set.
    """

    kid: str
    current: bool
    thumbprint: str
    ends_at: float
    certificate: str
    jwk: dict[str, Any]


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


def client_key(provider_id: ProviderId) -> ClientKey:
    """Return the key by which this instance shows a directory who it is.

    Raises:
        MissingSecret: when the file is not there, or cannot be used.
    """
    key = read_key(settings.INSTANCE.secrets, key_name(provider_id))
    if key is None:
        raise MissingSecret(
            f"There is no key for the directory {provider_id}.",
            hint=f"Make one: ostiary directory key make {provider_id}",
        )
    return key


def list_client_keys(provider_id: str) -> tuple[ProviderKey, ...]:
    """Return the public halves of the keys for a directory: the one in use, and the next one where it was made.

    Raises:
        MissingSecret: when one is there and cannot be used.
    """
    folder = settings.INSTANCE.secrets
    names = ((key_name(provider_id), True), (next_key_name(provider_id), False))
    found = ((read_key(folder, name), current) for name, current in names)
    return tuple(
        ProviderKey(
            kid=key.kid,
            current=current,
            thumbprint=key.certificate.fingerprint(SHA256()).hex(":").upper(),
            ends_at=key.ends_at,
            certificate=key.pem,
            jwk=key.public_jwk(),
        )
        for key, current in found
        if key is not None
    )


def key_name(provider_id: str) -> str:
    """Return the name of the file that holds the key for a directory."""
    return f"directory-{provider_id}.key"


def next_key_name(provider_id: str) -> str:
    """Return the name of the file that holds the next key for a directory."""
    return f"directory-{provider_id}.next.key"


def keys_url(provider_id: str) -> str:
    """Return where a directory reads the keys of this instance itself."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, f"/oidc/keys-for/{provider_id}"))


def callback_url(provider_id: str) -> str:
    """Return the address to be entered at the directory as the place to which people come back."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, f"/sign-in/with/{provider_id}/callback"))


def signed_out_url(provider_id: str) -> str:
    """Return the address to be entered at the directory as the place to which people come back when they signed out there."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, f"/sign-in/with/{provider_id}/signed-out"))


def logout_url(provider_id: str) -> str:
    """Return the address to which the directory sends word that somebody signed out there."""
    instance = settings.INSTANCE
    return str(instance.url(instance.identity_host, f"/oidc/back-channel/{provider_id}"))


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
        signs_out=row.signs_out,
        proves_by="key" if row.proves_by == "key" else "secret",
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
