"""Pages on which people change jobs and go: a checklist first, then what was done. Coming is `joining`'s."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    Person,
    Profile,
    RoleId,
    UnknownPerson,
    access_of,
    leave,
    list_groups,
    list_roles,
    move,
    preview_leave,
    preview_move,
)
from ostiary.policy.identifiers import GroupId
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.checklists import tell_checklist
from ostiary.web.console.fields import choices_field, offer
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.people import find_person, page_of
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm

SECTION = Resource.PEOPLE


class MoveForm(ReasonForm):
    """The next job: its roles, and what goes of what was given by hand."""

    roles = choices_field(gettext_lazy("Roles from now on"), gettext_lazy("Roles that are not ticked are taken back."))
    drop = choices_field(
        gettext_lazy("Take out of these groups too"),
        gettext_lazy("Somebody put them there by hand; they stay unless ticked."),
    )
    title = forms.CharField(label=gettext_lazy("Job title"), max_length=200, required=False)
    department = forms.CharField(label=gettext_lazy("Department"), max_length=200, required=False)
    manager = forms.EmailField(
        label=gettext_lazy("Reports to"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("An e-mail address; empty for nobody."),
    )
    field_order = ("roles", "drop", "title", "department", "manager", "reason")

    def __init__(self, data: object, person: Person) -> None:
        initial = {
            "roles": list(person.roles),
            "title": person.title,
            "department": person.department,
            "manager": person.manager,
        }
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        by_hand = {one.group for one in access_of(person.id) if not one.via}
        offer(self, "roles", list_roles())
        offer(self, "drop", [group for group in list_groups() if group.id in by_hand])

    @property
    def wanted(self) -> tuple[RoleId, ...]:
        """The roles that are ticked."""
        return tuple(map(RoleId, self.cleaned_data.get("roles", ())))

    @property
    def dropped(self) -> tuple[GroupId, ...]:
        """The groups that go."""
        return tuple(map(GroupId, self.cleaned_data.get("drop", ())))

    @property
    def profile(self) -> Profile:
        """What else changes."""
        said = self.cleaned_data
        return Profile(title=said["title"], department=said["department"], manager=said["manager"])


class LeaveForm(ReasonForm):
    """Who takes over, and why somebody goes."""

    successor = forms.EmailField(
        label=gettext_lazy("Who takes over"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("Answers for their groups, roles and people from then on. Empty: nobody does."),
    )
    field_order = ("successor", "reason")


@console_page(Resource.ROLES, Action.GRANT, methods=WRITE)
def person_move(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Give somebody another job: form, checklist, done."""
    shown = find_person(person_id)
    form = MoveForm(request.POST or None, shown)
    context = {"form": form, "person": shown, "back_url": page_of(shown)}
    if request.method == "POST" and form.is_valid():
        try:
            if "confirmed" not in request.POST:
                items = preview_move(person_id=shown.id, roles=form.wanted, drop=form.dropped)
                review = {"checklist": tell_checklist(items), "changes": _profile_changes(shown, form)}
                return render_page(request, "people/move_review.html", SECTION, {**context, **review})
            items = move(
                person_id=shown.id,
                roles=form.wanted,
                drop=form.dropped,
                profile=form.profile,
                reason=form.cleaned_data["reason"],
                actor=caller_of(request).actor,
            )
        except UnknownPerson as error:
            add_problem(form, error, "manager")
        except OstiaryError as error:
            add_problem(form, error)
        else:
            done = {"checklist": tell_checklist(items), "changes": _profile_changes(shown, form)}
            return render_page(request, "people/moved.html", SECTION, {**context, **done})
    return render_page(request, "people/move.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.PEOPLE, Action.CHANGE, methods=WRITE)
def person_leave(request: HttpRequest, person_id: str) -> HttpResponseBase:
    """Let somebody go: the checklist, who takes over, done."""
    shown = find_person(person_id)
    if shown.id == caller_of(request).person.id:
        messages.error(request, _("You cannot let yourself go. Another administrator can."))
        return redirect("console:person", shown.id)
    form = LeaveForm(request.POST or None)
    context = {"form": form, "person": shown, "back_url": page_of(shown)}
    if request.method == "POST" and form.is_valid():
        successor = form.cleaned_data["successor"]
        try:
            if "confirmed" not in request.POST:
                checklist = tell_checklist(preview_leave(person_id=shown.id, successor=successor))
                return render_page(request, "people/leave_review.html", SECTION, {**context, "checklist": checklist})
            items = leave(
                person_id=shown.id,
                successor=successor,
                reason=form.cleaned_data["reason"],
                actor=caller_of(request).actor,
            )
        except UnknownPerson as error:
            add_problem(form, error, "successor")
        except OstiaryError as error:
            add_problem(form, error)
        else:
            return render_page(request, "people/left.html", SECTION, {**context, "checklist": tell_checklist(items)})
    checklist = tell_checklist(preview_leave(person_id=shown.id))
    status = 422 if form.errors else 200
    return render_page(request, "people/leave.html", SECTION, {**context, "checklist": checklist}, status=status)


def _profile_changes(person: Person, form: MoveForm) -> list[tuple[str, str, str]]:
    """Return what changes of somebody's profile: the field's name, before, after."""
    before = {"title": person.title, "department": person.department, "manager": person.manager}
    return [
        (str(form.fields[name].label), was or "–", form.cleaned_data[name] or "–")
        for name, was in before.items()
        if was != form.cleaned_data[name].strip()
    ]
