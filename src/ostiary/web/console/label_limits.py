"""Pages about the limits that labels bring: how long their apps go on without a fresh proof."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.applications.facade import limit_text, list_apps, list_label_limits, set_label_limits
from ostiary.errors import OstiaryError
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem

SECTION = Resource.APPS


class LabelLimitsForm(forms.Form):
    """The limits of one label."""

    label = forms.CharField(
        label=gettext_lazy("Label"), max_length=63, help_text=gettext_lazy("As apps have it, such as restricted.")
    )
    idle = forms.CharField(
        label=gettext_lazy("Idle limit"),
        max_length=16,
        required=False,
        help_text=gettext_lazy("Unused for so long, an app asks for a fresh proof, such as 15m. Empty for none."),
    )
    longest = forms.CharField(
        label=gettext_lazy("Longest time between proofs"),
        max_length=16,
        required=False,
        help_text=gettext_lazy("However the app is used, such as 8h. Empty for none."),
    )


@console_page(Resource.APPS, Action.VIEW)
def label_limits(request: HttpRequest) -> HttpResponseBase:
    """List labels with limits, and the apps that have each."""
    apps = list_apps()
    found = [(one, [app for app in apps if one.label in app.labels]) for one in list_label_limits()]
    return render_page(request, "apps/limits.html", SECTION, {"found": found})


@console_page(Resource.APPS, Action.CHANGE, methods=WRITE)
def label_limits_change(request: HttpRequest) -> HttpResponseBase:
    """Set the limits of a label, or take them away."""
    known = {str(one.label): one for one in list_label_limits()}
    named = request.GET.get("label", "")[:63]
    held = known.get(named)
    initial = {
        "label": named,
        "idle": limit_text(held.idle_seconds) if held else "",
        "longest": limit_text(held.longest_seconds) if held else "",
    }
    form = LabelLimitsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            stored = set_label_limits(actor=caller_of(request).actor, **form.cleaned_data)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The limits of %(label)s are set.") % {"label": stored.label})
            return redirect("console:label_limits")
    used = sorted({str(label) for app in list_apps() for label in app.labels})
    context = {"form": form, "used": used, "limits": held, "back_url": reverse("console:label_limits")}
    return render_page(request, "apps/limits_form.html", SECTION, context, status=422 if form.errors else 200)
