"""The page of what is to be tidied up in the directory, each thing with its remedy. What is found is `identity`'s."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.identity.facade import (
    ConsoleRole,
    Finding,
    Found,
    check_directory,
    hygiene_row,
    ids_of,
    list_standings,
    record_hygiene_export,
)
from ostiary.policy.identifiers import PersonId
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource, may

SECTION = Resource.PEOPLE
ROLE_FINDINGS: Final = frozenset({Finding.ROLE_WITHOUT_OWNER, Finding.ROLE_NOBODY_HAS})


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a finding means, and the page on which it is remedied.

    Args:
        words: what is wrong.
        why: what to do, in a sentence.
        view: the page; it takes whom or what it is about.
        action: the link's words.
        needs: who may open that page.
    """

    words: Promise
    why: Promise
    view: str
    action: Promise
    needs: tuple[Resource, Action]


@dataclass(frozen=True, slots=True)
class Untidy:
    """One line of the page; `href` leads to whom it is about, `remedy_href` to the remedy, for those who may."""

    found: Found
    remedy: Remedy
    pressing: bool
    href: str
    remedy_href: str


_LOOK: Final = (Resource.PEOPLE, Action.VIEW)
_CHANGE: Final = (Resource.PEOPLE, Action.CHANGE)
_GRANT: Final = (Resource.ROLES, Action.GRANT)
REMEDIES: Final[dict[Finding, Remedy]] = {
    Finding.ADMINISTRATOR_WITHOUT_PASSKEY: Remedy(
        _("An administrator without a passkey"),
        _("Ask them to add one under their name in the portal: a passkey cannot be phished."),
        "person",
        _("Open their page"),
        _LOOK,
    ),
    Finding.BREACHED_PASSWORD: Remedy(
        _("A password known from a breach"),
        _("They are told to choose another one; if they do not, reset their sign-in."),
        "person",
        _("Open their page"),
        _LOOK,
    ),
    Finding.NO_SECOND_FACTOR: Remedy(
        _("No second factor"),
        _("Ask them to set one up under their name in the portal."),
        "person",
        _("Open their page"),
        _LOOK,
    ),
    Finding.NO_PASSKEY: Remedy(
        _("No passkey, and a group they are in needs one"),
        _("Ask them to set one up: My authenticators in the portal."),
        "person",
        _("Open their page"),
        _LOOK,
    ),
    Finding.TOO_FEW_FACTORS: Remedy(
        _("Too few second factors"),
        _("Ask them to add a passkey or an authenticator app, for the day one is lost."),
        "person",
        _("Open their page"),
        _LOOK,
    ),
    Finding.NO_RECOVERY_CODES: Remedy(
        _("No recovery codes left"),
        _("Ask them to make new ones: My authenticators in the portal."),
        "person",
        _("Open their page"),
        _LOOK,
    ),
    Finding.DORMANT: Remedy(
        _("Has not signed in for long"),
        _("Ask whether they are still here; if not, let them go."),
        "person_leave",
        _("Let them go"),
        _CHANGE,
    ),
    Finding.NEVER_JOINED: Remedy(
        _("Never took up the invitation"),
        _("Send a new one, or let them go."),
        "person_invite_again",
        _("Invite again"),
        (Resource.PEOPLE, Action.ENTER),
    ),
    Finding.NO_ACCESS: Remedy(
        _("In no group and without a role"),
        _("Give them the role of their job, or let them go."),
        "person_move",
        _("Give a role"),
        _GRANT,
    ),
    Finding.CONTRACTOR_WITHOUT_END: Remedy(
        _("A contractor without an end"),
        _("Say until when the contract runs."),
        "person_profile",
        _("Set the end"),
        _CHANGE,
    ),
    Finding.ENDS_SOON: Remedy(
        _("The account ends soon"),
        _("If they stay, give it another end."),
        "person_profile",
        _("Change the end"),
        _CHANGE,
    ),
    Finding.MANAGER_GONE: Remedy(
        _("Reports to somebody who is gone"),
        _("Say to whom they report now."),
        "person_profile",
        _("Change the manager"),
        _CHANGE,
    ),
    Finding.ROLE_WITHOUT_OWNER: Remedy(
        _("A role that nobody answers for"),
        _("Say who answers for it."),
        "role_change",
        _("Name an owner"),
        (Resource.ROLES, Action.CHANGE),
    ),
    Finding.GROUP_OWNER_GONE: Remedy(
        _("A group whose owner is gone"),
        _("Say who answers for it now."),
        "group_owner",
        _("Name an owner"),
        (Resource.GROUPS, Action.CHANGE),
    ),
    Finding.ROLE_NOBODY_HAS: Remedy(
        _("A role that nobody has"),
        _("Give it to somebody, or delete it."),
        "role_remove",
        _("Delete it"),
        (Resource.ROLES, Action.REMOVE),
    ),
    Finding.SERVICE_OWNER_GONE: Remedy(
        _("A service that nobody answers for"),
        _("Say who answers for it now, or switch it off."),
        "service_change",
        _("Name an owner"),
        (Resource.SERVICES, Action.CHANGE),
    ),
}
PRESSING: Final = frozenset(
    {Finding.ADMINISTRATOR_WITHOUT_PASSKEY, Finding.BREACHED_PASSWORD, Finding.NO_SECOND_FACTOR, Finding.NO_PASSKEY}
)


