"""Sign-in to applications that speak SAML: their requests come in, the rules decide, the answer goes out by the browser.

A request is checked before anybody is asked anything, and kept in the browser's address, sealed, until it is answered:
nothing is stored for people who are not known yet.
"""

import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import msgspec
import structlog
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.applications.facade import App, get_app
from ostiary.identity.entrance import TOTP, WEBAUTHN, person_actor, record_handover, return_path_or_start
from ostiary.identity.facade import Person, SignInSession, client_of, get_person, revoke_session
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.saml.facade import (
    AUTHN_REQUEST,
    SIGN_IN_PATH,
    AnsweredBefore,
    Asked,
    RefusedMessage,
    ServiceProvider,
    Status,
    UnknownProvider,
    Unwritable,
    context_to_name,
    get_provider,
    keep_relay_state,
    kept_relay_state,
    own_address,
    own_description,
    read_authn_request,
    strength_needed,
    write_metadata,
    write_refusal,
    write_sign_in,
)
from ostiary.web.signin.admission import refused_admission
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.gate import sign_in_session
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.saml_messages import (
    delivered,
    message_of,
    refused_page,
    seal,
    sender_of,
    too_late,
    unseal,
)

ASKED_SALT: Final = "ostiary.saml.asked"
_STEPS: Final = {AuthStrength.OTP: "otp", AuthStrength.PHISHING_RESISTANT: "phishing-resistant"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was asked, by which application, as both are now."""

    asked: Asked
    provider: ServiceProvider
    app: App


@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    """Show what this instance says of itself."""
    del request
    return HttpResponse(
        write_metadata(own_description()),
        content_type="application/samlmetadata+xml",
        headers={"Content-Disposition": 'inline; filename="ostiary-saml.xml"'},
    )


@csrf_exempt
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Take an application's request, by either binding, and go on to where somebody can be asked to sign in.

    A request in a form comes from another site, so the browser's cookie is not with it: it is with the redirect.
    """
    now = time.time()
    try:
        carried = message_of(request)
        provider = sender_of(carried, AUTHN_REQUEST)
        wanted = read_authn_request(carried, provider, address=own_address(SIGN_IN_PATH), now=now)
    except RefusedMessage as refused:
        return refused_page(request, refused)
    relay_key = keep_relay_state(carried.relay_state, now)
    asked = Asked(
        provider=provider.app,
        id=wanted.id,
        consumer=wanted.consumer,
        at=now,
        relay_state="" if relay_key else carried.relay_state,
        relay_key=relay_key,
        force=wanted.force,
        passive=wanted.passive,
        name_format=wanted.name_format,
        name_qualifier=wanted.name_qualifier,
        subject=wanted.subject,
        context=wanted.context,
    )
    page = _page("saml_quietly" if asked.passive else "saml_continue", asked)
    if return_path_or_start(page) != page:
        return refused_page(request, RefusedMessage("The message says more than can be carried through a sign-in."))
    return HttpResponseRedirect(page)


@require_safe
def go_on(request: HttpRequest) -> HttpResponse:
    """Answer a request of an application, for somebody whose sign-in is complete, when the rules let them in."""
    opened = _opened(request.GET.get("asked", ""))
    if opened is None or opened.asked.passive:
        return too_late(request)
    row, session = signed_in(request)
    if (step := _step_before(request, opened, get_person(PersonId(row.id)), session)) is not None:
        return step
    if (refusal := refused_admission(request, opened.app)) is not None:
        return refusal
    context = context_to_name(opened.asked.context, _proofs_for(opened.asked, session))
    return _answered(request, opened, context, (Status.RESPONDER, Status.NO_CONTEXT))


@require_safe
def quietly(request: HttpRequest) -> HttpResponse:
    """Answer a request that allows no question: with a sign-in that there is, or that there is none."""
    opened = _opened(request.GET.get("asked", ""))
    if opened is None or not opened.asked.passive:
        return too_late(request)
    session = sign_in_session(request)
    context = None
    if session is not None and session.complete and not opened.asked.force:
        context = context_to_name(opened.asked.context, session.authentications)
    if context is not None and refused_admission(request, opened.app) is not None:
        return _answered(request, opened, None, (Status.RESPONDER, Status.DENIED))
    return _answered(request, opened, context, (Status.RESPONDER, Status.NO_PASSIVE))


@require_safe
def open_app(request: HttpRequest, app_id: str) -> HttpResponse:
    """Open an application from here, without a request of its own, where it is set up to be opened so."""
    try:
        provider = get_provider(app_id)
    except UnknownProvider:
        raise Http404 from None
    if not provider.starts_here:
        raise Http404
    app = get_app(app_id)
    if (refusal := refused_admission(request, app)) is not None:
        return refusal
    _row, session = signed_in(request)
    asked = Asked(
        provider=provider.app,
        consumer=provider.described.consumers[0].url,
        at=time.time(),
        relay_state=provider.start_page,
    )
    context = context_to_name(asked.context, session.authentications)
    return _answered(request, Opened(asked, provider, app), context, (Status.RESPONDER, Status.NO_CONTEXT))


@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """Sign somebody out so that they sign in anew, for an application that wants that; then go on."""
    opened = _opened(request.POST.get("asked", ""))
    if opened is None:
        return too_late(request)
    row, session = signed_in(request)
    revoke_session(session_id=session.id, reason="signs_in_anew", actor=person_actor(request, row))
    logout(request)
    return HttpResponseRedirect(
        f"{reverse('account_login')}?{urlencode({'next': _page('saml_continue', opened.asked)})}"
    )


def _page(name: str, asked: Asked) -> str:
    return f"{reverse(name)}?{urlencode({'asked': seal(asked, ASKED_SALT)})}"


def _opened(text: str) -> Opened | None:
    """Return what was asked; `None` when it is not ours, too old, or the application was changed meanwhile."""
    try:
        asked = msgspec.convert(unseal(text, ASKED_SALT), Asked)
        provider = get_provider(asked.provider)
    except (msgspec.ValidationError, UnknownProvider):
        return None
    if asked.consumer not in {one.url for one in provider.described.consumers}:
        return None
    if asked.relay_key:
        relay_state = kept_relay_state(asked.relay_key, time.time())
        if relay_state is None:
            return None
        asked = msgspec.structs.replace(asked, relay_state=relay_state)
    return Opened(asked, provider, get_app(provider.app))


def _step_before(request: HttpRequest, opened: Opened, person: Person, session: SignInSession) -> HttpResponse | None:
    """Return what stands before the rules: a setting that cannot work, or the way to what has to be proved first."""
    asked, app = opened.asked, opened.app
    if asked.name_format not in {"", opened.provider.name_format}:
        return _otherwise_named(request, opened)
    can_prove, proofs = bool(set(person.methods) & {TOTP, WEBAUTHN}), _proofs_for(asked, session)
    if asked.force and not proofs:
        if not can_prove:
            return render(request, "signin/saml_again.html", {"app": app, "asked": request.GET.get("asked", "")})
        return _to_step_up(request, app, "any")
    needed = strength_needed(asked.context)
    strongest = max((one.strength for one in proofs), default=AuthStrength.SINGLE)
    if needed is not None and needed > strongest:
        return _to_step_up(request, app, _STEPS[needed])
    return None


def _proofs_for(asked: Asked, session: SignInSession) -> tuple[Authentication, ...]:
    """Return the proofs that count: where an application insists on new ones, those given since it asked."""
    return tuple(one for one in session.authentications if not asked.force or one.at >= asked.at)


def _otherwise_named(request: HttpRequest, opened: Opened) -> HttpResponse:
    wanted, given = (one.rpartition(":")[2][:40] for one in (opened.asked.name_format, opened.provider.name_format))
    log.warning("saml_name_format_differs", app=opened.app.id, wanted=wanted, given=given)
    return problem_page(
        request,
        status=400,
        title=_("%(app)s wants people named otherwise") % {"app": opened.app.name},
        words=_(
            "It asks for the name ID format %(wanted)s and is set up here for %(given)s. Your administrators can change that."
        )
        % {"wanted": wanted, "given": given},
    )


def _to_step_up(request: HttpRequest, app: App, need: str) -> HttpResponse:
    query = {"need": need, "app": app.id, "return": request.get_full_path()}
    return HttpResponseRedirect(f"{reverse('step_up')}?{urlencode(query)}")


def _answered(request: HttpRequest, opened: Opened, context: str | None, otherwise: tuple[Status, ...]) -> HttpResponse:
    """Send the answer: how somebody signed in, or, without that, why nobody did."""
    asked, provider, app = opened.asked, opened.provider, opened.app
    try:
        if context is None:
            return delivered(request, write_refusal(asked, provider, otherwise, now=time.time()), app.name)
        row, session = signed_in(request)
        person = get_person(PersonId(row.id))
        delivery = write_sign_in(asked, provider, person=person, session=session, context=context, now=time.time())
        if delivery.signs_in:
            record_handover(person=row, app=app.id, session=session.id, groups=person.groups, client=client_of(request))
        return delivered(request, delivery, app.name)
    except AnsweredBefore:
        return too_late(request)
    except Unwritable as error:
        log.warning("saml_person_unwritable", app=app.id, detail=error.detail)
        return problem_page(
            request,
            status=403,
            title=_("You cannot be named to %(app)s") % {"app": app.name},
            words=_(
                "Your name, address or a group's name holds characters that it cannot take. Tell your administrators."
            ),
        )
