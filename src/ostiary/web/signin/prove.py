"""Proving once more who one is: for changes to one's own sign-in, and for apps that ask for more."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.applications.facade import App
from ostiary.identity.entrance import (
    RECOVERY_CODE,
    TOTP,
    WEBAUTHN,
    PersonRow,
    add_proof,
    begin_authentication,
    may_change_authenticators,
    proof,
    proved_since,
    record_refused_sign_in,
    return_path_or_start,
    strongest,
)
from ostiary.identity.facade import SignInSession, client_of, get_person
from ostiary.policy.conditions import CLOCK_SKEW_SECONDS
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import AuthStrength
from ostiary.web.sensitive import FRESH_SECONDS
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.forms import CodeForm
from ostiary.web.signin.gate import PENDING_KEY
from ostiary.web.signin.password_again import ask_password, proves_by_password
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.proving import ProofRefused, prove_by_code, prove_by_passkey
from ostiary.web.signin.targets import app_or_none, to_app

NEEDS: Final = {
    "any": AuthStrength.ANY,
    "otp": AuthStrength.OTP,
    "phishing-resistant": AuthStrength.PHISHING_RESISTANT,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be proved.

    Args:
        need: the least that will do.
        recovery: whether a recovery code will do, however strong the need.
        heading: what the page is called.
        words: why it is asked for.
    """

    need: AuthStrength
    recovery: bool
    heading: str
    words: str


def recent_proof_or_redirect(request: HttpRequest, *, back: str = "") -> HttpResponse | None:
    """Return `None` when the person lately proved enough to change how they sign in, else where they can.

    Args:
        request: for a page that wants the proof.
        back: where to go after it; empty for the page itself, or for a form that was sent, the authenticators.
    """
    person, session = signed_in(request)
    now, floor = time.time(), AuthStrength(person.second_factor_floor)
    if may_change_authenticators(
        session.authentications,
        set_up=_kinds(person),
        since=now - FRESH_SECONDS,
        until=now + CLOCK_SKEW_SECONDS,
        floor=floor,
    ):
        return None
    target = back or (request.get_full_path() if request.method == "GET" else reverse("portal_authenticators"))
    return HttpResponseRedirect(f"{reverse('prove')}?{urlencode({'next': target})}")


def fresh_proof_or_page(
    request: HttpRequest, *, need: AuthStrength, since: float, app: App, words: str
) -> HttpResponse | None:
    """Return `None` when the person proved enough lately, else the page that asks for it and comes back here.

    Args:
        request: for a page that goes on after the proof.
        need: the least that will do.
        since: how lately, seconds since the epoch.
        app: what they want to open, to name it where they have nothing set up that would do.
        words: why it is asked for.
    """
    person, session = signed_in(request)
    until = time.time() + CLOCK_SKEW_SECONDS
    if proved_since(session.authentications, at_least=need, since=since, until=until) is not None:
        return None
    if need > strongest(_kinds(person)):
        request.session[PENDING_KEY] = request.get_full_path()
        return render(
            request, "signin/missing_method.html", {"app": app, "passkey": need is AuthStrength.PHISHING_RESISTANT}
        )
    here = HttpResponseRedirect(request.get_full_path())
    if request.method == "POST" and not {"credential", "code"} & set(request.POST):
        return here
    question = Question(need=need, recovery=False, heading=_("Confirm that it is you"), words=words)
    return _ask(request, question, lambda: here)


