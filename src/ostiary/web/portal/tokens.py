"""My access tokens: what there is, a new one, revoking."""

import time

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.applications.facade import list_apps
from ostiary.errors import OstiaryError
from ostiary.identity.entrance import person_actor
from ostiary.identity.facade import client_of, get_person
from ostiary.policy.identifiers import AppId, PersonId
from ostiary.web.portal.access import my_apps
from ostiary.web.signin.device import device_as_rules_see_it
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import recent_proof_or_redirect
from ostiary.workloads.facade import (
    LONGEST_TOKEN_DAYS,
    PersonalToken,
    UnknownToken,
    get_token,
    list_tokens,
    make_token,
    revoke_token,
)

USUAL_DAYS = 90


class TokenForm(forms.Form):
    """What a script is for, what it opens, and for how long."""

    name = forms.CharField(label=gettext_lazy("What it is for"), max_length=100)
    apps = forms.MultipleChoiceField(label=gettext_lazy("Apps it opens"), widget=forms.CheckboxSelectMultiple)
    edit = forms.BooleanField(
        label=gettext_lazy("It may also edit"),
        required=False,
        help_text=gettext_lazy("Without this it only views. It never deletes."),
    )
    days = forms.IntegerField(label=gettext_lazy("Days it works"), min_value=1, initial=USUAL_DAYS)


@require_safe
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the tokens of the person, those that work first."""
    row, _session = signed_in(request)
    now = time.time()
    found = sorted(list_tokens(person=PersonId(row.id)), key=lambda one: (not one.works(now), -one.created_at))
    context = {"tokens": [(one, one.works(now)) for one in found], "may_make": _longest() > 0}
    return render(request, "portal/tokens.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def new_token(request: HttpRequest) -> HttpResponse:
    """Make a token after a fresh proof, and show it this once."""
    row, session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    form = TokenForm(request.POST or None, initial={"days": min(USUAL_DAYS, _longest())})
    offered = {app.id for app in list_apps() if app.behind_gateway and not app.builtin}
    person, address = get_person(PersonId(row.id)), client_of(request).address
    device = device_as_rules_see_it(request, person.id)
    mine = my_apps(person=person, session=session, address=address, now=time.time(), device=device)
    choices = [(one.app.id, one.app.name) for one in (*mine.open, *mine.waiting) if one.app.id in offered]
    form.fields["apps"].choices = choices  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = make_token(
                person_id=PersonId(row.id),
                name=said["name"],
                apps=map(AppId, said["apps"]),
                edit=said["edit"],
                days=said["days"],
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            first = next(app for app in list_apps() if app.id == made.token.apps[0])
            url = settings.INSTANCE.url(first.host, "/")
            return render(request, "portal/token_made.html", {"made": made, "url": url})
    return render(request, "portal/token_new.html", {"form": form, "longest": _longest()})


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, token_id: str) -> HttpResponse:
    """Say what follows, then revoke; somebody else's token does not exist for this page."""
    row, _session = signed_in(request)
    try:
        found = _mine(token_id, PersonId(row.id))
        if request.method == "GET":
            return render(request, "portal/token_revoke.html", {"token": found})
        revoke_token(found.id, person_id=PersonId(row.id), actor=person_actor(request, row))
    except UnknownToken:
        messages.info(request, _("That token is gone already."))
    else:
        messages.success(request, _("“%(name)s” is revoked.") % {"name": found.name})
    return HttpResponseRedirect(reverse("portal_tokens"))


def _mine(token_id: str, person_id: PersonId) -> PersonalToken:
    found = get_token(token_id)
    if found.person != person_id or found.revoked_at is not None:
        raise UnknownToken("There is no such token.")
    return found


def _longest() -> int:
    return min(settings.INSTANCE.configuration.workloads.personal_token_days, LONGEST_TOKEN_DAYS)
