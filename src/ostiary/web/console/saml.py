"""Pages about sign-in by SAML: what apps have to know of this instance, which apps there are, adding and changing one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ostiary.errors import OstiaryError
from ostiary.saml.facade import (
    ServiceProvider,
    add_provider,
    change_provider,
    find_provider,
    list_providers,
    own_description,
)
from ostiary.web.console.apps import find_app
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.saml_certificate import certificates
from ostiary.web.console.saml_form import SamlForm
from ostiary.web.console.tables import SAML_APPS

SECTION = Resource.APPS


def listed_providers(text: str) -> list[ServiceProvider]:
    """Return apps whose identifier, entity ID or addresses match."""
    return [
        one
        for one in list_providers()
        if matches(text, (one.app, one.entity_id, *(consumer.url for consumer in one.described.consumers)))
    ]


@console_page(Resource.APPS, Action.VIEW)
@with_columns(SAML_APPS)
def saml(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """Show what apps have to know of this instance, and the apps that sign people in with it."""
    text = request.GET.get("q", "").strip()
    context = {
        "page": cut(listed_providers(text), page_number(request)),
        "columns": columns,
        "text": text,
        "own": own_description(),
        **certificates(),
    }
    return render_page(request, "saml/list.html", SECTION, context)


@console_page(Resource.APPS, Action.EXPORT)
def saml_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed apps as a file."""
    if not wants_export(request):
        return redirect("console:saml")
    rows = (
        {
            "id": one.app,
            "entity_id": one.entity_id,
            "consumers": " ".join(consumer.url for consumer in one.described.consumers),
            "logout_url": one.described.logout_url,
            "name_format": one.name_format.name.lower(),
            "attributes": " ".join(f"{each.name}={each.fact.value}" for each in one.attributes),
            "signed_requests": one.signed_requests or one.described.signs_requests,
            "sign_response": one.sign_response,
            "starts_here": one.starts_here,
            "certificates": len(one.described.certificates),
        }
        for one in listed_providers(request.GET.get("q", ""))
    )
    return export_table(request, "saml-apps", rows)


@console_page(Resource.APPS, Action.ENTER, methods=WRITE)
def saml_add(request: HttpRequest) -> HttpResponseBase:
    """Add an app that people sign in to by SAML."""
    form = SamlForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = add_provider(
                form.cleaned_data["app_id"],
                described=form.described(),
                name=form.cleaned_data["name"],
                actor=caller_of(request).actor,
                **form.settings(),
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(
                request,
                _("The app is added. Nobody can sign in to it until a rule allows app:%(id)s.") % {"id": added.app},
            )
            return redirect("console:app", added.app)
    context = {"form": form, "own": own_description()}
    return render_page(request, "saml/form.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.APPS, Action.CHANGE, methods=WRITE)
def saml_change(request: HttpRequest, app_id: str) -> HttpResponseBase:
    """Change how people sign in to an app by SAML."""
    shown = find_provider(find_app(app_id).id)
    if shown is None:
        messages.info(request, _("Nobody signs in to this app by SAML."))
        return redirect("console:app", app_id)
    form = SamlForm(request.POST or None, provider=shown)
    if request.method == "POST" and form.is_valid():
        try:
            change_provider(
                shown.app, described=form.described_anew(), actor=caller_of(request).actor, **form.settings()
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The sign-in is changed. It holds from the next one on."))
            return redirect("console:app", shown.app)
    context = {"form": form, "provider": shown}
    return render_page(request, "saml/form.html", SECTION, context, status=422 if form.errors else 200)
