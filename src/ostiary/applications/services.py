"""Adding, changing and removing applications. Each is one transaction, on record, and told to the gateway."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

from ostiary.applications.checking import check_tls, checked, refuse_fixed
from ostiary.applications.destinations import refuse_forbidden
from ostiary.applications.domain import CONSOLE_APP, App, SignIn, UnusableApp, wording
from ostiary.applications.models import StoredApp
from ostiary.applications.queries import to_app
from ostiary.changes import announce_change
from ostiary.config.places import Instance
from ostiary.visibility.domain.events import EntityChange
from ostiary.visibility.facade import Actor, record_entity_change

_HARMLESS_FIELDS = frozenset({"name", "description", "contact", "icon", "health_path"})


def add_app(
    app_id: str,
    *,
    upstream: str,
    actor: Actor,
    name: str = "",
    host: str = "",
    verify_tls: bool = True,
    ca_file: str = "",
    host_header: str = "",
    health_path: str = "",
    labels: Iterable[str] = (),
    methods: Mapping[str, str] | None = None,
    identity_headers: Mapping[str, str] | None = None,
    contact: str = "",
    streams: bool = True,
    idle: str = "",
    longest: str = "",
    description: str = "",
    icon: str = "",
) -> App:
    """Put an application behind the gateway. Nobody may open it until a rule says so.

    Args:
        app_id: what rules will name, 1 to 63 of `a-z`, `0-9`, `-`.
        upstream: `http://host[:port]` or `https://host[:port]`.
        actor: who adds it.
        name: what people read; empty takes the identifier.
        host: the host name in people's browsers; empty takes `<id>.<domain>`.
        verify_tls: check an https upstream's certificate.
        ca_file: PEM file of the authority that signed it; empty for the system's list.
        host_header: `Host` towards the upstream; empty passes on what the client asked for.
        health_path: asked for regularly; empty watches ordinary traffic.
        labels: what rules may name instead of the app.
        methods: HTTP method to action, where it differs from the default.
        identity_headers: header name to `email`, `id`, `name` or `groups`.
        contact: whom a refused person can write to.
        streams: whether WebSocket is forwarded.
        idle: unused for so long, such as `15m`, it asks for a fresh proof; empty for no limit of its own.
        longest: so long after the last proof it asks for a fresh one, such as `8h`; empty likewise.
        description: one line for the portal.
        icon: a picture's name for the portal.

    Raises:
        UnusableApp, MalformedIdentifier: when a value cannot be used; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    identifier = wording.parse_app_id(app_id)
    fields: dict[str, Any] = {
        "name": name or identifier,
        "host": host or f"{identifier}.{_instance().configuration.domain}",
        "upstream_url": upstream,
        "verify_tls": verify_tls,
        "ca_file": ca_file,
        "host_header": host_header,
        "health_path": health_path,
        "labels": list(labels),
        "methods": dict(methods or {}),
        "identity_headers": dict(identity_headers or {}),
        "contact": contact,
        "streams": streams,
        "idle_seconds": idle,
        "longest_seconds": longest,
        "description": description,
        "icon": icon,
    }
    refuse_forbidden(_instance(), upstream)
    return _store(identifier, fields, SignIn.GATEWAY, actor)


