"""Pages about roles: the list, one role, creating, changing and deleting it. Who has one is `role_holders`'."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    Role,
    RoleId,
    UnknownPerson,
    UnknownRole,
    change_role,
    create_role,
    delete_role,
    get_role,
    ids_of,
    list_assignments,
    list_groups,
    list_roles,
    preview_role,
)
from ostiary.policy.identifiers import GroupId
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.fields import choices_field, offer
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.tables import ROLES

SECTION = Resource.ROLES


class RoleForm(ReasonForm):
    """A role: what it is called, what it brings, and who answers for it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    role_id = forms.CharField(
        label=gettext_lazy("Identifier"), max_length=63, help_text=gettext_lazy("Small letters, digits, hyphens.")
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("What somebody who does this job does."),
    )
    owner = forms.EmailField(
        label=gettext_lazy("Who answers for it"), max_length=254, help_text=gettext_lazy("Their e-mail address.")
    )
    groups = choices_field(
        gettext_lazy("Groups that it brings"), gettext_lazy("Whoever has the role is in these groups.")
    )
    field_order = ("name", "role_id", "description", "owner", "groups", "reason")

    def __init__(self, data: object, shown: Role | None = None) -> None:
        initial: dict[str, Any] = {}
        if shown is not None:
            initial = {
                "name": shown.name,
                "description": shown.description,
                "owner": shown.owner,
                "groups": list(shown.groups),
            }
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        offer(self, "groups", list_groups())
        if shown is not None:
            del self.fields["role_id"]

    @property
    def brought(self) -> frozenset[GroupId]:
        """The groups that are ticked."""
        return frozenset(map(GroupId, self.cleaned_data.get("groups", ())))


@console_page(Resource.ROLES, Action.VIEW)
@with_columns(ROLES)
def roles(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the roles."""
    text = request.GET.get("q", "").strip()
    found = [
        role
        for role in list_roles()
        if matches(text, (role.id, role.name, role.description, role.owner, " ".join(role.groups)))
    ]
    context = {"page": cut(found, page_number(request)), "columns": columns, "text": text}
    return render_page(request, "roles/list.html", SECTION, context)


@console_page(Resource.ROLES, Action.VIEW)
def role(request: HttpRequest, role_id: str) -> HttpResponseBase:
    """Show one role: what it brings, and who has it."""
    shown = find_role(role_id)
    text = request.GET.get("q", "").strip()
    names = {group.id: group.name for group in list_groups()}
    holders = [one for one in list_assignments(shown.id) if matches(text, (one.name, one.email))]
    context = {
        "role": shown,
        "brings": [(group, names.get(group) or group) for group in shown.groups],
        "owner_id": ids_of([shown.owner]).get(shown.owner, ""),
        "page": cut(holders, page_number(request)),
        "text": text,
    }
    return render_page(request, "roles/detail.html", SECTION, context)


@console_page(Resource.ROLES, Action.ENTER, methods=WRITE)
def role_add(request: HttpRequest) -> HttpResponseBase:
    """Create a role that nobody has yet."""
    form = RoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            created = create_role(
                id=form.cleaned_data["role_id"],
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                owner=form.cleaned_data["owner"],
                groups=sorted(form.brought),
                reason=form.cleaned_data["reason"],
                actor=caller_of(request).actor,
            )
        except UnknownPerson as error:
            add_problem(form, error, "owner")
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The role was created. Nobody has it yet."))
            return redirect("console:role", created)
    return render_page(request, "roles/add.html", SECTION, {"form": form}, status=422 if form.errors else 200)


@console_page(Resource.ROLES, Action.CHANGE, methods=WRITE)
def role_change(request: HttpRequest, role_id: str) -> HttpResponseBase:
    """Change a role; when somebody gains or loses a group by it, say who, and do it when that is confirmed."""
    shown = find_role(role_id)
    form = RoleForm(request.POST or None, shown)
    context = {"form": form, "role": shown, "back_url": page_of(shown)}
    if request.method == "POST" and form.is_valid():
        effects = preview_role(role_id=shown.id, groups=form.brought)
        if effects and "confirmed" not in request.POST:
            preview = {
                "effects": effects,
                "brings": sorted(form.brought - set(shown.groups)),
                "drops": sorted(set(shown.groups) - form.brought),
            }
            return render_page(request, "roles/change_review.html", SECTION, {**context, **preview})
        try:
            change_role(
                role_id=shown.id,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                owner=form.cleaned_data["owner"],
                groups=sorted(form.brought),
                reason=form.cleaned_data["reason"],
                actor=caller_of(request).actor,
            )
        except UnknownPerson as error:
            add_problem(form, error, "owner")
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The role was changed."))
            return redirect("console:role", shown.id)
    return render_page(request, "roles/change.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.ROLES, Action.REMOVE, methods=WRITE)
def role_remove(request: HttpRequest, role_id: str) -> HttpResponseBase:
    """Say who loses what when a role is deleted, and do it."""
    shown = find_role(role_id)
    return ask_and_act(
        request,
        SECTION,
        "roles/remove.html",
        {
            "role": shown,
            "back_url": page_of(shown),
            "effects": preview_role(role_id=shown.id, groups=frozenset()),
        },
        act=partial(delete_role, role_id=shown.id),
        done=_("The role %(name)s is gone.") % {"name": shown.name},
        then=reverse("console:roles"),
    )


def page_of(shown: Role) -> str:
    """Return the address of a role's page."""
    return reverse("console:role", args=(shown.id,))


def find_role(role_id: str) -> Role:
    """Return the role or answer 404."""
    try:
        return get_role(RoleId(role_id))
    except UnknownRole:
        raise Http404 from None
