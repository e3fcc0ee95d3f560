"""Pages about requests for access: what waits, what is in force, what became of the rest. Asking is the portal's."""

from functools import partial

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from ostiary.errors import OstiaryError
from ostiary.identity.facade import UnknownGroup, get_group, get_session
from ostiary.policy.identifiers import GroupId
from ostiary.requests.facade import (
    Kind,
    Request,
    State,
    UnknownRequest,
    answer_review,
    approve,
    get_request,
    get_review,
    hand_back,
    list_requests,
    refuse,
    requests_to_answer,
)
from ostiary.visibility.facade import Page
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import export_table, pages_of, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.tables import REQUESTS
from ostiary.web.portal.request_forms import AnswerForm, ReviewForm
from ostiary.web.portal.request_words import KIND_WORDS, STATE_WORDS, answered_words

SECTION = Resource.REQUESTS


@console_page(Resource.REQUESTS, Action.VIEW)
@with_columns(REQUESTS)
def requests(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List requests, the newest first."""
    context = {
        "page": _found(request, page_number(request), PAGE_SIZE),
        "columns": columns,
        "text": _text(request),
        "state": request.GET.get("state", ""),
        "states": [(state.value, words) for state, words in STATE_WORDS.items()],
        "kind": request.GET.get("kind", ""),
        "kinds": [(kind.value, words) for kind, words in KIND_WORDS.items()],
        **_emergency_group(),
    }
    return render_page(request, "requests/list.html", SECTION, context)


@console_page(Resource.REQUESTS, Action.EXPORT)
def requests_export(request: HttpRequest) -> HttpResponseBase:
    """Return the requests that the filter finds as a file."""
    if not wants_export(request):
        return redirect("console:requests")
    rows = (
        {
            "id": one.id,
            "email": one.email,
            "group": one.group,
            "app": one.app or "",
            "state": one.state.value,
            "seconds": one.seconds,
            "reason": one.reason,
            "asked_at": one.asked_at,
            "deadline_at": one.deadline_at,
            "decided_at": one.decided_at,
            "decided_by": one.decided_by,
            "comment": one.comment,
            "ends_at": one.ends_at,
            "extends": one.extends,
            "kind": one.kind.value,
            "needed": one.needed,
            "agreed": " ".join(one.agreed),
        }
        for items in pages_of(lambda number, size: _found(request, number, size))
        for one in items
    )
    return export_table(request, "requests", rows)


@console_page(Resource.REQUESTS, Action.VIEW)
def request_detail(request: HttpRequest, request_id: str) -> HttpResponseBase:
    """Show one request."""
    asked = _request_or_404(request_id)
    return render_page(request, "requests/detail.html", SECTION, _context(request, asked))


@console_page(Resource.REQUESTS, Action.GRANT, methods=WRITE)
def request_answer(request: HttpRequest, request_id: str) -> HttpResponseBase:
    """Grant or refuse, where it is the administrator's to answer."""
    asked, caller = _request_or_404(request_id), caller_of(request)
    form = AnswerForm(request.POST or None)
    decide = {"approve": approve, "refuse": refuse}.get(request.POST.get("answer", ""))
    if request.method == "POST" and decide is not None and form.is_valid():
        try:
            given = {"request_id": asked.id, "comment": form.cleaned_data["comment"], "actor": caller.actor}
            proofs = get_session(caller.session).authentications
            after = approve(**given, proofs=proofs) if decide is approve else refuse(**given)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, answered_words(after))
            return redirect("console:request", asked.id)
    context = {**_context(request, asked), "form": form}
    return render_page(request, "requests/detail.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.REQUESTS, Action.GRANT, methods=WRITE)
def request_review(request: HttpRequest, request_id: str) -> HttpResponseBase:
    """Say whether the use of emergency access was right, where it was somebody else's."""
    asked, caller = _request_or_404(request_id), caller_of(request)
    form = ReviewForm(request.POST or None)
    justified = {"yes": True, "no": False}.get(request.POST.get("justified", ""))
    if request.method == "POST" and justified is not None and form.is_valid():
        try:
            answer_review(
                request_id=asked.id, justified=justified, words=form.cleaned_data["words"], actor=caller.actor
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Your review stands on the record."))
            return redirect("console:request", asked.id)
    context = {**_context(request, asked), "review_form": form}
    return render_page(request, "requests/detail.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.REQUESTS, Action.REVOKE, methods=WRITE)
def request_end(request: HttpRequest, request_id: str) -> HttpResponseBase:
    """Say what ending access before its time does, and do it."""
    asked = _request_or_404(request_id)
    page = reverse("console:request", args=[asked.id])
    return ask_and_act(
        request,
        SECTION,
        "requests/end.html",
        {"asked": asked, "back_url": page},
        act=partial(hand_back, request_id=asked.id),
        done=_("The access of %(email)s has ended.") % {"email": asked.email},
        then=page,
    )


def _context(request: HttpRequest, asked: Request) -> dict[str, object]:
    theirs = any(one.id == asked.id for one in requests_to_answer(caller_of(request).person.id))
    review = get_review(asked.id)
    return {
        "asked": asked,
        "form": AnswerForm(),
        "theirs": theirs,
        "review": review,
        "review_form": ReviewForm(),
        "to_review": review is not None
        and review.answered_at is None
        and asked.person_id != caller_of(request).person.id,
    }


def _emergency_group() -> dict[str, object]:
    """Return the group whose members may use emergency access, and its name in the configuration, should it not exist."""
    named = settings.INSTANCE.configuration.access.emergency_group
    try:
        return {"emergency_group": get_group(GroupId(named)) if named else None, "emergency_named": named}
    except UnknownGroup:
        return {"emergency_named": named}


def _found(request: HttpRequest, number: int, size: int) -> Page[Request]:
    wanted = request.GET.get("state", "")
    state = State(wanted) if wanted in {one.value for one in State} else None
    named = request.GET.get("kind", "")
    kind = Kind(named) if named in {one.value for one in Kind} else None
    return list_requests(text=_text(request), state=state, kind=kind, page=number, page_size=size)


def _text(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()[:200]


def _request_or_404(request_id: str) -> Request:
    try:
        return get_request(request_id)
    except UnknownRequest:
        raise Http404 from None
