"""Reads: applications that speak SAML, and what this instance says of itself."""

from typing import Final

import msgspec
from django.conf import settings

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId
from ostiary.saml.domain.metadata import OwnDescription
from ostiary.saml.domain.names import NameFormat
from ostiary.saml.domain.service_provider import Attribute, Described, Fact, ServiceProvider
from ostiary.saml.keys import published_certificates, signing_key
from ostiary.saml.models import StoredProvider

METADATA_PATH: Final = "/saml/metadata"
SIGN_IN_PATH: Final = "/saml/sign-in"
SIGN_OUT_PATH: Final = "/saml/sign-out"
OPEN_PATH: Final = "/saml/open"


class UnknownProvider(OstiaryError):
    """No application of that name speaks SAML here."""


def list_providers() -> tuple[ServiceProvider, ...]:
    """Return every application that speaks SAML, by its name in rules."""
    return tuple(to_provider(row) for row in StoredProvider.objects.all())


def get_provider(app_id: str) -> ServiceProvider:
    """Return one application.

    Raises:
        UnknownProvider: when there is none.
    """
    found = find_provider(app_id)
    if found is None:
        raise UnknownProvider(
            f"No app {app_id[:63]!r} signs people in by SAML.", hint="See which do: ostiary app saml list"
        )
    return found


def find_provider(app_id: str) -> ServiceProvider | None:
    """Return how people sign in to an app by SAML; `None` for an app to which they do not."""
    row = StoredProvider.objects.filter(pk=app_id).first()
    return to_provider(row) if row is not None else None


def provider_named(entity_id: str) -> ServiceProvider | None:
    """Return the application with this entity ID, to the letter."""
    row = StoredProvider.objects.filter(entity_id=entity_id).first()
    return to_provider(row) if row is not None and row.entity_id == entity_id else None


def own_address(path: str) -> str:
    """Return the address of one of our pages, as applications are told."""
    return str(settings.INSTANCE.url(settings.INSTANCE.identity_host, path))


def own_description() -> OwnDescription:
    """Return what this instance says of itself."""
    return OwnDescription(
        entity_id=own_address(METADATA_PATH),
        sign_in_url=own_address(SIGN_IN_PATH),
        sign_out_url=own_address(SIGN_OUT_PATH),
        certificates=published_certificates(settings.INSTANCE.secrets),
    )


def certificate_days_left(now: float) -> float | None:
    """Return for how many days applications can take our assertions by today's certificate; `None` where there are none.

    Args:
        now: seconds since the epoch.
    """
    if not StoredProvider.objects.exists():
        return None
    return (signing_key(settings.INSTANCE.secrets).certificate.not_valid_after_utc.timestamp() - now) / 86400


def to_provider(row: StoredProvider) -> ServiceProvider:
    """Return the stored application as the protocol knows it."""
    return ServiceProvider(
        app=AppId(row.app_id),
        described=msgspec.convert(row.described, Described),
        name_format=NameFormat(row.name_format),
        attributes=tuple(Attribute(name, Fact(fact)) for name, fact in row.attributes),
        signed_requests=row.signed_requests,
        sign_response=row.sign_response,
        starts_here=row.starts_here,
        start_page=row.start_page,
    )
