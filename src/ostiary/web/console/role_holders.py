"""Pages that give somebody a role and take it back. What a role brings follows at once."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ostiary.identity.facade import assign_role, preview_role, withdraw_role
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.fields import TermForm
from ostiary.web.console.giving import give_to_somebody
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.people import find_person as find_person_by_id
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.roles import find_role, page_of

SECTION = Resource.ROLES


@console_page(Resource.ROLES, Action.GRANT, methods=WRITE)
def role_assign(request: HttpRequest, role_id: str) -> HttpResponseBase:
    """Give somebody a role, or change until when they have it."""
    shown = find_role(role_id)
    form = TermForm(request.POST or None, initial={"email": request.GET.get("email", "")})
    person = give_to_somebody(request, form, partial(assign_role, role_id=shown.id))
    if person is not None:
        words = {"name": person.name or person.email, "role": shown.name}
        messages.success(request, _("%(name)s has the role %(role)s now.") % words)
        return redirect("console:role", shown.id)
    context = {"form": form, "role": shown}
    return render_page(request, "roles/assign.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.ROLES, Action.GRANT, methods=WRITE)
def role_withdraw(request: HttpRequest, role_id: str, person_id: str) -> HttpResponseBase:
    """Say what taking a role back does, and do it."""
    shown = find_role(role_id)
    person = find_person_by_id(person_id)
    if shown.id not in person.roles:
        raise Http404
    effects = preview_role(role_id=shown.id, groups=frozenset(), person_id=person.id)
    return ask_and_act(
        request,
        SECTION,
        "roles/withdraw.html",
        {
            "role": shown,
            "person": person,
            "loses": effects[0].loses if effects else (),
            "back_url": page_of(shown),
            "oneself": person.id == caller_of(request).person.id,
        },
        act=partial(withdraw_role, role_id=shown.id, person_id=person.id),
        done=_("%(name)s no longer has the role %(role)s.") % {"name": person.name or person.email, "role": shown.name},
        then=page_of(shown),
    )
