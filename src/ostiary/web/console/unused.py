"""Pages about what the rules allow and nobody used. Taking it out is a change of the rules like any other, reviewed as one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.errors import OstiaryError
from ostiary.policy.unused_parts import UnusedPart, parts_of
from ostiary.rulebook.facade import UnusedPermissions, get_current, write_without
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, read_choice, with_columns
from ostiary.web.console.export import MAX_ROWS, export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.looking import DAY_SECONDS, LOOKS, Looking
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource, may
from ostiary.web.console.rules_change import review_change
from ostiary.web.console.tables import UNUSED

SECTION = Resource.RULES
USUAL_DAYS: Final = 90
SPANS: Final = (
    (30, gettext_lazy("Last 30 days")),
    (90, gettext_lazy("Last 90 days")),
    (180, gettext_lazy("Last 180 days")),
    (365, gettext_lazy("Last 365 days")),
)


class UnusedFilters(forms.Form):
    """How far back to look, and what to show of it. An unknown value narrows nothing."""

    q = forms.CharField(label=gettext_lazy("Contains"), required=False, max_length=200)
    days = forms.TypedChoiceField(label=gettext_lazy("Not used in"), choices=SPANS, coerce=int, required=False)

    def __init__(self, data: QueryDict) -> None:
        shown = data.copy()
        shown.setdefault("days", str(USUAL_DAYS))
        super().__init__(shown, auto_id="filter_%s")
        self.is_valid()

    @property
    def span_days(self) -> int:
        """How many days back."""
        return int(self.cleaned_data.get("days") or USUAL_DAYS)

    @property
    def text(self) -> str:
        """What must occur in a row."""
        return str(self.cleaned_data.get("q", ""))

    def parts(self, found: UnusedPermissions) -> list[UnusedPart]:
        """Return what nobody used and what the filter lets through."""
        every = (part for use in found.rules for part in parts_of(use))
        return [part for part in every if matches(self.text, (part.rule, part.name, *part.who, *part.to, *part.do))]


@console_page(Resource.RULES, Action.VIEW)
@with_columns(UNUSED)
def rules_unused(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List what the rules in force allow and nobody used."""
    filters = UnusedFilters(request.GET)
    return _show(request, filters, columns)


@console_page(Resource.RULES, Action.EXPORT)
def rules_unused_export(request: HttpRequest) -> HttpResponseBase:
    """Return what was found as a file, at most 10,000 rows; while it is looked for, the page that says how far it is."""
    filters = UnusedFilters(request.GET)
    looking = _looking(filters)
    if not wants_export(request) or looking.found is None:
        return redirect(f"{reverse('console:rules_unused')}?{request.GET.urlencode()}")
    found = looking.found
    since = datetime.fromtimestamp(found.first_at, tz=timezone.get_default_timezone()).isoformat()
    table = (
        {
            "rule": part.rule,
            "who": " ".join(part.who),
            "to": " ".join(part.to),
            "do": " ".join(part.do),
            "takes_out": part.cut.value,
            "name": part.name,
            "unused_since": since,
        }
        for part in filters.parts(found)[:MAX_ROWS]
    )
    return export_table(request, "unused-permissions", table)


@console_page(Resource.RULES, Action.CHANGE, methods=WRITE)
def rules_unused_review(request: HttpRequest) -> HttpResponseBase:
    """Review the rules without what was chosen; what they would have done to past requests is shown there."""
    if request.method != "POST" or _follows():
        return redirect(f"{reverse('console:rules_unused')}?{request.GET.urlencode()}")
    filters = UnusedFilters(request.POST)
    looking = _looking(filters)
    if looking.found is None:
        return _show(request, filters, _columns(request))
    offered = [part for part in filters.parts(looking.found) if part.can_go]
    wanted = {*request.POST.getlist("part")}
    chosen = offered if "all" in request.POST else [part for part in offered if part.key in wanted]
    if not chosen:
        return _show(request, filters, _columns(request), problem=_("Choose at least one thing to take out."))
    try:
        document = write_without(looking.found, {part.key for part in chosen})
    except OstiaryError as error:
        LOOKS.forget()
        return _show(request, filters, _columns(request), problem=str(error))
    return review_change(request, document, comment=_comment(chosen, filters.span_days), replay_days=filters.span_days)


def _show(
    request: HttpRequest, filters: UnusedFilters, columns: ShownColumns, *, problem: str = ""
) -> HttpResponseBase:
    looking = _looking(filters)
    context: dict[str, Any] = {
        "filters": filters,
        "looking": looking,
        "days": filters.span_days,
        "columns": columns,
        "follows": _follows(),
        "may_choose": may(caller_of(request).role, Resource.RULES, Action.CHANGE) and not _follows(),
        "problem": problem,
        "wanted": set(request.POST.getlist("part")),
        "address": f"{reverse('console:rules_unused')}?{urlencode({'days': filters.span_days, 'q': filters.text})}",
    }
    if looking.found is not None:
        context |= _found(looking.found, filters, request)
    if request.headers.get("HX-Request"):
        return _progress(request, context)
    status = 422 if problem else 200
    return render_page(request, "rules/unused.html", SECTION, context, status=status)


def _progress(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Return how far it is; once it is done, have the browser open the page afresh, with the table and its controls."""
    if context["looking"].ended.is_set():
        return HttpResponse(headers={"HX-Redirect": context["address"]})
    return render(request, "console/rules/unused_progress.html", context)


def _found(found: UnusedPermissions, filters: UnusedFilters, request: HttpRequest) -> dict[str, Any]:
    parts = filters.parts(found)
    return {
        "found": found,
        "page": cut(parts, page_number(request), PAGE_SIZE),
        "removable": sum(part.can_go for part in parts),
        "is_short": bool(found.first_at) and found.first_at - found.since > DAY_SECONDS,
    }


def _follows() -> str:
    """Return the repository that the rules come from, where they can only be changed there."""
    follow: str = settings.INSTANCE.configuration.rules.follow
    return follow


def _looking(filters: UnusedFilters) -> Looking:
    return LOOKS.of(filters.span_days, get_current().number)


def _columns(request: HttpRequest) -> ShownColumns:
    return read_choice(UNUSED, request.COOKIES.get(UNUSED.cookie, ""))


def _comment(chosen: Sequence[UnusedPart], days: int) -> str:
    """Return what the history will say, unless somebody writes something else."""
    names = ", ".join(dict.fromkeys(part.rule for part in chosen))
    words = ngettext(
        "Without what nobody used in %(count)d day: %(names)s",
        "Without what nobody used in %(count)d days: %(names)s",
        days,
    )
    return (words % {"count": days, "names": names})[:500]
