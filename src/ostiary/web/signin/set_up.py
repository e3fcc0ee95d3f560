"""Setting up authenticators: the first ones after an invitation, further ones from the portal."""

import time
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import (
    RECOVERY,
    TOTP,
    WEBAUTHN,
    PersonRow,
    add_passkey,
    add_proof,
    begin_registration,
    complete_registration,
    finish_recovery,
    is_recovering,
    make_recovery_codes,
    may_set_up,
    new_totp_secret,
    person_actor,
    proof,
    set_up_totp,
    strongest,
    totp_address,
)
from ostiary.identity.facade import SignInSession, client_of, get_person
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import AuthStrength
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.forms import CodeForm, CredentialForm
from ostiary.web.signin.gate import PENDING_KEY
from ostiary.web.signin.naming import passkey_name
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import recent_proof_or_redirect
from ostiary.web.signin.qr import qr_code
from ostiary.web.signin.targets import pending_target

SECRET_KEY: Final = "ostiary_totp_secret"  # noqa: S105 - the place in the session, not a secret


@require_safe
def set_up(request: HttpRequest) -> HttpResponse:
    """Offer the ways to a second step; somebody who has one already proves it instead."""
    person, session = signed_in(request)
    kinds = _kinds(person)
    if session.complete:
        return HttpResponseRedirect(pending_target(request))
    recovering = is_recovering(session.authentications, needed=max(strongest(kinds), _floor(person)))
    if kinds & {TOTP, WEBAUTHN} and not recovering:
        return HttpResponseRedirect(reverse("prove"))
    if _floor(person) and recent_proof_or_redirect(request) is not None:
        return _ask_for_a_new_link(request)
    context = {
        "passkey_name": passkey_name(request),
        "takes_app": _may(person, session, TOTP),
        "recovering": recovering,
    }
    return render(request, "mfa/index.html", context)


@require_http_methods(["GET", "POST"])
def set_up_passkey(request: HttpRequest) -> HttpResponse:
    """Show the page that makes a passkey, or store the one that was made."""
    person, session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    if request.method == "GET":
        context = {"passkey_name": passkey_name(request), "first": not session.complete}
        return render(request, "mfa/webauthn/add_form.html", context)
    form = CredentialForm(request.POST)
    try:
        credential = complete_registration(form.cleaned_data["credential"] if form.is_valid() else None)
        add_passkey(
            person_id=PersonId(person.id),
            credential=credential,
            name=form.cleaned_data.get("name") or passkey_name(request),
            actor=person_actor(request, person),
        )
    except OstiaryError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("set_up" if not session.complete else "set_up_passkey"))
    return _go_on(request, person, session, WEBAUTHN)


@require_safe
def set_up_passkey_options(request: HttpRequest) -> HttpResponse:
    """Hand out the challenge for a new passkey."""
    person, _session = signed_in(request)
    if recent_proof_or_redirect(request) is not None:
        return JsonResponse({}, status=403)
    return JsonResponse(begin_registration(person))


@require_http_methods(["GET", "POST"])
def set_up_app(request: HttpRequest) -> HttpResponse:
    """Show the QR code, or take the first code from the app."""
    person, session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    if not _may(person, session, TOTP):
        messages.error(request, _("You had a passkey before. Set up a passkey again: an app is worth less."))
        return HttpResponseRedirect(reverse("set_up"))
    secret = request.session.get(SECRET_KEY) if request.method == "POST" else None
    if secret is None:
        secret = request.session[SECRET_KEY] = new_totp_secret()
    form = CodeForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        now = time.time()
        code = form.cleaned_data["code"]
        actor = person_actor(request, person)
        if set_up_totp(person_id=PersonId(person.id), secret=secret, code=code, now=now, actor=actor):
            del request.session[SECRET_KEY]
            return _go_on(request, person, session, TOTP)
        problem = _("This code is not right. Wait for the next one in the app and type that.")
    context = {
        "form": form,
        "problem": problem,
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "picture": qr_code(totp_address(person=person, secret=secret)),
        "replaces": TOTP in _kinds(person),
        "first": not session.complete,
    }
    return render(request, "mfa/totp/activate_form.html", context)


@require_http_methods(["GET", "POST"])
def set_up_codes(request: HttpRequest) -> HttpResponse:
    """Explain recovery codes, or make new ones and show them this once."""
    person, session = signed_in(request)
    if not session.complete:
        return HttpResponseRedirect(reverse("set_up"))
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    codes: tuple[str, ...] = ()
    if request.method == "POST":
        codes = make_recovery_codes(person_id=PersonId(person.id), actor=person_actor(request, person))
    context = {"codes": codes, "replaces": not codes and "recovery_codes" in _kinds(person), "email": person.email}
    return render(request, "mfa/recovery_codes/index.html", context)


@require_safe
def set_up_done(request: HttpRequest) -> HttpResponse:
    """Go where the person was going before set-up."""
    return HttpResponseRedirect(pending_target(request))


def _go_on(request: HttpRequest, person: PersonRow, session: SignInSession, method: str) -> HttpResponse:
    """Count the set-up as a proof, and go to the recovery codes when there are none yet."""
    if not session.complete and any(one.method == RECOVERY for one in session.authentications):
        finish_recovery(person_id=PersonId(person.id), actor=person_actor(request, person))
    add_proof(session_id=session.id, authentication=proof(method, at=time.time()), client=client_of(request))
    if "recovery_codes" not in _kinds(person):
        return HttpResponseRedirect(reverse("set_up_codes"))
    messages.success(request, _("You can sign in with it from now on."))
    if PENDING_KEY in request.session:
        return HttpResponseRedirect(pending_target(request))
    return HttpResponseRedirect(reverse("portal_authenticators"))


def _ask_for_a_new_link(request: HttpRequest) -> HttpResponse:
    return problem_page(
        request,
        status=403,
        title=_("Ask for a new link"),
        words=_(
            "Your sign-in was reset, and the link for it was used or is too old. An administrator can make another."
        ),
    )


def _may(person: PersonRow, session: SignInSession, method: str) -> bool:
    return may_set_up(method, session.authentications, set_up=_kinds(person), floor=_floor(person))


def _floor(person: PersonRow) -> AuthStrength:
    return AuthStrength(person.second_factor_floor)


def _kinds(person: PersonRow) -> set[str]:
    return set(get_person(PersonId(person.id)).methods)
