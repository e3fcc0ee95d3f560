"""Requests for access in the portal: one's own, and those that wait for one's answer. Whose that is, is `requests`' to say."""

import time
from collections.abc import Callable

import structlog
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.applications.facade import CONSOLE_APP
from ostiary.errors import OstiaryError
from ostiary.gateway.asking import Openings
from ostiary.identity.entrance import PersonRow, person_actor
from ostiary.identity.facade import get_person
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import AuthStrength
from ostiary.requests.facade import (
    FRESH_SECONDS,
    ProofNeeded,
    Request,
    State,
    UnknownRequest,
    answer_review,
    approve,
    get_request,
    get_review,
    hand_back,
    list_requests,
    may_become_administrator,
    may_review,
    read_answer_token,
    refuse,
    requests_to_answer,
    reviews_to_answer,
    withdraw,
)
from ostiary.visibility.facade import DecisionQuery, latest_decisions
from ostiary.web.portal.request_forms import AnswerForm, ReviewForm
from ostiary.web.portal.request_words import answered_words
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import fresh_proof_or_page, recent_proof_or_redirect
from ostiary.web.signin.targets import app_or_none, to_app

log = structlog.get_logger(__name__)
MAX_OWN = 100
MAX_COMMENT_CHARACTERS = 500
COMMENT_KEY = "ostiary_answer_comment"


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """List what waits for the person's answer, and what they asked for."""
    row, _session = signed_in(request)
    mine = list_requests(person_id=PersonId(row.id), page_size=MAX_OWN).items
    context = {
        "to_answer": requests_to_answer(PersonId(row.id)),
        "to_review": reviews_to_answer(PersonId(row.id)),
        "may_become": may_become_administrator(PersonId(row.id)),
        "in_force": [one for one in mine if one.state is State.GRANTED],
        "waiting": [one for one in mine if one.state is State.WAITING],
        "past": [one for one in mine if one.state not in {State.GRANTED, State.WAITING}],
        "portal_tab": "requests",
    }
    return render(request, "portal/requests.html", context)


@require_safe
def from_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Lead from a mail to the page with the buttons. Nothing is answered by opening a link."""
    row, _session = signed_in(request)
    read = read_answer_token(token)
    if read is None:
        return problem_page(
            request,
            status=404,
            title=_("This link is not complete"),
            words=_("Copy all of it from the mail, or look under Requests."),
        )
    request_id, person_id = read
    if person_id != row.id:
        return problem_page(
            request,
            status=403,
            title=_("This link is for somebody else"),
            words=_("You are signed in as %(email)s. Sign in as whoever the mail was sent to.") % {"email": row.email},
        )
    try:
        _concerning(request_id, row)
    except Http404:
        return problem_page(
            request,
            status=404,
            title=_("This does not wait for you any more"),
            words=_("Somebody has answered, it was withdrawn, or it is somebody else's to answer now."),
        )
    return show(request, request_id)


@require_safe
def show(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show one request to those whom it concerns."""
    row, _session = signed_in(request)
    kept = request.session.pop(COMMENT_KEY, None)
    comment = kept[1] if isinstance(kept, list) and kept[:1] == [request_id] else ""
    return _shown(request, row, _concerning(request_id, row), AnswerForm(initial={"comment": comment}))


@require_POST
def answer(request: HttpRequest, request_id: str) -> HttpResponse:
    """Grant, after a fresh proof, or refuse. What was written is still there after the proof."""
    row, session = signed_in(request)
    asked = _concerning(request_id, row)
    form = AnswerForm(request.POST)
    decide = {"approve": approve, "refuse": refuse}.get(request.POST.get("answer", ""))
    if decide is approve and asked.person_id != row.id:
        here = reverse("portal_request", args=[asked.id])
        if (way := recent_proof_or_redirect(request, back=here)) is not None:
            request.session[COMMENT_KEY] = [asked.id, request.POST.get("comment", "")[:MAX_COMMENT_CHARACTERS]]
            return way
    if decide is not None and form.is_valid():
        try:
            given = {
                "request_id": asked.id,
                "comment": form.cleaned_data["comment"],
                "actor": person_actor(request, row),
            }
            after = approve(**given, proofs=session.authentications) if decide is approve else refuse(**given)
        except ProofNeeded:
            return HttpResponseRedirect(f"{reverse('portal_request_prove', args=[asked.id])}")
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, answered_words(after))
            return HttpResponseRedirect(reverse("portal_requests"))
    return _shown(request, row, asked, form, status=422)