@console_page(Resource.PEOPLE, Action.VIEW)
def people_untidy(request: HttpRequest) -> HttpResponseBase:
    """List what is to be tidied up, the most pressing first."""
    text, kind = request.GET.get("q", "").strip(), request.GET.get("kind", "")
    everything = check_directory(now=time.time())
    found = [
        one
        for one in everything
        if (not kind or one.finding.value == kind)
        and matches(text, (one.subject, one.detail, str(REMEDIES[one.finding].words)))
    ]
    page = cut(found, page_number(request))
    context = {
        "page": page,
        "lines": _lines(page.items, caller_of(request).role),
        "clean": not everything,
        "text": text,
        "kind": kind,
        "kinds": [
            (finding.value, REMEDIES[finding].words, count)
            for finding in Finding
            if (count := sum(one.finding is finding for one in everything))
        ],
    }
    return render_page(request, "people/untidy.html", SECTION, context)


@console_page(Resource.PEOPLE, Action.EXPORT)
def hygiene_export(request: HttpRequest) -> HttpResponseBase:
    """Return how everybody signs in, and whether that is as asked for, as a file for auditors."""
    if not wants_export(request):
        return redirect("console:people_untidy")
    rows = [hygiene_row(one) for one in list_standings()]
    record_hygiene_export(people=len(rows), actor=caller_of(request).actor)
    return export_table(request, "sign-in", rows)


def _lines(found: Sequence[Found], role: ConsoleRole) -> list[Untidy]:
    ids = ids_of(one.subject for one in found)
    return [_line(one, role, ids) for one in found]


def _line(one: Found, role: ConsoleRole, ids: Mapping[str, PersonId]) -> Untidy:
    remedy = REMEDIES[one.finding]
    if one.finding in ROLE_FINDINGS:
        page, subject = "role", one.subject
    elif one.finding is Finding.GROUP_OWNER_GONE:
        page, subject = "group", one.subject
    elif one.finding is Finding.SERVICE_OWNER_GONE:
        page, subject = "service", one.subject
    else:
        page, subject = "person", ids.get(one.subject, one.subject)
    return Untidy(
        found=one,
        remedy=remedy,
        pressing=one.finding in PRESSING,
        href=reverse(f"console:{page}", args=(subject,)),
        remedy_href=reverse(f"console:{remedy.view}", args=(subject,)) if may(role, *remedy.needs) else "",
    )
