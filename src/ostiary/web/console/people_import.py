"""Pages on which a CSV file of people is downloaded, and uploaded: what it would change first. The file is `identity`'s."""

import hashlib
from typing import Final

import msgspec
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import ImportPlan, decode_people_file, export_people, import_people, plan_people_import
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem

SECTION = Resource.PEOPLE
MAX_BYTES: Final = 1_000_000


class ImportForm(forms.Form):
    """A file of people. After the first look its text is sent again, with what was seen."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"), required=False, help_text=gettext_lazy("UTF-8, at most 1 MB.")
    )
    text = forms.CharField(required=False, strip=False, max_length=MAX_BYTES, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    update = forms.BooleanField(
        label=gettext_lazy("Also change people who have an account"),
        required=False,
        help_text=gettext_lazy("Where the file says otherwise. Columns that are absent change nothing."),
    )

    @property
    def content(self) -> str:
        """The text of the file: uploaded now, or before.

        Raises:
            UnreadablePeopleFile: when it is too large or not UTF-8.
        """
        upload = self.cleaned_data.get("file")
        return decode_people_file(upload.read(MAX_BYTES + 1), MAX_BYTES) if upload else self.cleaned_data["text"]


@console_page(Resource.PEOPLE, Action.EXPORT)
def people_table(request: HttpRequest) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """Return everybody as the CSV file that can be imported again."""
    headers = {"Content-Disposition": 'attachment; filename="people-to-import.csv"'}
    return HttpResponse(export_people(), content_type="text/csv; charset=utf-8", headers=headers)


@console_page(Resource.PEOPLE, Action.CHANGE, methods=WRITE)
def people_import(request: HttpRequest) -> HttpResponseBase:
    """Take a file, say what it would change, and do that when it is confirmed."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _show(request, form)
    try:
        text, update = form.content, form.cleaned_data["update"]
        plan = plan_people_import(text, update=update)
        seen = _fingerprint(plan)
        if plan.problems or form.cleaned_data["seen"] != seen:
            context = {
                "plan": plan,
                "text": text,
                "update": update,
                "seen": seen,
                "otherwise": bool(form.cleaned_data["seen"]) and not plan.problems,
                "nothing": not (plan.invite or plan.change or plan.problems),
            }
            status = 422 if plan.problems else 200
            return render_page(request, "people/import_review.html", SECTION, context, status=status)
        done = import_people(plan=plan, actor=caller_of(request).actor)
    except OstiaryError as error:
        add_problem(form, error)
        return _show(request, form)
    words = {"invited": len(done.invited), "changed": done.changed}
    messages.success(request, _("The file was imported: %(invited)d invited, %(changed)d changed.") % words)
    return redirect("console:people")


def _show(request: HttpRequest, form: ImportForm) -> HttpResponseBase:
    return render_page(request, "people/import.html", SECTION, {"form": form}, status=422 if form.errors else 200)


def _fingerprint(plan: ImportPlan) -> str:
    """Return what tells two plans apart: what is done is what was seen."""
    return hashlib.sha256(msgspec.json.encode(plan, order="deterministic")).hexdigest()
