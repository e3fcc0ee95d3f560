"""Pages about apps: the list, one app, adding, changing and removing one. The catalogue itself is `applications`."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from ostiary.applications.facade import (
    App,
    AppHealth,
    Health,
    UnknownApp,
    add_app,
    app_health,
    change_app,
    get_app,
    limits_of,
    list_apps,
    remove_app,
)
from ostiary.errors import OstiaryError
from ostiary.oidc.facade import find_client
from ostiary.saml.facade import find_provider
from ostiary.web.console.app_form import AppForm
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.decision_rows import recent_decisions
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.tables import APPS

SECTION = Resource.APPS


def health_by_app() -> dict[str, AppHealth]:
    """Return what the gateway knows of each upstream, by app."""
    return {health.app: health for health in app_health()}


def listed_apps(text: str) -> list[App]:
    """Return apps whose name, host, identifier or labels match."""
    return [app for app in list_apps() if matches(text, (app.id, app.name, app.host, app.launch_url, *app.labels))]


@console_page(Resource.APPS, Action.VIEW)
@with_columns(APPS)
def apps(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the apps."""
    text = request.GET.get("q", "").strip()
    found = listed_apps(text)
    health = health_by_app()
    page = cut([(app, health.get(app.id)) for app in found], page_number(request))
    return render_page(request, "apps/list.html", SECTION, {"page": page, "columns": columns, "text": text})


@console_page(Resource.APPS, Action.EXPORT)
def apps_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed apps as a file."""
    if not wants_export(request):
        return redirect("console:apps")
    health = health_by_app()
    rows = (
        {
            "id": app.id,
            "name": app.name,
            "host": app.host,
            "upstream": app.upstream.url,
            "sign_in": app.sign_in.value,
            "launch_url": app.launch_url,
            "labels": " ".join(app.labels),
            "contact": app.contact,
            "health": _health_word(app, health.get(app.id)),
        }
        for app in listed_apps(request.GET.get("q", ""))
    )
    return export_table(request, "apps", rows)


@console_page(Resource.APPS, Action.VIEW)
def app(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Show one app with its story."""
    shown = find_app(app_id)
    context = {
        "app": shown,
        "health": health_by_app().get(shown.id),
        "decisions": recent_decisions(app=shown.id),
        "is_client": find_client(shown.id) is not None,
        "saml": find_provider(shown.id),
        "limits": limits_of(shown),
    }
    return render_page(request, "apps/detail.html", SECTION, context)


@console_page(Resource.APPS, Action.ENTER, methods=WRITE)
def app_add(request: HttpRequest) -> HttpResponseBase:
    """Add an app."""
    form = AppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = add_app(
                form.cleaned_data["app_id"], actor=caller_of(request).actor, **_without_nothing(form.values())
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(
                request,
                _("%(name)s is behind the gateway. Nobody can open it until a rule allows it.") % {"name": added.name},
            )
            return redirect("console:app", added.id)
    return render_page(request, "apps/form.html", SECTION, {"form": form}, status=422 if form.errors else 200)


@console_page(Resource.APPS, Action.CHANGE, methods=WRITE)
def app_change(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Change an app."""
    shown = find_app(app_id)
    form = AppForm(request.POST or None, app=shown)
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_app(shown.id, actor=caller_of(request).actor, **form.values())
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s was changed.") % {"name": changed.name})
            return redirect("console:app", changed.id)
    context = {"form": form, "app": shown}
    return render_page(request, "apps/form.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.APPS, Action.REMOVE, methods=WRITE)
def app_remove(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Say what removing an app does, and do it."""
    shown = find_app(app_id)
    if shown.builtin:
        raise Http404
    if request.method == "POST":
        try:
            remove_app(shown.id, actor=caller_of(request).actor)
        except OstiaryError as error:
            messages.error(request, str(error))
            return redirect("console:app", shown.id)
        messages.success(request, _("%(name)s is no longer reachable.") % {"name": shown.name})
        return redirect("console:apps")
    return render_page(
        request, "apps/remove.html", SECTION, {"app": shown, "back_url": reverse("console:app", args=(shown.id,))}
    )


def find_app(app_id: str) -> App:
    """Return the app or answer 404."""
    try:
        return get_app(app_id)
    except UnknownApp:
        raise Http404 from None


def _health_word(app: App, health: AppHealth | None) -> str:
    """The console itself is well when somebody exports from it."""
    if app.builtin:
        return Health.UP.value
    return (health.health if health is not None else Health.UNKNOWN).value


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
