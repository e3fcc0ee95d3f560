"""Pages about people who lost their second factor: who asks, from where, and the answer. Asking is the sign-in pages'."""

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.identity.facade import (
    RecoveryInfo,
    RecoveryState,
    UnknownRecovery,
    confirm_recovery,
    describe_browser,
    get_recovery,
    may_answer_recovery,
    refuse_recovery,
    search_recoveries,
)
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource, may
from ostiary.web.console.problems import add_problem
from ostiary.web.portal.recoveries import ConfirmForm

SECTION = Resource.PEOPLE
STATE_WORDS: Final[dict[RecoveryState, Promise]] = {
    RecoveryState.ASKED: gettext_lazy("waits for an answer"),
    RecoveryState.CONFIRMED: gettext_lazy("confirmed, link not used yet"),
    RecoveryState.REFUSED: gettext_lazy("refused"),
    RecoveryState.USED: gettext_lazy("link used"),
    RecoveryState.LAPSED: gettext_lazy("lapsed"),
}


@console_page(Resource.PEOPLE, Action.VIEW)
def recoveries(request: HttpRequest) -> HttpResponseBase:
    """List recoveries, the newest first."""
    text, waiting = request.GET.get("q", "").strip()[:200], request.GET.get("state") == "waiting"
    page = search_recoveries(text=text, waiting=waiting, page=page_number(request), page_size=PAGE_SIZE)
    lines = [(one, STATE_WORDS[one.state]) for one in page.items]
    context = {"page": page, "lines": lines, "text": text, "waiting": waiting}
    return render_page(request, "recoveries/list.html", SECTION, context)


@console_page(Resource.PEOPLE, Action.VIEW)
def recovery(request: HttpRequest, recovery_id: str) -> HttpResponseBase:
    """Show who asks, and from where."""
    return render_page(request, "recoveries/detail.html", SECTION, _context(request, _recovery_or_404(recovery_id)))


@console_page(Resource.PEOPLE, Action.RESET, methods=WRITE)
def recovery_answer(request: HttpRequest, recovery_id: str) -> HttpResponseBase:
    """Confirm, and show the link once, or refuse."""
    asked, caller = _recovery_or_404(recovery_id), caller_of(request)
    form = ConfirmForm(request.POST or None)
    answer = request.POST.get("answer", "")
    if request.method == "POST" and answer in {"confirm", "refuse"} and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            if answer == "refuse":
                refuse_recovery(recovery_id=asked.id, reason=reason, actor=caller.actor)
                messages.success(request, _("It is refused; %(email)s is told.") % {"email": asked.email})
                return redirect("console:recovery", asked.id)
            invitation = confirm_recovery(recovery_id=asked.id, reason=reason, actor=caller.actor)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            link = {"invitation": invitation, "name": asked.name or asked.email, "with_password": True}
            return render_page(request, "people/link_once.html", SECTION, link)
    context = {**_context(request, asked), "form": form}
    return render_page(request, "recoveries/detail.html", SECTION, context, status=422 if form.errors else 200)


def _context(request: HttpRequest, asked: RecoveryInfo) -> dict[str, object]:
    caller = caller_of(request)
    return {
        "asked": asked,
        "form": ConfirmForm(),
        "state": STATE_WORDS[asked.state],
        "browser": describe_browser(asked.user_agent),
        "answerable": may(caller.role, Resource.PEOPLE, Action.RESET)
        and may_answer_recovery(recovery=asked, actor=caller.actor),
    }


def _recovery_or_404(recovery_id: str) -> RecoveryInfo:
    try:
        return get_recovery(recovery_id)
    except UnknownRecovery:
        raise Http404 from None
