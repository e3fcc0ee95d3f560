"""Pages about services (scripts, robots, pipelines): who answers for them, when they were last used, how they prove themselves.

Keys and issuers are added and taken away in `service_proofs`. People's own tokens are in `personal_tokens`.
"""

import time
from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from ostiary.errors import OstiaryError
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.service_forms import ChangeForm, NewServiceForm, field_of
from ostiary.web.console.service_words import CLOSED_WORDS, STATE_WORDS, shown
from ostiary.web.console.tables import SERVICES
from ostiary.workloads.facade import (
    Service,
    UnknownService,
    add_key,
    add_service,
    change_service,
    closes_at,
    disable_service,
    enable_service,
    get_service,
    list_services,
    remove_service,
)

SECTION = Resource.SERVICES


@console_page(Resource.SERVICES, Action.VIEW)
@with_columns(SERVICES)
def services(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the services."""
    text, state, now = request.GET.get("q", "").strip(), request.GET.get("state", ""), time.time()
    found = [
        one
        for one in list_services()
        if matches(text, (one.id, one.owner, one.purpose)) and (not state or one.state(now).value == state)
    ]
    page = cut(found, page_number(request))
    context = {
        "page": page,
        "lines": [shown(one, now) for one in page.items],
        "columns": columns,
        "text": text,
        "state": state,
        "states": [(one.value, words) for one, words in STATE_WORDS.items()],
        "filtered": bool(text or state),
    }
    return render_page(request, "services/list.html", SECTION, context)


@console_page(Resource.SERVICES, Action.VIEW)
def service(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Show one service."""
    return render_page(request, "services/detail.html", SECTION, _context(_service_or_404(service_id)))


@console_page(Resource.SERVICES, Action.ENTER, methods=WRITE)
def service_add(request: HttpRequest) -> HttpResponseBase:
    """Make a service."""
    form = NewServiceForm(request.POST or None, initial={"owner": caller_of(request).person.email})
    if request.method == "POST" and form.is_valid():
        said, actor = form.cleaned_data, caller_of(request).actor
        try:
            with transaction.atomic():
                made = add_service(
                    said["name"],
                    owner=said["owner"],
                    purpose=said["purpose"],
                    days=said["days"],
                    token_minutes=said["token_minutes"],
                    reason=said["reason"],
                    actor=actor,
                )
                if said["key"].strip():
                    add_key(made.id, said["key"], actor=actor, reason=said["reason"])
        except OstiaryError as error:
            add_problem(form, error, field_of(error))
        else:
            messages.success(request, _("The service was made. It opens nothing until a rule names it."))
            return redirect("console:service", made.id)
    return render_page(request, "services/add.html", SECTION, {"form": form}, status=422 if form.errors else 200)


@console_page(Resource.SERVICES, Action.CHANGE, methods=WRITE)
def service_change(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Change who answers for a service, what it is for and when it ends."""
    found = _service_or_404(service_id)
    initial = {"owner": found.owner, "purpose": found.purpose, "token_minutes": found.token_seconds // 60, "days": None}
    form = ChangeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            change_service(
                found.id,
                owner=said["owner"] if said["owner"] != found.owner else None,
                purpose=said["purpose"],
                days=said["days"],
                token_minutes=said["token_minutes"],
                reason=said["reason"],
                actor=caller_of(request).actor,
            )
        except OstiaryError as error:
            add_problem(form, error, field_of(error))
        else:
            messages.success(request, _("The service was changed."))
            return redirect("console:service", found.id)
    context = {**_context(found), "form": form}
    return render_page(request, "services/change.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.SERVICES, Action.DISABLE, methods=WRITE)
def service_disable(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Say what switching a service off does, and do it."""
    done = _("%(name)s is switched off.")
    return _confirmed(request, service_id, "disable", disable_service, done)


@console_page(Resource.SERVICES, Action.DISABLE, methods=WRITE)
def service_enable(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Say what switching a service on again does, and do it."""
    done = _("%(name)s is switched on.")
    return _confirmed(request, service_id, "enable", enable_service, done)


@console_page(Resource.SERVICES, Action.REMOVE, methods=WRITE)
def service_remove(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Say what removing a service does, and do it."""
    done = _("%(name)s is removed.")
    return _confirmed(request, service_id, "remove", remove_service, done)


def _confirmed(
    request: HttpRequest, service_id: str, page: str, act: Callable[..., object], done: str
) -> HttpResponseBase:
    """Show what an act does to a service, and do it once a reason is given; then show what is left of it."""
    found = _service_or_404(service_id)
    return ask_and_act(
        request,
        SECTION,
        f"services/{page}.html",
        _context(found),
        act=partial(act, found.id),
        done=done % {"name": found.id},
        then=reverse("console:services") if page == "remove" else reverse("console:service", args=[found.id]),
    )


def _context(found: Service) -> dict[str, object]:
    return {
        "service": found,
        "line": shown(found, time.time()),
        "minutes": found.token_seconds // 60,
        "why": CLOSED_WORDS[found.closed] if found.closed is not None else "",
        "closes_at": closes_at(found) if found.disabled_at is None else None,
        "back_url": reverse("console:service", args=[found.id]),
    }


def _service_or_404(service_id: str) -> Service:
    try:
        return get_service(service_id)
    except UnknownService:
        raise Http404 from None
