"""Pages on which people come, and on which what is known of their job is changed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    Person,
    PersonKind,
    Profile,
    RoleId,
    UnknownPerson,
    change_profile,
    join,
    list_groups,
    list_roles,
)
from ostiary.policy.identifiers import GroupId
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.checklists import tell_checklist
from ostiary.web.console.fields import choices_field, end_of, last_day, offer, until_field
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.people import find_person, page_of
from ostiary.web.console.permissions import Action, Resource, may
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm

SECTION = Resource.PEOPLE
KINDS = (
    (PersonKind.EMPLOYEE.value, gettext_lazy("Employee")),
    (PersonKind.CONTRACTOR.value, gettext_lazy("Contractor")),
)


class ProfileForm(ReasonForm):
    """What is known of somebody's job, and when their account ends."""

    kind = forms.ChoiceField(label=gettext_lazy("Employed or contracted"), choices=KINDS, required=False)
    title = forms.CharField(label=gettext_lazy("Job title"), max_length=200, required=False)
    department = forms.CharField(label=gettext_lazy("Department"), max_length=200, required=False)
    employee_number = forms.CharField(label=gettext_lazy("Employee number"), max_length=64, required=False)
    manager = forms.EmailField(
        label=gettext_lazy("Reports to"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("An e-mail address; empty for nobody."),
    )
    until = until_field(
        gettext_lazy("Their last day. Then every door shuts by itself. A contractor needs one; empty: no end.")
    )
    field_order: tuple[str, ...] = ("kind", "title", "department", "employee_number", "manager", "until", "reason")

    def profile(self, before: Person | None = None) -> Profile:
        """Return what was said; an end that nobody touched stays as it is, to the second."""
        said = self.cleaned_data
        kept = before is not None and last_day(before.ends_at) == last_day(end_of(self))
        return Profile(
            kind=PersonKind(said["kind"]) if said["kind"] else None,
            title=said["title"],
            department=said["department"],
            employee_number=said["employee_number"],
            manager=said["manager"],
            ends_at=None if kept else end_of(self) or 0.0,
        )


class JoinForm(ProfileForm):
    """Whom to take on. Roles and groups are only offered to those who may grant access."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    roles = choices_field(gettext_lazy("Roles"), gettext_lazy("The jobs they do. Each brings its groups."))
    groups = choices_field(
        gettext_lazy("Further groups"), gettext_lazy("What they may open follows from their groups.")
    )
    field_order = ("email", "name", "roles", "groups", *ProfileForm.field_order)

    def __init__(self, data: object, *, may_grant: bool) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        offer(self, "roles", list_roles() if may_grant else ())
        offer(self, "groups", list_groups() if may_grant else ())


@console_page(Resource.PEOPLE, Action.ENTER, methods=WRITE)
def person_invite(request: HttpRequest) -> HttpResponseBase:
    """Take somebody on; the link of their invitation is shown once, with what was done."""
    caller = caller_of(request)
    may_grant = all(may(caller.role, one, Action.GRANT) for one in (Resource.GROUPS, Resource.ROLES))
    form = JoinForm(request.POST or None, may_grant=may_grant)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            joined = join(
                email=said["email"],
                name=said["name"],
                roles=map(RoleId, said.get("roles", ())),
                groups=map(GroupId, said.get("groups", ())),
                profile=form.profile(),
                reason=said["reason"],
                actor=caller.actor,
            )
        except UnknownPerson as error:
            add_problem(form, error, "manager")
        except OstiaryError as error:
            add_problem(form, error)
        else:
            context: dict[str, Any] = {
                "invitation": joined.invitation,
                "name": said["name"],
                "checklist": tell_checklist(joined.checklist),
            }
            return render_page(request, "people/invited.html", SECTION, context)
    return render_page(request, "people/invite.html", SECTION, {"form": form}, status=422 if form.errors else 200)


@console_page(Resource.PEOPLE, Action.CHANGE, methods=WRITE)
def person_profile(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Change what is known of somebody's job, and when their account ends."""
    shown = find_person(person_id)
    initial = {
        "kind": shown.kind.value,
        "title": shown.title,
        "department": shown.department,
        "employee_number": shown.employee_number,
        "manager": shown.manager,
        "until": last_day(shown.ends_at),
    }
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            change_profile(
                person_id=shown.id,
                profile=form.profile(shown),
                reason=form.cleaned_data["reason"],
                actor=caller_of(request).actor,
            )
        except UnknownPerson as error:
            add_problem(form, error, "manager")
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The profile was changed."))
            return redirect("console:person", shown.id)
    context = {"form": form, "person": shown, "back_url": page_of(shown)}
    return render_page(request, "people/profile.html", SECTION, context, status=422 if form.errors else 200)
