"""Who answers requests for a group: its owner, or so many members of another group."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import list_groups
from ostiary.policy.identifiers import GroupId
from ostiary.requests.facade import MOST_NEEDED, get_approval_rule, set_approval_rule
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.groups import find_group, page_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem

SECTION = Resource.GROUPS


class ApproversForm(forms.Form):
    """Whose members answer, and how many of them have to agree."""

    by = forms.ChoiceField(label=gettext_lazy("Who answers requests"), required=False)
    needed = forms.IntegerField(
        label=gettext_lazy("How many have to agree"),
        min_value=1,
        max_value=MOST_NEEDED,
        help_text=gettext_lazy("One who refuses is enough to refuse. Nobody answers their own request."),
    )

    def __init__(self, data: object = None, **more: object) -> None:
        super().__init__(data, **more)  # type: ignore[arg-type]
        field: forms.ChoiceField = self.fields["by"]  # type: ignore[assignment]
        named = [(one.id, _("members of %(group)s") % {"group": one.name or one.id}) for one in list_groups()]
        field.choices = [("", _("its owner, else the manager of who asks")), *named]


@console_page(Resource.GROUPS, Action.CHANGE, methods=WRITE)
def group_approvers(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """Say who answers requests for a group."""
    shown = find_group(group_id)
    if shown.builtin:
        raise Http404
    rule = get_approval_rule(shown.id)
    now = {"by": rule.by if rule else "", "needed": rule.needed if rule else 2}
    form = ApproversForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        by = GroupId(form.cleaned_data["by"]) if form.cleaned_data["by"] else None
        try:
            set_approval_rule(
                group_id=shown.id, by=by, needed=form.cleaned_data["needed"], actor=caller_of(request).actor
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Saved. Requests that wait already are answered as before."))
            return redirect("console:group", shown.id)
    context = {"form": form, "group": shown, "back_url": page_of(shown)}
    return render_page(request, "groups/approvers.html", SECTION, context, status=422 if form.errors else 200)
