"""One search box for everything: a reference goes straight to its decision, other words find people, apps, groups, roles and devices."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from ostiary.identity.facade import list_groups, list_people, list_roles
from ostiary.visibility.facade import DecisionQuery, latest_decisions
from ostiary.web.console.apps import listed_apps
from ostiary.web.console.decision_rows import tell_decisions
from ostiary.web.console.device_list import devices_matching
from ostiary.web.console.guard import console_page
from ostiary.web.console.listing import matches
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource

SHOWN = 8


@console_page(Resource.OVERVIEW, Action.VIEW)
def search(request: HttpRequest) -> HttpResponseBase:
    """Find what the words name."""
    text = request.GET.get("q", "").strip()[:200]
    if not text:
        return redirect("console:overview")
    by_reference = latest_decisions(DecisionQuery(reference=text, stream="", page_size=1))
    if by_reference:
        return redirect("console:decision", by_reference[0].reference)
    found = latest_decisions(DecisionQuery(text=text, page_size=SHOWN + 1))
    context = {
        "search_text": text,
        "people": list_people(text=text, page=1, page_size=SHOWN),
        "apps": listed_apps(text)[:SHOWN],
        "groups": [group for group in list_groups() if matches(text, (group.id, group.name))][:SHOWN],
        "roles": [role for role in list_roles() if matches(text, (role.id, role.name))][:SHOWN],
        "devices": devices_matching(text, SHOWN),
        "decisions": tell_decisions(found[:SHOWN]),
        "more_decisions": len(found) > SHOWN,
    }
    return render_page(request, "search.html", Resource.OVERVIEW, context)
