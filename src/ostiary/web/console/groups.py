"""Pages about groups and who belongs to them. What a group may open stands in the rules."""

from functools import partial

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    Group,
    UnknownGroup,
    UnknownPerson,
    access_of,
    add_member,
    create_group,
    delete_group,
    get_group,
    ids_of,
    list_groups,
    list_members,
    remove_by_hand,
    search_members,
    set_group_owner,
)
from ostiary.policy.identifiers import GroupId
from ostiary.requests.facade import get_approval_rule
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.fields import TermForm
from ostiary.web.console.giving import give_to_somebody
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.people import find_person as find_person_by_id
from ostiary.web.console.people import name_way, role_of_way
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.tables import GROUPS, MEMBERS

SECTION = Resource.GROUPS


class GroupForm(forms.Form):
    """A new group."""

    group_id = forms.CharField(
        label=gettext_lazy("Identifier"),
        max_length=63,
        help_text=gettext_lazy("What rules call it: small letters, digits, hyphens."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=300, required=False)


class OwnerForm(ReasonForm):
    """Who answers for a group."""

    owner = forms.EmailField(
        label=gettext_lazy("Who answers for it"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("Their e-mail address; empty for nobody."),
    )
    field_order = ("owner", "reason")


@console_page(Resource.GROUPS, Action.VIEW)
@with_columns(GROUPS)
def groups(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the groups."""
    text = request.GET.get("q", "").strip()
    found = [group for group in list_groups() if matches(text, (group.id, group.name, group.description))]
    context = {"page": cut(found, page_number(request)), "columns": columns, "text": text}
    return render_page(request, "groups/list.html", SECTION, context)


@console_page(Resource.GROUPS, Action.EXPORT)
def group_export(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """Return a group's members as a file."""
    group = find_group(group_id)
    if not wants_export(request):
        return redirect("console:group", group.id)
    rows = (
        {
            "email": member.email,
            "name": member.name,
            "active": member.active,
            "granted_by": member.granted_by,
            "granted_at": member.granted_at,
            "reason": member.reason,
            "via": member.via,
            "ends_at": member.ends_at,
        }
        for member in list_members(group.id)
    )
    return export_table(request, f"group-{group.id}", rows)


@console_page(Resource.GROUPS, Action.VIEW)
@with_columns(MEMBERS)
def group(request: HttpRequest, columns: ShownColumns, group_id: str) -> HttpResponseBase:
    """Show one group and its members."""
    shown = find_group(group_id)
    text = request.GET.get("q", "").strip()
    page = search_members(shown.id, text=text, page=page_number(request), page_size=PAGE_SIZE)
    context = {
        "group": shown,
        "page": page,
        "columns": columns,
        "text": text,
        "members": [(one, role_of_way(one.via), name_way(one.via)) for one in page.items],
        "approval": get_approval_rule(shown.id),
        "emergency": shown.id == settings.INSTANCE.configuration.access.emergency_group,
        "owner_id": ids_of([shown.owner]).get(shown.owner, ""),
    }
    return render_page(request, "groups/detail.html", SECTION, context)


@console_page(Resource.GROUPS, Action.ENTER, methods=WRITE)
def group_add(request: HttpRequest) -> HttpResponseBase:
    """Create a group."""
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            created = create_group(
                id=form.cleaned_data["group_id"],
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                actor=caller_of(request).actor,
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The group was created. It opens nothing until a rule names it."))
            return redirect("console:group", created)
    return render_page(request, "groups/add.html", SECTION, {"form": form}, status=422 if form.errors else 200)


@console_page(Resource.GROUPS, Action.CHANGE, methods=WRITE)
def group_owner(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """Say who answers for a group."""
    shown = find_group(group_id)
    form = OwnerForm(request.POST or None, initial={"owner": shown.owner})
    if request.method == "POST" and form.is_valid():
        try:
            set_group_owner(
                group_id=shown.id,
                owner=form.cleaned_data["owner"],
                reason=form.cleaned_data["reason"],
                actor=caller_of(request).actor,
            )
        except UnknownPerson as error:
            add_problem(form, error, "owner")
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The owner was changed."))
            return redirect("console:group", shown.id)
    context = {"form": form, "group": shown, "back_url": page_of(shown)}
    return render_page(request, "groups/owner.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.GROUPS, Action.REMOVE, methods=WRITE)
def group_remove(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """Say what deleting a group does, and do it."""
    shown = find_group(group_id)
    if shown.builtin:
        raise Http404
    if request.method == "POST":
        try:
            delete_group(group_id=shown.id, actor=caller_of(request).actor)
        except OstiaryError as error:
            messages.error(request, str(error))
            return redirect("console:group", shown.id)
        messages.success(request, _("The group %(name)s is gone.") % {"name": shown.name})
        return redirect("console:groups")
    return render_page(request, "groups/remove.html", SECTION, {"group": shown, "back_url": page_of(shown)})


@console_page(Resource.GROUPS, Action.GRANT, methods=WRITE)
def member_add(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """Put somebody into a group."""
    shown = find_group(group_id)
    form = TermForm(request.POST or None)
    person = give_to_somebody(request, form, partial(add_member, group_id=shown.id))
    if person is not None:
        words = {"name": person.name or person.email, "group": shown.name}
        messages.success(request, _("%(name)s is in %(group)s now.") % words)
        return redirect("console:group", shown.id)
    context = {"form": form, "group": shown}
    return render_page(request, "groups/member_add.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.GROUPS, Action.GRANT, methods=WRITE)
def member_remove(request: HttpRequest, group_id: str, person_id: str) -> HttpResponseBase:
    """Say what taking somebody out of a group does, and do it."""
    shown = find_group(group_id)
    person = find_person_by_id(person_id)
    ways = [one.via for one in access_of(person.id) if one.group == shown.id]
    if "" not in ways:
        raise Http404
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            remove_by_hand(
                group_id=shown.id,
                person_id=person.id,
                reason=form.cleaned_data["reason"],
                actor=caller_of(request).actor,
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            words = {"name": person.name or person.email, "group": shown.name}
            if len(ways) > 1:
                messages.success(request, _("%(name)s stays in %(group)s for another reason.") % words)
            else:
                messages.success(request, _("%(name)s is no longer in %(group)s.") % words)
            return redirect("console:group", shown.id)
    context = {
        "form": form,
        "group": shown,
        "person": person,
        "back_url": page_of(shown),
        "kept": [via.replace(":", " ", 1) for via in ways if via],
        "oneself": person.id == caller_of(request).person.id,
    }
    return render_page(request, "groups/member_remove.html", SECTION, context, status=422 if form.errors else 200)


def page_of(shown: Group) -> str:
    """Return the address of a group's page."""
    return reverse("console:group", args=(shown.id,))


def find_group(group_id: str) -> Group:
    """Return the group or answer 404."""
    try:
        return get_group(GroupId(group_id))
    except UnknownGroup:
        raise Http404 from None
