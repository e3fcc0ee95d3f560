"""Unlinking somebody from another directory, as an administrator. Owners do it in the portal."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import linked_sign_ins, unlink_directory
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.people import find_person, page_of
from ostiary.web.console.permissions import Action, Resource, may_act_on
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm

SECTION = Resource.PEOPLE


class UnlinkForm(ReasonForm):
    """Why, and whether even the last way in goes."""

    last_too = forms.BooleanField(
        label=gettext_lazy("Unlink it even if nothing else lets them in"),
        required=False,
        help_text=gettext_lazy("They then come back by a reset of their sign-in only."),
    )


@console_page(Resource.PEOPLE, Action.CHANGE, methods=WRITE)
def person_unlink(request: HttpRequest, person_id: str, link_id: str) -> HttpResponseBase:
    """Say what unlinking does, and do it."""
    shown, caller = find_person(person_id), caller_of(request)
    link = next((one for one in linked_sign_ins(shown.id) if one.id == link_id), None)
    if link is None or not may_act_on(caller.role, shown):
        raise Http404
    form = UnlinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            unlink_directory(
                person_id=shown.id,
                link_id=link_id,
                actor=caller.actor,
                reason=form.cleaned_data["reason"],
                last_too=form.cleaned_data["last_too"],
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s is unlinked.") % {"name": link.provider_name})
            return redirect("console:person", shown.id)
    context = {"form": form, "person": shown, "link": link, "back_url": page_of(shown)}
    return render_page(request, "people/unlink.html", SECTION, context, status=422 if form.errors else 200)
