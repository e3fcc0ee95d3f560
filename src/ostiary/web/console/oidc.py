"""Pages about applications that sign people in here by OpenID Connect. What a client is and may be lives in `oidc`."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ostiary.errors import OstiaryError
from ostiary.oidc.facade import (
    Added,
    Client,
    add_client,
    change_client,
    count_sign_ins,
    find_client,
    find_preset,
    issuer,
    last_logout_problems,
    list_clients,
    remove_client,
    rotate_secret,
)
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.oidc_form import ClientForm
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.tables import CLIENTS

SECTION = Resource.APPS


def listed_clients(text: str) -> list[Client]:
    """Return clients whose name, identifier, product or redirect URIs match."""
    return [one for one in list_clients() if matches(text, (one.id, one.name, one.preset, *one.redirect_uris))]


@console_page(Resource.APPS, Action.VIEW)
@with_columns(CLIENTS)
def clients(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the clients."""
    text = request.GET.get("q", "").strip()
    living = count_sign_ins()
    page = cut([(one, living.get(one.id, 0)) for one in listed_clients(text)], page_number(request))
    return render_page(request, "oidc/list.html", SECTION, {"page": page, "columns": columns, "text": text})


@console_page(Resource.APPS, Action.EXPORT)
def clients_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed clients as a file."""
    if not wants_export(request):
        return redirect("console:clients")
    living = count_sign_ins()
    rows = (
        {
            "id": one.id,
            "name": one.name,
            "product": one.preset,
            "proves_itself_by": one.kind.value,
            "pkce": one.pkce,
            "redirect_uris": " ".join(one.redirect_uris),
            "post_logout_redirect_uris": " ".join(one.post_logout_redirect_uris),
            "backchannel_logout_uri": one.backchannel_logout_uri,
            "claims": " ".join(f"{claim}={source}" for claim, source in one.claims.items()),
            "roles": " ".join(f"{group}={role}" for group, role in one.roles.items()),
            "sign_ins": living.get(one.id, 0),
            "added_at": one.added_at,
        }
        for one in listed_clients(request.GET.get("q", ""))
    )
    return export_table(request, "sign-in-clients", rows)


@console_page(Resource.APPS, Action.VIEW)
def client(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Show one client, and what to type into the application."""
    shown = _found(app_id)
    context = {
        "client": shown,
        "issuer": issuer(),
        "steps": find_preset(shown.preset).steps(issuer(), shown.id) if shown.preset else (),
        "sign_ins": count_sign_ins().get(shown.id, 0),
        "problem": last_logout_problems().get(shown.id, ""),
    }
    return render_page(request, "oidc/detail.html", SECTION, context)


@console_page(Resource.APPS, Action.ENTER, methods=WRITE)
def client_add(request: HttpRequest) -> HttpResponseBase:
    """Register an application; its secret is shown on the page that answers, and nowhere again."""
    form = ClientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = add_client(form.cleaned_data["app_id"], actor=caller_of(request).actor, **form.added())
        except OstiaryError as error:
            add_problem(form, error)
        else:
            return _shown_once(request, added)
    return render_page(request, "oidc/form.html", SECTION, {"form": form}, status=422 if form.errors else 200)


@console_page(Resource.APPS, Action.CHANGE, methods=WRITE)
def client_change(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Change a client."""
    shown = _found(app_id)
    form = ClientForm(request.POST or None, client=shown)
    if request.method == "POST" and form.is_valid():
        try:
            change_client(shown.id, actor=caller_of(request).actor, **form.changed())
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s was changed.") % {"name": shown.name})
            return redirect("console:client", shown.id)
    context = {"form": form, "client": shown}
    return render_page(request, "oidc/form.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.APPS, Action.CHANGE, methods=WRITE)
def client_secret(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Say what a new secret does, and make one."""
    shown = _found(app_id)
    if request.method == "POST":
        try:
            return _shown_once(request, rotate_secret(shown.id, actor=caller_of(request).actor))
        except OstiaryError as error:
            messages.error(request, str(error))
            return redirect("console:client", shown.id)
    return render_page(request, "oidc/secret.html", SECTION, {"client": shown})


@console_page(Resource.APPS, Action.REMOVE, methods=WRITE)
def client_remove(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Say what removing a client does, and do it."""
    shown = _found(app_id)
    if request.method == "POST":
        try:
            remove_client(shown.id, actor=caller_of(request).actor)
        except OstiaryError as error:
            messages.error(request, str(error))
            return redirect("console:client", shown.id)
        messages.success(request, _("%(name)s signs nobody in any more.") % {"name": shown.name})
        return redirect("console:clients")
    return render_page(request, "oidc/remove.html", SECTION, {"client": shown})


def _shown_once(request: HttpRequest, added: Added) -> HttpResponseBase:
    one = added.client
    steps = find_preset(one.preset).steps(issuer(), one.id) if one.preset else ()
    context = {"client": one, "secret": added.secret, "issuer": issuer(), "steps": steps}
    return render_page(request, "oidc/added.html", SECTION, context)


def _found(app_id: str) -> Client:
    found = find_client(app_id)
    if found is None:
        raise Http404
    return found
