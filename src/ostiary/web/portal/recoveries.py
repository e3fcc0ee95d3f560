"""For whoever people report to: confirming who somebody is that lost their second factor. The console has its own page."""

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import person_actor
from ostiary.identity.facade import (
    UnknownRecovery,
    confirm_recovery,
    describe_browser,
    get_recovery,
    may_answer_recovery,
    refuse_recovery,
    search_recoveries,
)
from ostiary.policy.identifiers import PersonId
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import recent_proof_or_redirect


class ConfirmForm(forms.Form):
    """How it was made sure who it is, or why not."""

    reason = forms.CharField(
        label=gettext_lazy("How you made sure"),
        max_length=500,
        help_text=gettext_lazy("For instance: called them on the number in our list. It stands on the record."),
    )


@require_safe
def recoveries(request: HttpRequest) -> HttpResponse:
    """List who waits."""
    row, _session = signed_in(request)
    number = request.GET.get("page", "1")
    page = search_recoveries(
        waiting=True, manager=PersonId(row.id), page=int(number) if number.isdecimal() and len(number) < 6 else 1
    )
    return render(request, "portal/recoveries.html", {"page": page})


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, recovery_id: str) -> HttpResponse:
    """Show who asks and from where; on POST, after a fresh proof, confirm or refuse. The link is shown once."""
    row, _session = signed_in(request)
    actor = person_actor(request, row)
    try:
        asked = get_recovery(recovery_id)
    except UnknownRecovery:
        raise Http404 from None
    if not may_answer_recovery(recovery=asked, actor=actor):
        raise Http404
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    form = ConfirmForm(request.POST or None)
    context = {"asked": asked, "form": form, "answerable": True, "browser": describe_browser(asked.user_agent)}
    answer = request.POST.get("answer", "")
    if request.method != "POST" or answer not in {"confirm", "refuse"} or not form.is_valid():
        return render(request, "portal/recovery.html", context)
    try:
        if answer == "refuse":
            refuse_recovery(recovery_id=asked.id, reason=form.cleaned_data["reason"], actor=actor)
            return HttpResponseRedirect(reverse("portal_recoveries"))
        context["invitation"] = confirm_recovery(recovery_id=asked.id, reason=form.cleaned_data["reason"], actor=actor)
    except OstiaryError as error:
        form.add_error(None, str(error))
    return render(request, "portal/recovery.html", context)
