"""Requests for access in the portal: asking, answering, handing back. Whose each is to answer is `requests`' to say."""

import time
from collections.abc import Callable

import structlog
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.errors import OstiaryError
from ostiary.gateway.asking import Openings
from ostiary.identity.entrance import PersonRow, person_actor, return_path_or_start
from ostiary.identity.facade import UnknownGroup, get_group, get_person
from ostiary.policy.identifiers import GroupId, MalformedIdentifier, PersonId, parse_slug
from ostiary.requests.facade import (
    HOUR_SECONDS,
    Request,
    State,
    UnknownRequest,
    approve,
    ask,
    choices,
    extend,
    get_request,
    hand_back,
    list_requests,
    read_answer_token,
    refuse,
    requests_to_answer,
    withdraw,
)
from ostiary.visibility.facade import DecisionQuery, latest_decisions
from ostiary.web.portal.request_words import hours_in_words
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.targets import app_or_none, to_app

log = structlog.get_logger(__name__)
MAX_OWN = 100


class TermForm(forms.Form):
    """For how long, and why."""

    hours = forms.TypedChoiceField(label=gettext_lazy("For how long"), coerce=int, initial=8)
    reason = forms.CharField(
        label=gettext_lazy("Why you need it"),
        max_length=500,
        help_text=gettext_lazy("Whoever answers reads this, and it stands on the record."),
    )

    def __init__(self, data: object = None, **more: object) -> None:
        super().__init__(data, **more)  # type: ignore[arg-type]
        longest = settings.INSTANCE.configuration.access.longest_hours
        field: forms.TypedChoiceField = self.fields["hours"]  # type: ignore[assignment]
        field.choices = [(hours, hours_in_words(hours)) for hours in choices(longest)]

    @property
    def seconds(self) -> int:
        """How long, when the form is valid."""
        return int(self.cleaned_data["hours"]) * HOUR_SECONDS


class AskForm(TermForm):
    """What for as well: one of the groups that would open the app."""

    group = forms.ChoiceField(label=gettext_lazy("By which group"))
    field_order = ("group", "hours", "reason")

    def __init__(self, groups: tuple[GroupId, ...], data: object = None) -> None:
        super().__init__(data)
        field: forms.ChoiceField = self.fields["group"]  # type: ignore[assignment]
        field.choices = [(group, get_group(group).name) for group in groups]
        field.initial = groups[0] if groups else None


class AnswerForm(forms.Form):
    """What is said with the answer."""

    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Whoever asked reads this, and it stands on the record."),
    )


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """List what waits for the person's answer, and what they asked for."""
    row, _session = signed_in(request)
    mine = list_requests(person_id=PersonId(row.id), page_size=MAX_OWN).items
    context = {
        "to_answer": requests_to_answer(PersonId(row.id)),
        "in_force": [one for one in mine if one.state is State.GRANTED],
        "waiting": [one for one in mine if one.state is State.WAITING],
        "past": [one for one in mine if one.state not in {State.GRANTED, State.WAITING}],
        "portal_tab": "requests",
    }
    return render(request, "portal/requests.html", context)


