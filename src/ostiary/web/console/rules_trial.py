"""Pages about rules that do not stay by themselves: those on trial, and those that wait for a second administrator."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ostiary.errors import OstiaryError
from ostiary.rulebook.facade import (
    Hold,
    ProposalState,
    UnknownProposal,
    approve_proposal,
    confirm_hold,
    get_hold,
    get_proposal,
    list_proposals,
    may_approve,
    roll_back,
    withdraw_proposal,
)
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.lock_out import proves_entry
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.rules_change import GoAheadForm, plan_for, plan_in_words, show_applied

SECTION = Resource.RULES


@console_page(Resource.RULES, Action.CHANGE, methods=WRITE)
def rules_confirm(request: HttpRequest) -> HttpResponseBase:
    """Show the rules that are on trial; sent as a form, let them stay."""
    hold = get_hold()
    if hold is None:
        messages.info(request, _("No rules are on trial."))
        return redirect("console:rules")
    if request.method != "POST":
        return render_page(request, "rules/trial.html", SECTION, {"hold": hold})
    caller = caller_of(request)
    number = _number_sent(request)
    try:
        confirm_hold(number=number, actor=caller.actor, proved=proves_entry(caller, hold))
    except OstiaryError as error:
        return _show_trial(request, hold, error)
    messages.success(request, _("Rules number %(number)d stay.") % {"number": number})
    return redirect("console:rules")


@console_page(Resource.RULES, Action.CHANGE, methods=WRITE)
def rules_roll_back(request: HttpRequest) -> HttpResponseBase:
    """Bring back the rules before those on trial."""
    hold = get_hold()
    if hold is None or request.method != "POST":
        return redirect("console:rules_confirm")
    try:
        restored = roll_back(number=_number_sent(request), actor=caller_of(request).actor)
    except OstiaryError as error:
        return _show_trial(request, hold, error)
    messages.success(request, _("The rules before are back, as number %(number)d.") % {"number": restored.number})
    return redirect("console:rules")


@console_page(Resource.RULES, Action.VIEW)
def rules_proposals(request: HttpRequest) -> HttpResponseBase:
    """List the rules that wait for a second administrator."""
    return render_page(request, "rules/proposals.html", SECTION, {"proposals": list_proposals()})


@console_page(Resource.RULES, Action.CHANGE, methods=WRITE)
def rules_proposal(request: HttpRequest, proposal_id: int) -> HttpResponseBase:
    """Show what a proposal would do; sent as a form, put it in force or take it back."""
    try:
        proposal = get_proposal(proposal_id)
    except UnknownProposal as error:
        messages.warning(request, str(error))
        return redirect("console:rules_proposals")
    if proposal.state is not ProposalState.OPEN:
        messages.info(request, _("Proposal number %(number)d does not wait any more.") % {"number": proposal.id})
        return redirect("console:rules_proposals")
    caller, form = caller_of(request), GoAheadForm(request.POST or None)
    plan = plan_for(request, proposal.document, proposal.cedar)
    shown = {
        **plan_in_words(plan),
        "proposal": proposal,
        "form": form,
        "may_approve": may_approve(proposal, caller.actor),
    }
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            if "withdraw" in request.POST:
                withdraw_proposal(proposal.id, actor=caller.actor)
                messages.success(request, _("Proposal number %(number)d is withdrawn.") % {"number": proposal.id})
                return redirect("console:rules_proposals")
            applied = approve_proposal(
                proposal.id,
                plan,
                people_named=form.cleaned_data["people"],
                despite_failing_tests=form.cleaned_data["despite_failing_tests"],
            )
            return show_applied(request, applied)
        except OstiaryError as error:
            add_problem(form, error)
            status = 422
    return render_page(request, "rules/proposal.html", SECTION, shown, status=status)


def _show_trial(request: HttpRequest, hold: Hold, error: OstiaryError) -> HttpResponseBase:
    return render_page(request, "rules/trial.html", SECTION, {"hold": hold, "problem": str(error)}, status=422)


def _number_sent(request: HttpRequest) -> int:
    """Return the number of the rules that the page was about; 0, which no rules have, for nonsense."""
    text = request.POST.get("number", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