def add_app_elsewhere(
    app_id: str,
    *,
    sign_in: SignIn,
    launch_url: str,
    actor: Actor,
    name: str = "",
    labels: Iterable[str] = (),
    contact: str = "",
    description: str = "",
    icon: str = "",
) -> App:
    """Add an application that is not behind the gateway and asks the sign-in host who somebody is.

    Nobody may sign in to it until a rule says so. How it asks is registered by the room of that protocol.

    Args:
        app_id: what rules will name, as for `add_app`.
        sign_in: the protocol it speaks.
        launch_url: where people open it.
        actor: who adds it.
        name: what people read; empty takes the identifier.
        labels: what rules may name instead of the app.
        contact: whom a refused person can write to.
        description: one line for the portal.
        icon: a picture's name for the portal.

    Raises:
        UnusableApp, MalformedIdentifier: when a value cannot be used; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    identifier = wording.parse_app_id(app_id)
    if sign_in == SignIn.GATEWAY:
        raise UnusableApp("An app behind the gateway has an upstream.", hint="Add it with: ostiary app add")
    fields: dict[str, Any] = {
        "name": name or identifier,
        "launch_url": launch_url,
        "labels": list(labels),
        "contact": contact,
        "description": description,
        "icon": icon,
    }
    return _store(identifier, fields, SignIn(sign_in), actor)


def change_app(
    app_id: str,
    *,
    actor: Actor,
    upstream: str | None = None,
    name: str | None = None,
    host: str | None = None,
    verify_tls: bool | None = None,
    ca_file: str | None = None,
    host_header: str | None = None,
    health_path: str | None = None,
    labels: Iterable[str] | None = None,
    methods: Mapping[str, str] | None = None,
    identity_headers: Mapping[str, str] | None = None,
    contact: str | None = None,
    streams: bool | None = None,
    idle: str | None = None,
    longest: str | None = None,
    description: str | None = None,
    icon: str | None = None,
    launch_url: str | None = None,
) -> App:
    """Change what is given of an application; `None` leaves a value as it is, an empty limit takes it away.

    Raises:
        UnknownApp: when there is no such app.
        UnusableApp: when a value cannot be used, belongs to Ostiary itself, or means nothing for this kind of app;
            nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    given: dict[str, Any] = {
        "name": name,
        "host": host,
        "upstream_url": upstream,
        "verify_tls": verify_tls,
        "ca_file": ca_file,
        "host_header": host_header,
        "health_path": health_path,
        "labels": None if labels is None else list(labels),
        "methods": None if methods is None else dict(methods),
        "identity_headers": None if identity_headers is None else dict(identity_headers),
        "contact": contact,
        "streams": streams,
        "idle_seconds": idle,
        "longest_seconds": longest,
        "description": description,
        "icon": icon,
        "launch_url": launch_url,
    }
    if upstream is not None:
        refuse_forbidden(_instance(), upstream)
    with transaction.atomic():
        row = _locked(app_id)
        before = to_app(row)
        wanted = {field: value for field, value in given.items() if value is not None}
        refuse_fixed(row, wanted)
        changed = {
            field: value for field, value in checked(wanted, except_app=row.id).items() if getattr(row, field) != value
        }
        for field, value in changed.items():
            setattr(row, field, value)
        check_tls(row)
        if not changed:
            return before
        row.save()
        announce_change("applications", takes_away=not changed.keys() <= _HARMLESS_FIELDS)
        app = to_app(row)
        _put_on_record(actor, "update", app, before=before, after=app)
    return app


def remove_app(app_id: str, *, actor: Actor) -> None:
    """Take an application out of the catalogue. The application itself is not touched.

    Raises:
        UnknownApp: when there is no such app.
        UnusableApp: when it is part of Ostiary.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    with transaction.atomic():
        row = _locked(app_id)
        if row.builtin:
            raise UnusableApp(f"{row.name} is part of Ostiary and stays.")
        before = to_app(row)
        row.delete()
        announce_change("applications", takes_away=True)
        _put_on_record(actor, "delete", before, before=before)


def ensure_builtin_apps() -> App:
    """Create the app `console`, or move it to the instance's present domain; return it. Repeating is harmless."""
    instance = _instance()
    with transaction.atomic():
        row, created = StoredApp.objects.get_or_create(
            pk=CONSOLE_APP,
            defaults={
                "name": "Console",
                "host": instance.console_host,
                "builtin": True,
                "description": "Where administrators look after people, apps and rules.",
            },
        )
        if not created and row.host != instance.console_host:
            row.host = instance.console_host
            row.save(update_fields=["host", "changed_at"])
            created = True
        if created:
            announce_change("applications", takes_away=True)
    return to_app(row)


def _store(identifier: str, fields: Mapping[str, Any], sign_in: SignIn, actor: Actor) -> App:
    with transaction.atomic():
        if StoredApp.objects.filter(pk=identifier).exists():
            raise UnusableApp(
                f"There is already an app {identifier!r}.", hint=f"Change it: ostiary app change {identifier}"
            )
        row = StoredApp(pk=identifier, sign_in=sign_in.value, **checked(fields, except_app=identifier))
        check_tls(row)
        row.save(force_insert=True)
        announce_change("applications", takes_away=False)
        app = to_app(row)
        _put_on_record(actor, "create", app, after=app)
    return app


def _put_on_record(
    actor: Actor, change: EntityChange, app: App, *, before: App | None = None, after: App | None = None
) -> None:
    """Write the last step of the transaction: a change that cannot be recorded does not happen."""
    record_entity_change(
        "app",
        app.id,
        change,
        actor=actor,
        name=app.name,
        before=None if before is None else msgspec.to_builtins(before),
        after=None if after is None else msgspec.to_builtins(after),
    )


def _instance() -> Instance:
    instance: Instance = settings.INSTANCE
    return instance


def _locked(app_id: str) -> StoredApp:
    row = StoredApp.objects.select_for_update().filter(pk=app_id).first()
    if row is None:
        raise wording.unknown_app(app_id, StoredApp.objects.values_list("pk", flat=True))
    return row