@require_http_methods(["GET", "POST"])
def ask_for_access(request: HttpRequest) -> HttpResponse:
    """Ask to get into an app, or into a group that is named."""
    row, _session = signed_in(request)
    person = get_person(PersonId(row.id))
    app = app_or_none(request.GET.get("app", ""))
    if app is not None and app.builtin:
        return _nothing_to_ask(request)
    path = return_path_or_start(request.GET.get("return", "/"))
    named = _named_group(request)
    try:
        groups = (named,) if named else Openings().groups_for(person, app.id, path) if app else ()
    except OstiaryError as error:
        log.error("portal_rules_unusable", detail=str(error))
        groups = ()
    if not groups:
        return _nothing_to_ask(request)
    form = AskForm(groups, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = ask(
                person_id=person.id,
                group_id=GroupId(form.cleaned_data["group"]),
                seconds=form.seconds,
                reason=form.cleaned_data["reason"],
                app=app.id if app else None,
                return_path=path,
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your request is on its way. You get a mail when it is answered."))
            return HttpResponseRedirect(reverse("portal_request", args=[asked.id]))
    context = {"form": form, "app": app, "groups": groups, "portal_tab": "requests"}
    return render(request, "portal/request_new.html", context, status=422 if form.errors else 200)


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
    return show(request, request_id)


@require_safe
def show(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show one request to those whom it concerns."""
    row, _session = signed_in(request)
    return _shown(request, row, _concerning(request_id, row), AnswerForm())


@require_POST
def answer(request: HttpRequest, request_id: str) -> HttpResponse:
    """Grant or refuse."""
    row, _session = signed_in(request)
    asked = _concerning(request_id, row)
    form = AnswerForm(request.POST)
    decide = {"approve": approve, "refuse": refuse}.get(request.POST.get("answer", ""))
    if decide is not None and form.is_valid():
        try:
            decide(request_id=asked.id, comment=form.cleaned_data["comment"], actor=person_actor(request, row))
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            granted = decide is approve
            words = _("%(who)s has access.") if granted else _("The request of %(who)s is refused.")
            messages.success(request, words % {"who": asked.name or asked.email})
            return HttpResponseRedirect(reverse("portal_requests"))
    return _shown(request, row, asked, form, status=422)


@require_POST
def take_back(request: HttpRequest, request_id: str) -> HttpResponse:
    """Withdraw a request of one's own."""
    return _change_own(request, request_id, withdraw, _("Your request is withdrawn."))


@require_POST
def give_back(request: HttpRequest, request_id: str) -> HttpResponse:
    """Hand back access of one's own before its time."""
    return _change_own(request, request_id, hand_back, _("You have handed it back."))


@require_http_methods(["GET", "POST"])
def go_on(request: HttpRequest, request_id: str) -> HttpResponse:
    """Ask for access to go on after its end."""
    row, _session = signed_in(request)
    asked = _own(request_id, row)
    form = TermForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            more = extend(
                request_id=asked.id,
                seconds=form.seconds,
                reason=form.cleaned_data["reason"],
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your request is on its way. You get a mail when it is answered."))
            return HttpResponseRedirect(reverse("portal_request", args=[more.id]))
    context = {"form": form, "extends": asked, "portal_tab": "requests"}
    return render(request, "portal/request_new.html", context, status=422 if form.errors else 200)


def _change_own(request: HttpRequest, request_id: str, change: Callable[..., None], done: str) -> HttpResponse:
    row, _session = signed_in(request)
    asked = _own(request_id, row)
    try:
        change(request_id=asked.id, actor=person_actor(request, row))
    except OstiaryError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, done)
    return HttpResponseRedirect(reverse("portal_requests"))


def _shown(request: HttpRequest, row: PersonRow, asked: Request, form: AnswerForm, status: int = 200) -> HttpResponse:
    own = asked.person_id == row.id
    app = app_or_none(asked.app) if asked.app else None
    context = {
        "asked": asked,
        "own": own,
        "form": form,
        "app": app,
        "back": to_app(app, asked.return_path).url if app else "",
        "ends_at": time.time() + asked.seconds,
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
    if asked.state is not State.WAITING and asked.decided_by == row.email:
        return asked
    raise Http404


def _own(request_id: str, row: PersonRow) -> Request:
    asked = _request_or_404(request_id)
    if asked.person_id != row.id:
        raise Http404
    return asked


def _request_or_404(request_id: str) -> Request:
    try:
        return get_request(request_id)
    except UnknownRequest:
        raise Http404 from None


def _named_group(request: HttpRequest) -> GroupId | None:
    """Return the group that the address names, when there is one that may be asked for."""
    try:
        group = get_group(GroupId(parse_slug(request.GET.get("group", ""), what="group")))
    except (UnknownGroup, MalformedIdentifier):
        return None
    return None if group.builtin else group.id


def _nothing_to_ask(request: HttpRequest) -> HttpResponse:
    contact = settings.INSTANCE.configuration.contact
    words = _("No group would open this to you, or it is open already.")
    more = _("Write to %(contact)s.") % {"contact": contact} if contact else _("Your administrators can help.")
    return problem_page(request, status=404, title=_("There is nothing to ask for here"), words=f"{words} {more}")