@require_http_methods(["GET", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Ask for a proof as strong as the best factor the person has, then go on to `next` on this host.

    Whoever has nothing but a password types it again. The sign-in goes on meanwhile.
    """
    person, session = signed_in(request)
    target = return_path_or_start(request.GET.get("next", "/"))
    if not _kinds(person) & {TOTP, WEBAUTHN}:
        if session.complete and recent_proof_or_redirect(request) is not None:
            return problem_page(
                request,
                status=403,
                title=_("Sign out and in again first"),
                words=_(
                    "Changing how you sign in needs a fresh sign-in, for your second factor is asked for elsewhere."
                ),
            )
        if session.complete and proves_by_password(person, session):
            return ask_password(request, person, session, target)
        return HttpResponseRedirect(target if session.complete else reverse("set_up"))
    question = Question(
        need=strongest(_kinds(person)),
        recovery=True,
        heading=_("Confirm that it is you"),
        words=_("This needs a fresh proof."),
    )
    return _ask(request, question, lambda: HttpResponseRedirect(target))


def can_prove_here(person: PersonRow, session: SignInSession) -> bool:
    """Whether somebody can prove anew who they are without a new sign-in: not where another directory vouched for them."""
    return bool(_kinds(person) & {TOTP, WEBAUTHN}) or proves_by_password(person, session)


@require_http_methods(["GET", "POST"])
def step_up(request: HttpRequest) -> HttpResponse:
    """Ask for what an app wants proved now, then go back to the very page it was wanted for."""
    person, _session = signed_in(request)
    app = app_or_none(request.GET.get("app", ""))
    need = NEEDS.get(request.GET.get("need", ""))
    if app is None or need is None:
        return problem_page(
            request,
            status=400,
            title=_("This link is not complete"),
            words=_("Open the app again and follow its link."),
        )
    path = return_path_or_start(request.GET.get("return", "/"))
    if need > strongest(_kinds(person)) and request.GET.get("fresh"):
        return render(request, "signin/again.html", {"app": app, "path": path})
    if need > strongest(_kinds(person)):
        request.session[PENDING_KEY] = f"{reverse('back_to_app')}?{urlencode({'app': app.id, 'return': path})}"
        context = {"app": app, "passkey": need is AuthStrength.PHISHING_RESISTANT}
        return render(request, "signin/missing_method.html", context)
    question = Question(
        need=need,
        recovery=need is AuthStrength.ANY,
        heading=_("Confirm that it is you"),
        words=_("%(app)s asks for a fresh proof. You then go straight back to the page you wanted.")
        % {"app": app.name},
    )
    if request.GET.get("then") == "tab":
        return _ask(request, question, lambda: render(request, "signin/proved.html", {"app": app}))
    return _ask(request, question, lambda: to_app(app, path))


@require_safe
def proof_options(request: HttpRequest) -> HttpResponse:
    """Hand out a challenge for one of the person's passkeys."""
    person, _session = signed_in(request)
    return JsonResponse(begin_authentication(person))


@require_safe
def back_to_app(request: HttpRequest) -> HttpResponse:
    """Go back to a page of an app after something was set up for it."""
    app = app_or_none(request.GET.get("app", ""))
    return to_app(app, request.GET.get("return", "/")) if app is not None else HttpResponseRedirect("/")


def _ask(request: HttpRequest, question: Question, go_on: Callable[[], HttpResponse]) -> HttpResponse:
    person, session = signed_in(request)
    kinds = _kinds(person)
    form = CodeForm(request.POST if "code" in request.POST else None)
    problem, status = "", 200
    if request.method == "POST":
        try:
            method = _method(request, person, form)
            if not _answers(question, method):
                raise ProofRefused(_("This proof is not strong enough here."))
        except ProofRefused as refused:
            problem, status = refused.message, refused.status
            record_refused_sign_in(email=person.email, client=client_of(request), reason="proof_refused", person=person)
        else:
            add_proof(session_id=session.id, authentication=proof(method, at=time.time()), client=client_of(request))
            return go_on()
    context = {
        "form": form,
        "problem": problem,
        "question": question,
        "has_passkey": WEBAUTHN in kinds,
        "takes_app": TOTP in kinds and question.need <= AuthStrength.OTP,
        "takes_recovery": "recovery_codes" in kinds and question.recovery,
    }
    return render(request, "mfa/reauthenticate.html", context, status=status)


def _method(request: HttpRequest, person: PersonRow, form: CodeForm) -> str:
    if "credential" in request.POST:
        return prove_by_passkey(request, person)
    if not form.is_valid():
        raise ProofRefused(_("Type the code, or use a passkey."))
    return prove_by_code(request, person, form.cleaned_data["code"])


def _answers(question: Question, method: str) -> bool:
    if method == RECOVERY_CODE and question.recovery:
        return True
    return proof(method, at=0.0).strength >= question.need


def _kinds(person: PersonRow) -> set[str]:
    return set(get_person(PersonId(person.id)).methods)
