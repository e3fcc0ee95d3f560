"""Pages about exceptions: which wait, which are granted, and answering them."""

import time
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from ostiary.baselines.facade import (
    Excepted,
    ExceptionState,
    UnknownException,
    end_exception,
    get_exception,
    grant_exception,
    list_exceptions,
    refuse_exception,
)
from ostiary.errors import OstiaryError
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.baseline_words import STATE_WORDS
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm

SECTION: Final = Resource.DEVICES
_ACTS: Final = {"grant": grant_exception, "refuse": refuse_exception, "end": end_exception}


@console_page(Resource.DEVICES, Action.VIEW)
def device_exceptions(request: HttpRequest) -> HttpResponseBase:
    """List exceptions, those that wait for an answer first, then those in force."""
    order = (ExceptionState.WAITING, ExceptionState.GRANTED)
    found = sorted(list_exceptions(), key=lambda one: order.index(one.state) if one.state in order else len(order))
    page = cut(found, page_number(request))
    lines = [(one, *STATE_WORDS[one.state]) for one in page.items]
    return render_page(request, "baselines/exceptions.html", SECTION, {"page": page, "lines": lines})


@console_page(Resource.DEVICES, Action.GRANT, methods=WRITE)
def device_exception_answer(request: HttpRequest, exception_id: int) -> HttpResponseBase:
    """Grant or refuse an exception that waits, or end one that was granted."""
    found = _exception_or_404(exception_id)
    form = ReasonForm(request.POST or None)
    act = _ACTS.get(request.POST.get("what", ""))
    if request.method == "POST" and act is not None and form.is_valid():
        said = {"now": time.time(), "actor": caller_of(request).actor, "reason": form.cleaned_data["reason"]}
        try:
            act(found.id, **said)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The exception for %(name)s was answered.") % {"name": found.device_name})
            return redirect("console:device_exceptions")
    meaning, words = STATE_WORDS[found.state]
    context = {
        "form": form,
        "exception": found,
        "meaning": meaning,
        "state": words,
        "waits": found.state is ExceptionState.WAITING,
        "granted": found.state is ExceptionState.GRANTED,
        "back_url": reverse("console:device_exceptions"),
    }
    return render_page(request, "baselines/answer.html", SECTION, context, status=422 if form.errors else 200)


def _exception_or_404(number: int) -> Excepted:
    try:
        return get_exception(number)
    except (UnknownException, OverflowError):
        raise Http404 from None
