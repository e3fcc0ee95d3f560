"""Pages on how a service proves itself: its keys, and the issuers whose tokens stand for it. Services themselves are in `services`."""

import time
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from ostiary.errors import OstiaryError
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.service_forms import KeyForm, TokenForm, TrustForm, audience, field_of
from ostiary.web.console.service_words import KIND_WORDS
from ostiary.workloads.facade import (
    PRESETS,
    AssertionRefused,
    Kind,
    Service,
    TokenTried,
    UnknownService,
    add_key,
    add_trust,
    get_service,
    read_claims,
    remove_key,
    remove_trust,
    try_token,
)

SECTION = Resource.SERVICES


@console_page(Resource.SERVICES, Action.CHANGE, methods=WRITE)
def service_key_add(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Let a service prove itself with another key."""
    found, form = _service_or_404(service_id), KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            add_key(found.id, said["key"], reason=said["reason"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error, field_of(error))
        else:
            messages.success(request, _("%(name)s may prove itself with the new key.") % {"name": found.id})
            return redirect("console:service", found.id)
    return _page(request, "key_add", found, form)


@console_page(Resource.SERVICES, Action.CHANGE, methods=WRITE)
def service_key_remove(request: HttpRequest, service_id: str, key_id: str) -> HttpResponseBase:
    """Say what taking a key away does, and do it."""
    found, form = _service_or_404(service_id), ReasonForm(request.POST or None)
    key = next((one for one in found.keys if one.id == key_id), None)
    if key is None:
        raise Http404
    if request.method == "POST" and form.is_valid():
        try:
            remove_key(found.id, key.id, reason=form.cleaned_data["reason"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The key of %(name)s is removed.") % {"name": found.id})
            return redirect("console:service", found.id)
    return _page(request, "key_remove", found, form, key=key)


@console_page(Resource.SERVICES, Action.CHANGE, methods=WRITE)
def service_trust_add(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Let tokens of an issuer stand for a service, beginning with what is usual for the issuer."""
    found, chosen = _service_or_404(service_id), request.GET.get("kind", "")
    preset = PRESETS[Kind(chosen) if chosen in set(Kind) else Kind.GITHUB]
    form = TrustForm(request.POST or None, preset=preset)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            add_trust(
                found.id,
                issuer=said["issuer"],
                audience=said["audience"] or audience(),
                claims=read_claims(line for line in said["claims"].splitlines() if line.strip()),
                keys=said["keys"],
                once=said["once"],
                reason=said["reason"],
                actor=caller_of(request).actor,
            )
        except OstiaryError as error:
            add_problem(form, error, field_of(error))
        else:
            messages.success(request, _("Its tokens stand for %(name)s. Try one.") % {"name": found.id})
            return redirect("console:service", found.id)
    kinds = [(one.value, words, one is preset.kind) for one, words in KIND_WORDS.items()]
    return _page(request, "trust_add", found, form, preset=preset, kinds=kinds)


@console_page(Resource.SERVICES, Action.CHANGE, methods=WRITE)
def service_trust_remove(request: HttpRequest, service_id: str, trust_id: int) -> HttpResponseBase:
    """Say what trusting an issuer no longer does, and do it."""
    found, form = _service_or_404(service_id), ReasonForm(request.POST or None)
    trust = next((one for one in found.trusts if one.id == str(trust_id)), None)
    if trust is None:
        raise Http404
    if request.method == "POST" and form.is_valid():
        try:
            remove_trust(found.id, trust.id, reason=form.cleaned_data["reason"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s trusts this issuer no longer.") % {"name": found.id})
            return redirect("console:service", found.id)
    return _page(request, "trust_remove", found, form, trust=trust)


@console_page(Resource.SERVICES, Action.CHANGE, methods=WRITE)
@sensitive_post_parameters("token")
def service_trust_try(request: HttpRequest, service_id: str) -> HttpResponseBase:
    """Say rule by rule whether a token would stand for a service. The token is kept nowhere, and not sent back either."""
    found, form = _service_or_404(service_id), TokenForm(request.POST or None)
    tried: TokenTried | None = None
    if request.method == "POST" and form.is_valid():
        try:
            tried = try_token(found.id, form.cleaned_data["token"], now=time.time())
        except AssertionRefused as error:
            add_problem(form, error, "token")
    return _page(request, "trust_try", found, form, tried=tried)


def _page(request: HttpRequest, page: str, found: Service, form: Any, **more: object) -> HttpResponseBase:
    context = {"service": found, "form": form, "back_url": reverse("console:service", args=[found.id]), **more}
    return render_page(request, f"services/{page}.html", SECTION, context, status=422 if form.errors else 200)


def _service_or_404(service_id: str) -> Service:
    try:
        return get_service(service_id)
    except UnknownService:
        raise Http404 from None
