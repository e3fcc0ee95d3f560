"""Renders the console's pages with what all of them show: navigation, caller, and what the caller may do."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.identity.facade import ConsoleRole
from ostiary.rulebook.facade import get_hold, may_confirm
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.permissions import Action, Resource, may

ROLE_NAMES: Final[dict[ConsoleRole, Promise]] = {
    ConsoleRole.ADMINISTRATOR: _("Administrator"),
    ConsoleRole.AUDITOR: _("Auditor"),
    ConsoleRole.HELPDESK: _("Help desk"),
}
PAGE_SIZE: Final = 50
MAX_PAGE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation; `key` follows `g` on the keyboard."""

    section: Resource
    name: Promise
    icon: str
    key: str

    @property
    def href(self) -> str:
        """Where it leads."""
        return reverse(f"console:{self.section.value}")


NAVIGATION: Final[tuple[tuple[Promise | str, tuple[Entry, ...]], ...]] = (
    (
        "",
        (
            Entry(Resource.OVERVIEW, _("Overview"), "overview", "o"),
            Entry(Resource.DECISIONS, _("Decisions"), "decisions", "d"),
        ),
    ),
    (
        _("Access"),
        (
            Entry(Resource.APPS, _("Apps"), "apps", "a"),
            Entry(Resource.RULES, _("Rules"), "rules", "r"),
            Entry(Resource.EXPLAIN, _("Explain"), "explain", "e"),
        ),
    ),
    (
        _("Who"),
        (
            Entry(Resource.PEOPLE, _("People"), "people", "p"),
            Entry(Resource.GROUPS, _("Groups"), "groups", "t"),
            Entry(Resource.ROLES, _("Roles"), "roles", "j"),
            Entry(Resource.REQUESTS, _("Requests"), "key", "q"),
            Entry(Resource.REVIEWS, _("Reviews"), "reviews", "v"),
            Entry(Resource.SERVICES, _("Services"), "services", "w"),
            Entry(Resource.DEVICES, _("Devices"), "devices", "c"),
            Entry(Resource.SOFTWARE, _("Software"), "software", "f"),
            Entry(Resource.SESSIONS, _("Sessions"), "sessions", "s"),
            Entry(Resource.SIGNALS, _("Signals"), "signals", "n"),
        ),
    ),
    (_("Record"), (Entry(Resource.AUDIT, _("Audit"), "audit", "u"),)),
)


def navigation_for(role: ConsoleRole) -> list[tuple[Promise | str, list[Entry]]]:
    """Return the navigation with only what the role may view."""
    groups = [
        (heading, [entry for entry in entries if may(role, entry.section, Action.VIEW)])
        for heading, entries in NAVIGATION
    ]
    return [(heading, entries) for heading, entries in groups if entries]


def allowances_of(role: ConsoleRole) -> dict[str, dict[str, bool]]:
    """Return what a role may do, for templates: `may.people.disable`."""
    return {resource.value: {action.value: may(role, resource, action) for action in Action} for resource in Resource}


def render_page(
    request: HttpRequest, template: str, section: Resource, context: Mapping[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Return a page of the console.

    Args:
        request: with its caller.
        template: below `console/`.
        section: which line of the navigation is lit.
        context: what the page itself shows.
        status: the HTTP status.
    """
    role, held = caller_of(request).role, get_hold()
    shown = {
        "section": section,
        "caller": caller_of(request).person,
        "role_name": ROLE_NAMES[role],
        "navigation": navigation_for(role),
        "may": allowances_of(role),
        "held": held,
        "may_confirm": held is not None and may_confirm(held, caller_of(request).actor),
        "held_seconds": max(0, int(held.until - time.time())) if held is not None else 0,
        **(context or {}),
    }
    return render(request, f"console/{template}", shown, status=status)


def page_number(request: HttpRequest) -> int:
    """Return the page asked for, from 1; nonsense is page 1."""
    text = request.GET.get("page", "1")
    return min(max(int(text), 1), MAX_PAGE) if text.isascii() and text.isdigit() and len(text) < 8 else 1
