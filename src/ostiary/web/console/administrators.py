"""Who is an administrator and who may become one; and turning the former into the latter."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import ELIGIBLE
from ostiary.requests.facade import list_administrators, turn_into_eligible
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem

SECTION = Resource.GROUPS


class KeepForm(forms.Form):
    """Who is to stay a standing administrator."""

    keep = forms.MultipleChoiceField(
        label=gettext_lazy("Stay administrators without an end"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


@console_page(Resource.GROUPS, Action.GRANT, methods=WRITE)
def administrators_eligible(request: HttpRequest) -> HttpResponseBase:
    """Say what turning standing administrators into eligible ones does to whom, and do it."""
    found = list_administrators()
    form = KeepForm(request.POST or None)
    field: forms.MultipleChoiceField = form.fields["keep"]  # type: ignore[assignment]
    field.choices = [(one.email, one.email) for one in found if one.standing and not one.stays]
    if request.method == "POST" and form.is_valid():
        try:
            before = turn_into_eligible(keep=form.cleaned_data["keep"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            turned = [one.email for one in before if one.standing and not one.stays]
            messages.success(
                request, _("From now on administrators only when needed: %(who)s.") % {"who": ", ".join(turned)}
            )
            return redirect(reverse("console:group", args=[ELIGIBLE]))
    context = {"form": form, "found": found, "turnable": field.choices, "oneself": caller_of(request).person.email}
    return render_page(request, "groups/administrators.html", SECTION, context, status=422 if form.errors else 200)
