"""Pages about the rules: as they are, and their history. How they are changed is in `rules_change`."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase

from ostiary.applications.facade import read_applications
from ostiary.errors import OstiaryError
from ostiary.gateway.known_names import known_names
from ostiary.rulebook.facade import (
    AppliedRules,
    UnknownRules,
    check_rules,
    compare_rules,
    get_applied,
    get_applied_before,
    get_current,
    get_followed,
    list_history,
    list_proposals,
)
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.guard import console_page
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.tables import HISTORY

SECTION = Resource.RULES


@console_page(Resource.RULES, Action.VIEW)
def rules(request: HttpRequest) -> HttpResponseBase:
    """Show the rules in force: in words, and as they are written."""
    current = get_current()
    context = {
        "current": current,
        "lines": current.document.splitlines(),
        "cedar_lines": current.cedar.splitlines(),
        "report": check_rules(current.document, current.cedar, known=known_names(), catalogue=read_applications()),
        "proposals": list_proposals(),
        "followed": get_followed(),
    }
    return render_page(request, "rules/show.html", SECTION, context)


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
        "current": get_current(),
    }
    return render_page(request, "rules/version.html", SECTION, context)


def _difference(before: AppliedRules, document: str, cedar: str) -> Any:
    try:
        return compare_rules(before.document, document, old_cedar=before.cedar, new_cedar=cedar)
    except OstiaryError:
        return None
