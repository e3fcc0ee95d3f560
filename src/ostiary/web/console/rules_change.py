"""Pages that change the rules: the editor, then what the change would do and what guards it, then it is applied."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.errors import OstiaryError
from ostiary.gateway.surroundings import read_surroundings
from ostiary.rulebook.facade import (
    AppliedRules,
    Plan,
    UnknownRules,
    apply_plan,
    get_applied,
    get_current,
    plan_change,
    propose_plan,
)
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.lock_out import request_of
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.replay import USUAL_DAYS, found_in
from ostiary.web.console.reviewed import replay_of
from ostiary.web.console.rules_text import rules_field, with_unix_lines
from ostiary.web.design.moments import describe_span_seconds

SECTION = Resource.RULES
MAX_NUMBER = 2**62
MOST_PEOPLE = 100
MAX_DAYS = 366


class GoAheadForm(forms.Form):
    """What somebody must say before a change that is stopped otherwise goes ahead."""

    people = forms.IntegerField(
        label=gettext_lazy("How many people lose something"),
        min_value=0,
        required=False,
        help_text=gettext_lazy("Type the number, so that nobody takes access from many by a slip."),
        widget=forms.NumberInput(attrs={"autocomplete": "off"}),
    )
    despite_failing_tests = forms.BooleanField(
        label=gettext_lazy("Go ahead although tests or clauses speak against it"),
        required=False,
        help_text=gettext_lazy("The history says so."),
    )


class RulesForm(GoAheadForm):
    """The rules as text, and why they change.

    `based_on` is the number of the rules that the text was made from; `restores` of those whose text it is again;
    `replay_days` says on the requests of how many days the review tries them.
    """

    document = rules_field()
    comment = forms.CharField(
        label=gettext_lazy("What this changes, and why"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Stands in the history beside your name."),
    )
    based_on = forms.IntegerField(min_value=0, max_value=MAX_NUMBER, widget=forms.HiddenInput)
    restores = forms.IntegerField(min_value=0, max_value=MAX_NUMBER, required=False, widget=forms.HiddenInput)
    replay_days = forms.IntegerField(min_value=1, max_value=MAX_DAYS, required=False, widget=forms.HiddenInput)


@console_page(Resource.RULES, Action.CHANGE, methods=WRITE)
def rules_edit(request: HttpRequest) -> HttpResponseBase:
    """Edit the rules, see what the change would do, apply it. Not where they come from a repository."""
    if settings.INSTANCE.configuration.rules.follow:
        messages.info(request, _("The rules come from a repository; change them there."))
        return redirect("console:rules")
    current = get_current()
    if request.method != "POST":
        form = RulesForm(initial={"document": current.document, "based_on": current.number})
        return _show_editor(request, form, {"document": current.document})
    form = RulesForm(with_unix_lines(request.POST))
    if not form.is_valid():
        return _show_editor(request, form, {"document": str(form.data.get("document", ""))}, status=422)
    sent = form.cleaned_data
    document, cedar, restores = _texts(sent, current)
    plan = plan_for(request, document, cedar)
    context = _judgement(plan, current if sent["based_on"] != current.number else None)
    if context["blocked"]:
        return _show_editor(request, form, context, status=422)
    if "back" in request.POST or plan.is_in_force:
        return _show_editor(request, form, context)
    if "apply" not in request.POST:
        return _show_review(request, form, context)
    try:
        return _carry_out(request, plan, sent, restores=restores)
    except OstiaryError as error:
        add_problem(form, error)
        return _show_review(request, form, context, status=422)


def review_change(request: HttpRequest, document: str, *, comment: str, replay_days: int) -> HttpResponseBase:
    """Show what a text that was made for the caller would change, as if they had written it in the editor.

    Args:
        request: of whoever wants the change.
        document: the new rules, made from those in force.
        comment: what the history says of it, unless they write something else.
        replay_days: on the requests of how many days it is tried.
    """
    current = get_current()
    said = {"document": document, "based_on": current.number, "comment": comment, "replay_days": replay_days}
    form = RulesForm(initial=said)
    context = _judgement(plan_for(request, document, current.cedar), None)
    return (_show_editor if context["blocked"] else _show_review)(request, form, context)


def plan_for(request: HttpRequest, document: str, cedar: str) -> Plan:
    """Return what a change by the caller would do."""
    caller = caller_of(request)
    return plan_change(
        document,
        cedar,
        actor=caller.actor,
        actor_request=request_of(caller),
        surroundings=read_surroundings(address=caller.address),
    )


def plan_in_words(plan: Plan) -> dict[str, Any]:
    """Return what the review of a plan shows, for templates."""
    return {
        "plan": plan,
        "report": plan.report,
        "difference": plan.difference,
        "changed": plan.reach.people[:MOST_PEOPLE],
        "more": max(0, len(plan.reach.people) - MOST_PEOPLE),
        "losing": len(plan.reach.losing),
        "time": describe_span_seconds(plan.confirm_seconds),
        "verb": _verb(plan),
    }


def show_applied(request: HttpRequest, applied: AppliedRules) -> HttpResponseBase:
    """Say that rules are in force; when they are on trial, at once: the next page may not open any more."""
    if applied.hold is not None and not applied.hold.ended_at:
        return render_page(request, "rules/trial.html", SECTION, {"hold": applied.hold, "just_applied": True})
    messages.success(request, _("Rules number %(number)d are in force.") % {"number": applied.number})
    return redirect("console:rules")


def _carry_out(request: HttpRequest, plan: Plan, sent: dict[str, Any], *, restores: int) -> HttpResponseBase:
    if plan.needs_approval:
        proposal = propose_plan(plan, comment=sent["comment"])
        messages.success(
            request, _("Proposal number %(number)d waits for another administrator.") % {"number": proposal.id}
        )
        return redirect("console:rules_proposals")
    applied = apply_plan(
        plan,
        comment=sent["comment"],
        people_named=sent["people"],
        restores=restores,
        despite_failing_tests=sent["despite_failing_tests"],
    )
    return show_applied(request, applied)


def _texts(sent: dict[str, Any], current: AppliedRules) -> tuple[str, str, int]:
    """Return document and Cedar text, and the number of the rules whose texts they are again, if they are."""
    document: str = sent["document"]
    if sent["restores"]:
        try:
            earlier = get_applied(sent["restores"])
        except UnknownRules:
            return document, current.cedar, 0
        if earlier.document == document:
            return document, earlier.cedar, earlier.number
    return document, current.cedar, 0


def _judgement(plan: Plan, overtaken_by: AppliedRules | None) -> dict[str, Any]:
    """Return everything that can be said about a text before it is applied."""
    return {
        **plan_in_words(plan),
        "document": plan.document,
        "wrong": " ".join(str(problem.line) for problem in plan.report.problems if problem.line),
        "overtaken": overtaken_by,
        "blocked": not plan.is_valid or overtaken_by is not None,
    }


def _verb(plan: Plan) -> str:
    """Return what the button says that carries the plan out."""
    count = len(plan.reach.people)
    if plan.needs_approval:
        return _("Propose to another administrator")
    if plan.hold_reasons:
        return _("Try them for %(time)s") % {"time": describe_span_seconds(plan.confirm_seconds)}
    if plan.people_to_name:
        return _("Take access from %(count)d people") % {"count": plan.people_to_name}
    if count:
        return ngettext("Apply to %(count)d person", "Apply to %(count)d people", count) % {"count": count}
    return _("Apply these rules")


def _show_editor(
    request: HttpRequest, form: RulesForm, context: dict[str, Any], *, status: int = 200
) -> HttpResponseBase:
    line_count = context["document"].count("\n") + 1
    shown = {**context, "form": form, "numbers": range(1, line_count + 1), "rows": max(line_count + 1, 12)}
    return render_page(request, "rules/edit.html", SECTION, shown, status=status)


def _show_review(
    request: HttpRequest, form: RulesForm, context: dict[str, Any], *, status: int = 200
) -> HttpResponseBase:
    days = int(form["replay_days"].value() or USUAL_DAYS)
    shown = {**context, "form": form, **_replayed(request, context["plan"], days)}
    return render_page(request, "rules/review.html", SECTION, shown, status=status)


def _replayed(request: HttpRequest, plan: Plan, days: int) -> dict[str, Any]:
    """Return what the rules would have done to what really happened, or how far that is."""
    replaying = replay_of(request, plan, days=days)
    return {"replaying": replaying, "replayed": found_in(replaying.report, {}) if replaying.report else {}}
