"""Reads of the catalogue. They return frozen types and change nothing."""

from django.conf import settings

from ostiary.applications.adapters.upstream_health import read_upstream_health
from ostiary.applications.domain import App, AppHealth, LabelLimits, Limits, SignIn, Upstream, limits_for
from ostiary.applications.domain.wording import unknown_app
from ostiary.applications.models import StoredApp, StoredLabelLimits
from ostiary.policy.identifiers import AppId, Label
from ostiary.policy.request import ActionClass


def list_apps() -> tuple[App, ...]:
    """Return every app by name, the built-in console included."""
    return tuple(to_app(row) for row in StoredApp.objects.all())


def list_guarded_apps() -> tuple[App, ...]:
    """Return the apps behind the gateway by name, the built-in console included."""
    return tuple(to_app(row) for row in StoredApp.objects.filter(sign_in=SignIn.GATEWAY))


def get_app(app_id: str) -> App:
    """Return one app.

    Raises:
        UnknownApp: when there is none, with the nearest name.
    """
    row = StoredApp.objects.filter(pk=app_id).first()
    if row is None:
        raise unknown_app(app_id, StoredApp.objects.values_list("pk", flat=True))
    return to_app(row)


def list_label_limits() -> tuple[LabelLimits, ...]:
    """Return the limits that labels bring, by label."""
    return tuple(
        LabelLimits(label=Label(row.label), idle_seconds=row.idle_seconds, longest_seconds=row.longest_seconds)
        for row in StoredLabelLimits.objects.order_by("label")
    )


def limits_of(app: App) -> Limits:
    """Return the limits that hold for an app, each with where it comes from."""
    return limits_for(app, {one.label: one for one in list_label_limits()})


def app_health() -> tuple[AppHealth, ...]:
    """Return how each app's upstream is doing, as the data plane sees it at this moment."""
    return read_upstream_health(list_guarded_apps(), admin_socket=settings.INSTANCE.envoy_admin_socket)


def to_app(row: StoredApp) -> App:
    """Return the stored app as the rest of Ostiary sees it."""
    return App(
        id=AppId(row.id),
        name=row.name,
        host=row.host,
        upstream=Upstream(
            url=row.upstream_url,
            verify_tls=row.verify_tls,
            ca_file=row.ca_file,
            host_header=row.host_header,
            health_path=row.health_path,
        ),
        labels=tuple(Label(label) for label in row.labels),
        methods={method: ActionClass(action) for method, action in row.methods.items()},
        identity_headers=dict(row.identity_headers),
        contact=row.contact,
        streams=row.streams,
        idle_seconds=row.idle_seconds,
        longest_seconds=row.longest_seconds,
        description=row.description,
        icon=row.icon,
        builtin=row.builtin,
        sign_in=SignIn(row.sign_in),
        launch_url=row.launch_url,
    )
