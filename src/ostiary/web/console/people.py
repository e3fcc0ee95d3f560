"""Pages about people: the list, one person, renaming, disabling. Coming is `joining`'s, moving and going `life_cycle`'s."""

from functools import partial

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.devices.facade import list_devices
from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    Person,
    RoleId,
    UnknownPerson,
    access_of,
    assignments_of,
    console_role,
    disable_person,
    enable_person,
    get_person,
    ids_of,
    invite_person,
    linked_sign_ins,
    list_authenticators,
    list_groups,
    list_people,
    list_roles,
    list_sessions,
    rename_person,
    reset_sign_in,
)
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.decision_rows import recent_decisions
from ostiary.web.console.device_words import shown as shown_device
from ostiary.web.console.export import MAX_ROWS, export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import PAGE_SIZE, ROLE_NAMES, page_number, render_page
from ostiary.web.console.permissions import Action, Resource, may_act_on
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.tables import PEOPLE

SECTION = Resource.PEOPLE
BY_ROLE = "role:"


class RenameForm(forms.Form):
    """A person's name."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)


@console_page(Resource.PEOPLE, Action.VIEW)
@with_columns(PEOPLE)
def people(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List people."""
    text, group = _filters(request)
    page = list_people(text=text, group=group, page=page_number(request), page_size=PAGE_SIZE)
    context = {"page": page, "columns": columns, "text": text, "group": group or "", "groups": list_groups()}
    return render_page(request, "people/list.html", SECTION, context)


@console_page(Resource.PEOPLE, Action.EXPORT)
def people_export(request: HttpRequest) -> HttpResponseBase:
    """Return the listed people as a file."""
    if not wants_export(request):
        return redirect("console:people")
    text, group = _filters(request)
    found = list_people(text=text, group=group, page=1, page_size=MAX_ROWS).items
    rows = (
        {
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "active": person.active,
            "invited": person.invited,
            "guessed_at": person.locked,
            "groups": " ".join(person.groups),
            "methods": " ".join(person.methods),
            "last_sign_in_at": person.last_sign_in_at,
            "created_at": person.created_at,
        }
        for person in found
    )
    return export_table(request, "people", rows)


