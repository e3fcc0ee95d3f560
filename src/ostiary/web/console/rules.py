"""Pages about the rules: as they are, changing them with the difference in words before applying, and their history."""

import time
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.applications.facade import list_apps
from ostiary.errors import OstiaryError
from ostiary.identity.facade import list_groups
from ostiary.rulebook.facade import (
    AppliedRules,
    Known,
    UnknownRules,
    apply_rules,
    check_rules,
    compare_rules,
    get_applied,
    get_applied_before,
    get_current,
    list_history,
)
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.lock_out import find_lock_out
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.tables import HISTORY

SECTION = Resource.RULES
MAX_CHARACTERS = 500_000


class RulesForm(forms.Form):
    """The rules as text, and why they change. `based_on` is the number of the rules that the text was made from."""

    document = forms.CharField(
        label=gettext_lazy("Rules"),
        required=False,
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"spellcheck": "false", "wrap": "off", "autocapitalize": "off"}),
    )
    comment = forms.CharField(
        label=gettext_lazy("What this changes, and why"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Stands in the history beside your name."),
    )
    based_on = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    despite_lock_out = forms.BooleanField(
        label=gettext_lazy("Apply them although they shut me out of the console"), required=False
    )


@console_page(Resource.RULES, Action.VIEW)
def rules(request: HttpRequest) -> HttpResponseBase:
    """Show the rules in force: in words, and as they are written."""
    current = get_current()
    context = {
        "current": current,
        "lines": current.document.splitlines(),
        "cedar_lines": current.cedar.splitlines(),
        "report": check_rules(current.document, current.cedar, known=_known()),
    }
    return render_page(request, "rules/show.html", SECTION, context)


@console_page(Resource.RULES, Action.CHANGE, methods=WRITE)
def rules_edit(request: HttpRequest) -> HttpResponseBase:
    """Edit the rules: check them, see what would change in words, apply them."""
    current = get_current()
    if request.method != "POST":
        form = RulesForm(initial={"document": current.document, "based_on": current.number})
        return _show_editor(request, form, {"document": current.document})
    form = RulesForm(_with_unix_lines(request.POST))
    if not form.is_valid():
        return _show_editor(request, form, {"document": str(form.data.get("document", ""))}, status=422)
    document: str = form.cleaned_data["document"]
    context = _judge(request, document, current, based_on=form.cleaned_data["based_on"])
    if "apply" not in request.POST or context["blocked"]:
        return _show_editor(request, form, context, status=422 if context["blocked"] else 200)
    if context["lock_out"] and not form.cleaned_data["despite_lock_out"]:
        return _show_editor(request, form, context, status=422)
    try:
        applied = apply_rules(
            document,
            current.cedar,
            comment=form.cleaned_data["comment"],
            known=_known(),
            actor=caller_of(request).actor,
        )
    except OstiaryError as error:
        add_problem(form, error)
        return _show_editor(request, form, context, status=422)
    messages.success(request, _("Rules number %(number)d are in force.") % {"number": applied.number})
    return redirect("console:rules")


@console_page(Resource.RULES, Action.VIEW)
@with_columns(HISTORY)
def rules_history(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List what was applied, the last first."""
    context = {"page": list_history(page=page_number(request)), "columns": columns}
    return render_page(request, "rules/history.html", SECTION, context)


@console_page(Resource.RULES, Action.VIEW)
def rules_version(request: HttpRequest, number: int) -> HttpResponseBase:
    """Show one set of rules from the history, and what it changed."""
    try:
        shown = get_applied(number)
    except UnknownRules:
        raise Http404 from None
    context = {
        "shown": shown,
        "lines": shown.document.splitlines(),
        "difference": _difference(get_applied_before(number), shown.document, shown.cedar),
        "in_force": shown.number == get_current().number,
    }
    return render_page(request, "rules/version.html", SECTION, context)


def _judge(request: HttpRequest, document: str, current: AppliedRules, *, based_on: int) -> dict[str, Any]:
    """Return everything that can be said about a text before it is applied."""
    report = check_rules(document, current.cedar, known=_known())
    overtaken = based_on != current.number
    fine = report.is_valid
    lock_out = find_lock_out(caller_of(request), document, current.cedar, time.time()) if fine else None
    return {
        "document": document,
        "report": report,
        "wrong": " ".join(str(problem.line) for problem in report.problems if problem.line),
        "overtaken": current if overtaken else None,
        "difference": _difference(current, document, current.cedar) if fine else None,
        "lock_out": lock_out,
        "blocked": not fine or overtaken,
    }


def _difference(before: AppliedRules, document: str, cedar: str) -> Any:
    try:
        return compare_rules(before.document, document, old_cedar=before.cedar, new_cedar=cedar)
    except OstiaryError:
        return None


def _known() -> Known:
    return Known(
        groups=frozenset(str(group.id) for group in list_groups()), apps=frozenset(str(app.id) for app in list_apps())
    )


def _with_unix_lines(sent: QueryDict) -> QueryDict:
    """Browsers send text areas with CR LF; the rules' text has plain line feeds."""
    changed = sent.copy()
    changed["document"] = str(sent.get("document", "")).replace("\r\n", "\n").replace("\r", "\n")
    return changed


def _show_editor(
    request: HttpRequest, form: RulesForm, context: dict[str, Any], *, status: int = 200
) -> HttpResponseBase:
    line_count = context["document"].count("\n") + 1
    shown = {**context, "form": form, "numbers": range(1, line_count + 1), "rows": max(line_count + 1, 12)}
    return render_page(request, "rules/edit.html", SECTION, shown, status=status)