@require_http_methods(["GET", "POST"])
def prove_to_answer(request: HttpRequest, request_id: str) -> HttpResponse:
    """Ask for a passkey before somebody makes somebody else an administrator, then go back to the request."""
    row, _session = signed_in(request)
    asked, console = _concerning(request_id, row), app_or_none(CONSOLE_APP)
    if console is None:
        raise Http404
    words = _("Making somebody an administrator needs your passkey, now.")
    need, since = AuthStrength.PHISHING_RESISTANT, time.time() - FRESH_SECONDS
    page = fresh_proof_or_page(request, need=need, since=since, app=console, words=words)
    return page or HttpResponseRedirect(reverse("portal_request", args=[asked.id]))


@require_POST
def review(request: HttpRequest, request_id: str) -> HttpResponse:
    """Say whether the use of emergency access was right."""
    row, _session = signed_in(request)
    asked, form = _concerning(request_id, row), ReviewForm(request.POST)
    justified = {"yes": True, "no": False}.get(request.POST.get("justified", ""))
    if justified is not None and form.is_valid():
        try:
            answer_review(
                request_id=asked.id,
                justified=justified,
                words=form.cleaned_data["words"],
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your review stands on the record."))
            return HttpResponseRedirect(reverse("portal_request", args=[asked.id]))
    return _shown(request, row, asked, AnswerForm(), status=422, reviewing=form)


@require_POST
def take_back(request: HttpRequest, request_id: str) -> HttpResponse:
    """Withdraw a request of one's own."""
    return _change_own(request, request_id, withdraw, _("Your request is withdrawn."))


@require_POST
def give_back(request: HttpRequest, request_id: str) -> HttpResponse:
    """Hand back access of one's own before its time."""
    return _change_own(request, request_id, hand_back, _("You have handed it back."))


def _change_own(request: HttpRequest, request_id: str, change: Callable[..., None], done: str) -> HttpResponse:
    row, _session = signed_in(request)
    asked = own_request(request_id, row)
    try:
        change(request_id=asked.id, actor=person_actor(request, row))
    except OstiaryError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, done)
    return HttpResponseRedirect(reverse("portal_requests"))


def _shown(
    request: HttpRequest,
    row: PersonRow,
    asked: Request,
    form: AnswerForm,
    *,
    status: int = 200,
    reviewing: ReviewForm | None = None,
) -> HttpResponse:
    own = asked.person_id == row.id
    app = app_or_none(asked.app) if asked.app else None
    context = {
        "asked": asked,
        "own": own,
        "form": form,
        "app": app,
        "back": to_app(app, asked.return_path).url if app else "",
        "ends_at": time.time() + asked.seconds,
        "review": get_review(asked.id),
        "review_form": reviewing or ReviewForm(),
        "agreed_already": row.email in asked.agreed,
        "portal_tab": "requests",
    }
    if not own and asked.state is State.WAITING:
        context |= _for_the_answer(asked)
    return render(request, "portal/request.html", context, status=status)


def _for_the_answer(asked: Request) -> dict[str, object]:
    """Return what somebody who answers wants to know: what it opens, and how it was used before."""
    try:
        opens: tuple[str, ...] = Openings().opened_by(get_person(asked.person_id), asked.group)
    except OstiaryError as error:
        log.error("portal_rules_unusable", detail=str(error))
        opens = ()
    apps = [app for one in opens if (app := app_or_none(one))]
    before = [
        one
        for one in list_requests(person_id=asked.person_id, page_size=MAX_OWN).items
        if one.group == asked.group and one.id != asked.id
    ]
    return {"opens": apps, "before": before[:5], "used": _last_used(asked)}


def _last_used(asked: Request) -> float | None:
    """Return when somebody was last let into the app that they ask for."""
    if not asked.app:
        return None
    query = DecisionQuery(person=asked.person_id, app=asked.app, outcome="allowed", stream="", page_size=1)
    used = latest_decisions(query)
    return used[0].at if used else None


def _concerning(request_id: str, row: PersonRow) -> Request:
    """Return a request that is one's own or one's to answer; for others it does not exist."""
    asked = _request_or_404(request_id)
    if asked.person_id == row.id or any(one.id == asked.id for one in requests_to_answer(PersonId(row.id))):
        return asked
    if row.email in {asked.decided_by, *asked.agreed} or may_review(asked.id, PersonId(row.id)):
        return asked
    raise Http404


def own_request(request_id: str, row: PersonRow) -> Request:
    """Return a request of one's own; for others it does not exist."""
    asked = _request_or_404(request_id)
    if asked.person_id != row.id:
        raise Http404
    return asked


def _request_or_404(request_id: str) -> Request:
    try:
        return get_request(request_id)
    except UnknownRequest:
        raise Http404 from None