@console_page(Resource.PEOPLE, Action.VIEW)
def person(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Show one person with their story."""
    shown = find_person(person_id)
    names = {group.id: group.name for group in list_groups()}
    role_names = {role.id: role.name for role in list_roles()}
    context = {
        "person": shown,
        "role": ROLE_NAMES.get(console_role(shown)),
        "access": [
            (
                one,
                names.get(one.group) or one.group,
                role_of_way(one.via),
                role_names.get(role_of_way(one.via)),
                name_way(one.via),
            )
            for one in access_of(shown.id)
        ],
        "assignments": [(one, role_names.get(one.role) or one.role) for one in assignments_of(shown.id)],
        "manager_id": ids_of([shown.manager]).get(shown.manager, ""),
        "authenticators": list_authenticators(person_id=shown.id),
        "linked": linked_sign_ins(shown.id),
        "sessions": list_sessions(person_id=shown.id, page=1, page_size=20),
        "devices": [shown_device(one) for one in list_devices(owner=shown.id)],
        "decisions": recent_decisions(person=shown.id),
        "reachable": may_act_on(caller_of(request).role, shown),
        "oneself": shown.id == caller_of(request).person.id,
    }
    return render_page(request, "people/detail.html", SECTION, context)


@console_page(Resource.PEOPLE, Action.CHANGE, methods=WRITE)
def person_rename(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Change a person's name."""
    shown = find_person(person_id)
    form = RenameForm(request.POST or None, initial={"name": shown.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_person(person_id=shown.id, name=form.cleaned_data["name"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error, "name")
        else:
            messages.success(request, _("The name was changed."))
            return redirect("console:person", shown.id)
    context = {"form": form, "person": shown}
    return render_page(request, "people/rename.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.PEOPLE, Action.DISABLE, methods=WRITE)
def person_disable(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Say what disabling a person does, and do it."""
    shown = find_person(person_id)
    caller = caller_of(request)
    if shown.id == caller.person.id or not may_act_on(caller.role, shown):
        messages.error(request, _("You cannot disable this account. Another administrator can."))
        return redirect("console:person", shown.id)
    return ask_and_act(
        request,
        SECTION,
        "people/disable.html",
        {
            "person": shown,
            "back_url": page_of(shown),
            "sessions": list_sessions(person_id=shown.id, page=1, page_size=1).total,
        },
        act=partial(disable_person, person_id=shown.id),
        done=_("%(name)s is disabled and signed out everywhere.") % {"name": shown.name},
        then=page_of(shown),
    )


@console_page(Resource.PEOPLE, Action.DISABLE, methods=WRITE)
def person_enable(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Let a disabled person sign in again."""
    shown = find_person(person_id)
    caller = caller_of(request)
    if not may_act_on(caller.role, shown):
        messages.error(request, _("You cannot enable this account. An administrator can."))
        return redirect("console:person", shown.id)
    return ask_and_act(
        request,
        SECTION,
        "people/enable.html",
        {"person": shown, "back_url": page_of(shown)},
        act=partial(enable_person, person_id=shown.id),
        done=_("%(name)s can sign in again.") % {"name": shown.name},
        then=page_of(shown),
    )


@console_page(Resource.PEOPLE, Action.ENTER, methods=WRITE)
def person_invite_again(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Make a new invitation for somebody who has not taken up theirs; the link is shown once."""
    shown = find_person(person_id)
    if not shown.invited:
        raise Http404
    if not may_act_on(caller_of(request).role, shown):
        messages.error(request, _("You cannot invite this person again. An administrator can."))
        return redirect("console:person", shown.id)
    if request.method == "POST":
        try:
            invitation = invite_person(email=shown.email, name=shown.name, actor=caller_of(request).actor)
        except OstiaryError as error:
            messages.error(request, str(error))
            return redirect("console:person", shown.id)
        return render_page(request, "people/invited.html", SECTION, {"invitation": invitation, "name": shown.name})
    return render_page(request, "people/invite_again.html", SECTION, {"person": shown, "back_url": page_of(shown)})


@console_page(Resource.PEOPLE, Action.RESET, methods=WRITE)
def person_reset(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Say what taking somebody's authenticators away does, and do it; the new link is shown once."""
    shown = find_person(person_id)
    caller = caller_of(request)
    if shown.id == caller.person.id or not shown.active or not may_act_on(caller.role, shown):
        messages.error(request, _("You cannot reset this account's sign-in. Another administrator can."))
        return redirect("console:person", shown.id)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation = reset_sign_in(person_id=shown.id, reason=form.cleaned_data["reason"], actor=caller.actor)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            link = {"invitation": invitation, "name": shown.name or shown.email}
            return render_page(request, "people/link_once.html", SECTION, link)
    context = {"form": form, "person": shown, "back_url": page_of(shown)}
    return render_page(request, "people/reset.html", SECTION, context, status=422 if form.errors else 200)


def role_of_way(via: str) -> RoleId:
    """Return which role a membership came by; empty where somebody put them there."""
    return RoleId(via.removeprefix(BY_ROLE) if via.startswith(BY_ROLE) else "")


def name_way(via: str) -> str:
    """Return in words how a membership came about that no role brought."""
    return _("by %(way)s") % {"way": via.replace(":", " ", 1)} if via else _("by hand")


def page_of(shown: Person) -> str:
    """Return the address of a person's page."""
    return reverse("console:person", args=(shown.id,))


def find_person(person_id: str) -> Person:
    """Return the person or answer 404."""
    try:
        return get_person(PersonId(person_id))
    except UnknownPerson:
        raise Http404 from None


def _filters(request: HttpRequest) -> tuple[str, GroupId | None]:
    group = request.GET.get("group", "").strip()
    return request.GET.get("q", "").strip(), GroupId(group) if group else None
