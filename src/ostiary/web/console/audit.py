"""Pages about the record: sign-ins and administrators' actions, the log's state, checking and downloading it."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ostiary.errors import OstiaryError
from ostiary.visibility.facade import (
    EventKind,
    EventQuery,
    LineGone,
    StreamReport,
    UnknownDecision,
    get_event,
    get_log_status,
    list_events,
    record_entity_change,
)
from ostiary.web.console.archive import pack_folder
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.audit_check import check_record
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.decisions import SPANS
from ostiary.web.console.export import export_table, pages_of, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.tables import EVENTS
from ostiary.web.console.words import EVENT_KIND_NAMES

SECTION = Resource.AUDIT


class EventFilters(forms.Form):
    """What to look for."""

    q = forms.CharField(label=_("Contains"), required=False, max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("Any")), *EVENT_KIND_NAMES.items()])
    success = forms.ChoiceField(
        label=_("Result"), required=False, choices=[("", _("Any")), ("yes", _("Succeeded")), ("no", _("Failed"))]
    )
    span = forms.ChoiceField(
        label=_("When"), required=False, choices=[("", _("Any time")), *((key, name) for key, _seconds, name in SPANS)]
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")

    def query(self, *, page: int, page_size: int, now: float) -> EventQuery:
        """Return the question in the record's terms."""
        self.is_valid()
        said = self.cleaned_data
        seconds = {key: length for key, length, _name in SPANS}.get(said.get("span", ""))
        kind: EventKind | None = said.get("kind") or None
        return EventQuery(
            text=said.get("q", ""),
            kinds=(kind,) if kind else (),
            success={"yes": True, "no": False}.get(said.get("success", "")),
            since=None if seconds is None else now - seconds,
            page=page,
            page_size=page_size,
        )


@console_page(Resource.AUDIT, Action.VIEW, methods=WRITE)
@with_columns(EVENTS)
def audit(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List events; sent as a form, also check the record."""
    filters = EventFilters(request.GET)
    status = get_log_status()
    reports: tuple[StreamReport, ...] = ()
    problem: OstiaryError | None = None
    if request.method == "POST":
        try:
            reports = check_record(settings.INSTANCE, status)
        except OstiaryError as error:
            problem = error
    context = {
        "filters": filters,
        "filtered": any(request.GET.get(name) for name in filters.fields),
        "page": list_events(filters.query(page=page_number(request), page_size=PAGE_SIZE, now=time.time())),
        "columns": columns,
        "status": status,
        "reports": reports,
        "intact": all(report.intact for report in reports),
        "problem": problem,
        "now": timezone.now(),
    }
    return render_page(request, "audit/list.html", SECTION, context)


@console_page(Resource.AUDIT, Action.EXPORT)
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed events as a file, at most 10,000 rows."""
    if not wants_export(request):
        return redirect("console:audit")
    filters, now = EventFilters(request.GET), time.time()
    pages = pages_of(lambda page, size: list_events(filters.query(page=page, page_size=size, now=now)))
    rows = (
        {
            "at": datetime.fromtimestamp(event.at, tz=UTC).isoformat(),
            "kind": event.kind,
            "activity": event.activity,
            "success": event.success,
            "actor": event.actor_label or event.actor,
            "target": event.target_label or event.target,
            "reason": event.reason,
            "words": event.words,
            "address": event.address,
        }
        for events in pages
        for event in events
    )
    return export_table(request, "audit", rows)


@console_page(Resource.AUDIT, Action.VIEW)
def audit_event(request: HttpRequest, stream: str, seq: int) -> HttpResponseBase:
    """Show one event as it stands on the record."""
    try:
        event = get_event(stream, seq)
    except (UnknownDecision, LineGone):
        raise Http404 from None
    context = {
        "event": json.dumps(event, indent=2, ensure_ascii=False),
        "words": event.get("message", ""),
        "at": float(event.get("time", 0)) / 1000,
        "stream": stream,
        "seq": seq,
    }
    return render_page(request, "audit/event.html", SECTION, context)


@console_page(Resource.AUDIT, Action.EXPORT)
def audit_download(request: HttpRequest) -> HttpResponseBase:
    """Return the whole record as an archive that `ostiary audit verify` checks anywhere; on record itself."""
    now = time.time()
    record_entity_change("record", "audit", "read", actor=caller_of(request).actor, name="audit log", at=now)
    name = f"audit-{datetime.fromtimestamp(now, tz=UTC):%Y%m%d-%H%M%S}"
    return StreamingHttpResponse(
        pack_folder(settings.INSTANCE.audit, name),
        content_type="application/x-tar",
        headers={"Content-Disposition": f'attachment; filename="{name}.tar"'},
    )
