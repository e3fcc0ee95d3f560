"""Pages about decisions: searching them, and one with every input it was decided on."""

import json
import time
from datetime import datetime
from typing import Any, Final

from django import forms
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.applications.facade import list_apps
from ostiary.policy.decision import ReasonCode
from ostiary.visibility.facade import (
    DecisionQuery,
    LineGone,
    UnknownDecision,
    get_decision,
    get_event,
    latest_decisions,
    search_decisions,
)
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.decision_inputs import list_inputs
from ostiary.web.console.decision_rows import tell_decisions, with_told_words
from ostiary.web.console.explain import asked_again, why_of
from ostiary.web.console.export import export_table, pages_of, wants_export
from ostiary.web.console.guard import console_page
from ostiary.web.console.kept import kept_test_of
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.tables import DECISIONS
from ostiary.web.console.words import OUTCOME_NAMES, REASON_NAMES, tell_decision

SECTION = Resource.DECISIONS
SPANS: Final[tuple[tuple[str, int, Promise], ...]] = (
    ("hour", 3600, _("Last hour")),
    ("day", 86400, _("Last 24 hours")),
    ("week", 604800, _("Last 7 days")),
    ("month", 2592000, _("Last 30 days")),
)
_EVERYTHING: Final = [("", _("Any"))]


class DecisionFilters(forms.Form):
    """What to look for. An unknown value narrows nothing: the page says which one it was."""

    q = forms.CharField(label=_("Contains"), required=False, max_length=200)
    person = forms.CharField(label=_("Person"), required=False, max_length=320)
    app = forms.ChoiceField(label=_("App"), required=False)
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=[*_EVERYTHING, *OUTCOME_NAMES.items()])
    reason = forms.ChoiceField(
        label=_("Reason"),
        required=False,
        choices=[*_EVERYTHING, *((code.value, REASON_NAMES[code]) for code in ReasonCode)],
    )
    span = forms.ChoiceField(
        label=_("When"), required=False, choices=[("", _("Any time")), *((key, name) for key, _seconds, name in SPANS)]
    )
    grants = forms.BooleanField(label=_("Also requests on a grant"), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        choices = [*_EVERYTHING, *((str(app.id), app.name) for app in list_apps())]
        wanted = str(data.get("app", ""))
        if wanted and all(wanted != key for key, _name in choices):
            choices.append((wanted, wanted))
        self.fields["app"].choices = choices  # type: ignore[attr-defined]

    def query(self, *, page: int, page_size: int, now: float) -> DecisionQuery:
        """Return the question in the record's terms."""
        self.is_valid()
        said = self.cleaned_data
        seconds = {key: length for key, length, _name in SPANS}.get(said.get("span", ""))
        return DecisionQuery(
            text=said.get("q", ""),
            person=said.get("person", ""),
            app=said.get("app", ""),
            outcome=said.get("outcome", ""),
            reason=said.get("reason", ""),
            since=None if seconds is None else now - seconds,
            stream="" if said.get("grants") else "decisions",
            page=page,
            page_size=page_size,
        )


@console_page(Resource.DECISIONS, Action.VIEW)
@with_columns(DECISIONS)
def decisions(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """Search decisions, newest first."""
    filters = DecisionFilters(request.GET)
    page = search_decisions(filters.query(page=page_number(request), page_size=PAGE_SIZE, now=time.time()))
    context = {
        "filters": filters,
        "filtered": any(request.GET.get(name) for name in filters.fields),
        "page": page,
        "columns": columns,
        "told": tell_decisions(page.items),
        "now": timezone.now(),
    }
    return render_page(request, "decisions/list.html", SECTION, context)


@console_page(Resource.DECISIONS, Action.EXPORT)
def decisions_export(request: HttpRequest) -> HttpResponseBase:
    """Return what was found as a file, at most 10,000 rows."""
    if not wants_export(request):
        return redirect("console:decisions")
    filters, now = DecisionFilters(request.GET), time.time()
    pages = pages_of(lambda page, size: search_decisions(filters.query(page=page, page_size=size, now=now)))
    told = ((row, words) for rows in pages for row, words in with_told_words(rows))
    table = (
        {
            "at": datetime.fromtimestamp(row.at, tz=timezone.get_default_timezone()).isoformat(),
            "reference": row.reference,
            "outcome": row.outcome,
            "reason": row.reason,
            "why": words,
            "email": row.email,
            "app": row.app,
            "rule": row.rule,
            "method": row.method,
            "host": row.host,
            "path": row.path,
            "address": row.address,
            "country": row.country,
        }
        for row, words in told
    )
    return export_table(request, "decisions", table)


@console_page(Resource.DECISIONS, Action.VIEW)
def decision(request: HttpRequest, reference: str) -> HttpResponseBase:
    """Show one decision: each input and what it did, the rules, the event."""
    try:
        record = get_decision(reference)
    except UnknownDecision:
        raise Http404 from None
    except LineGone as error:
        return render_page(
            request, "decisions/gone.html", SECTION, {"problem": error, "reference": reference}, status=410
        )
    row = next(iter(latest_decisions(DecisionQuery(reference=record.reference, stream="", page_size=1))), None)
    event = get_event(row.stream, row.seq) if row else None
    apps = {str(app.id): app.name for app in list_apps()}
    app = str(record.request.resource.app) if record.request else ""
    context = {
        "record": record,
        "sentence": tell_decision(
            outcome=record.outcome,
            who=record.name or record.email,
            app=apps.get(app, app) or record.http.host,
            reason=str(getattr(record.decision, "reason", "")),
            why=record.told,
        ),
        "inputs": list_inputs(record),
        "why": why_of(request, record),
        "again_url": asked_again(record),
        "kept": kept_test_of(request, record),
        "event": json.dumps(event, indent=2, ensure_ascii=False) if event else "",
    }
    return render_page(request, "decisions/detail.html", SECTION, context)


@console_page(Resource.DECISIONS, Action.EXPORT)
def decision_event(_request: HttpRequest, reference: str) -> HttpResponseBase:
    """Return the whole event of one decision as JSON."""
    try:
        record = get_decision(reference)
        row = next(iter(latest_decisions(DecisionQuery(reference=record.reference, stream="", page_size=1))))
        event = get_event(row.stream, row.seq)
    except (UnknownDecision, LineGone, StopIteration):
        raise Http404 from None
    return JsonResponse(
        event, headers={"Content-Disposition": f'attachment; filename="decision-{record.reference}.json"'}
    )
