"""Applications that speak SAML: added with their entry in the catalogue, and changed."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.db import transaction

from ostiary.applications.facade import App, SignIn, UnusableApp, add_app_elsewhere, change_app, get_app
from ostiary.saml.domain.metadata import parse_url
from ostiary.saml.domain.names import NameFormat
from ostiary.saml.domain.problems import RefusedMessage
from ostiary.saml.domain.service_provider import Attribute, Described, ServiceProvider
from ostiary.saml.models import StoredProvider
from ostiary.saml.queries import OPEN_PATH, UnknownProvider, own_address, to_provider
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

MAX_START_PAGE = 1000


def add_provider(
    app_id: str,
    *,
    described: Described,
    actor: Actor,
    name: str = "",
    launch_url: str = "",
    labels: Iterable[str] = (),
    contact: str = "",
    description: str = "",
    name_format: NameFormat | None = None,
    attributes: Iterable[Attribute] = (),
    signed_requests: bool = False,
    sign_response: bool = False,
    starts_here: bool = False,
    start_page: str = "",
) -> ServiceProvider:
    """Let people sign in to an application by SAML. Nobody may until a rule says so.

    Args:
        app_id: what rules will name.
        described: what the application says of itself.
        actor: who adds it.
        name: what people read; empty takes the identifier.
        launch_url: where My apps leads; empty takes the application's first page, or ours where it is opened from here.
        labels: what rules may name instead.
        contact: whom a refused person can write to.
        description: one line for the portal.
        name_format: how people are named to it; `None` takes the first that it says it knows, else their address.
        attributes: what else it is told.
        signed_requests: whether a request without a signature is refused, whatever the application says.
        sign_response: whether the response is signed beside the assertion.
        starts_here: whether people may open it from here without its asking.
        start_page: the page it then opens with, in its own words (RelayState).

    Raises:
        UnusableApp, MalformedIdentifier: when a value cannot be used; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    with transaction.atomic():
        _require_new(described.entity_id)
        _require_checkable(described, signed_requests=signed_requests)
        app = add_app_elsewhere(
            app_id,
            sign_in=SignIn.SAML,
            launch_url=launch_url or launch_url_of(app_id, described, starts_here=starts_here),
            actor=actor,
            name=name,
            labels=labels,
            contact=contact,
            description=description,
        )
        row = StoredProvider(
            app_id=app.id,
            entity_id=described.entity_id,
            described=msgspec.to_builtins(described),
            name_format=(name_format or _known_format(described)).value,
            attributes=[[one.name, one.fact.value] for one in attributes],
            signed_requests=signed_requests,
            sign_response=sign_response,
            starts_here=starts_here,
            start_page=_start_page(start_page),
        )
        row.save(force_insert=True)
        added = to_provider(row)
        _put_on_record(actor, "create", app, after=added)
    return added


def change_provider(
    app_id: str,
    *,
    actor: Actor,
    described: Described | None = None,
    name_format: NameFormat | None = None,
    attributes: Iterable[Attribute] | None = None,
    signed_requests: bool | None = None,
    sign_response: bool | None = None,
    starts_here: bool | None = None,
    start_page: str | None = None,
) -> ServiceProvider:
    """Change what is given of an application; `None` leaves a value as it is. Its entry in the catalogue is changed there.

    Raises:
        UnknownProvider: when there is no such application.
        UnusableApp: when a value cannot be used; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    with transaction.atomic():
        row = StoredProvider.objects.select_for_update().filter(pk=app_id).first()
        if row is None:
            raise UnknownProvider(f"No app {app_id[:63]!r} signs people in by SAML.", hint="ostiary app saml list")
        before = to_provider(row)
        if described is not None:
            _require_new(described.entity_id, except_app=row.app_id)
            row.entity_id, row.described = described.entity_id, msgspec.to_builtins(described)
        given: dict[str, Any] = {
            "name_format": name_format.value if name_format else None,
            "attributes": None if attributes is None else [[one.name, one.fact.value] for one in attributes],
            "signed_requests": signed_requests,
            "sign_response": sign_response,
            "starts_here": starts_here,
            "start_page": None if start_page is None else _start_page(start_page),
        }
        for field, value in given.items():
            if value is not None:
                setattr(row, field, value)
        after = to_provider(row)
        _require_checkable(after.described, signed_requests=after.signed_requests)
        if after == before:
            return before
        row.save()
        app = _follow(before, after, actor)
        _put_on_record(actor, "update", app, before=before, after=after)
    return after


def launch_url_of(app_id: str, described: Described, *, starts_here: bool) -> str:
    """Return where an application is opened when nobody said where: here, or at the start of its own host."""
    if starts_here:
        return own_address(f"{OPEN_PATH}/{app_id}")
    parts = urlsplit(described.consumers[0].url)
    return f"{parts.scheme}://{parts.netloc}/"


def _follow(before: ServiceProvider, after: ServiceProvider, actor: Actor) -> App:
    """Let the catalogue's address follow, where it was the one that follows from the application itself."""
    app = get_app(after.app)
    was = launch_url_of(after.app, before.described, starts_here=before.starts_here)
    wanted = launch_url_of(after.app, after.described, starts_here=after.starts_here)
    return change_app(app.id, launch_url=wanted, actor=actor) if app.launch_url == was != wanted else app


def _require_new(entity_id: str, *, except_app: str = "") -> None:
    other = StoredProvider.objects.filter(entity_id=entity_id).exclude(pk=except_app).first()
    if other is not None:
        raise UnusableApp(
            f"The app {other.app_id!r} has the entity ID {entity_id[:200]} already.",
            hint=f"Change that one: ostiary app saml change {other.app_id}",
        )


def _require_checkable(described: Described, *, signed_requests: bool) -> None:
    if (signed_requests or described.signs_requests) and not described.certificates:
        raise UnusableApp(
            "Its requests have to be signed, and no certificate of its is known to check them with.",
            hint="Import metadata with its certificate, or give it: --certificate FILE",
        )


def _known_format(described: Described) -> NameFormat:
    return next((NameFormat(one) for one in described.name_formats if one in set(NameFormat)), NameFormat.EMAIL)


def _start_page(text: str) -> str:
    if len(text.encode()) > MAX_START_PAGE or not text.isprintable():
        raise UnusableApp(f"The page to open has more than {MAX_START_PAGE} bytes, or characters that cannot be seen.")
    if text.startswith("http"):
        try:
            return parse_url(text)
        except RefusedMessage as refused:
            raise UnusableApp(refused.message, hint="Write it like https://app.example.com/start.") from None
    return text


def _put_on_record(
    actor: Actor, change: EntityChange, app: App, *, before: ServiceProvider | None = None, after: ServiceProvider
) -> None:
    record_entity_change(
        "saml service provider",
        app.id,
        change,
        actor=actor,
        name=app.name,
        before=None if before is None else msgspec.to_builtins(before),
        after=msgspec.to_builtins(after),
    )
