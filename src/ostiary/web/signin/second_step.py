"""The second step after a password: a code, or one of the person's passkeys."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.identity.entrance import (
    begin_authentication,
    finish_second_step,
    forget_flow,
    record_refused_sign_in,
    waiting_person,
)
from ostiary.identity.facade import client_of, get_person
from ostiary.policy.identifiers import PersonId
from ostiary.web.signin.forms import CodeForm
from ostiary.web.signin.gate import sign_in_session
from ostiary.web.signin.proving import ProofRefused, prove_by_code, prove_by_passkey


@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the second step, or check it and finish signing in."""
    person = None if sign_in_session(request) else waiting_person(request)
    if person is None:
        return HttpResponseRedirect(reverse("account_login"))
    form = CodeForm(request.POST if "code" in request.POST else None)
    problem, status = "", 200
    if request.method == "POST":
        try:
            if not person.may_sign_in:
                forget_flow(request)
                return HttpResponseRedirect(reverse("account_inactive"))
            if "credential" in request.POST:
                method = prove_by_passkey(request, person)
            elif form.is_valid():
                method = prove_by_code(request, person, form.cleaned_data["code"])
            else:
                raise ProofRefused(_("Type the code, or use a passkey."))
        except ProofRefused as refused:
            problem, status = refused.message, refused.status
            record_refused_sign_in(
                email=person.email, client=client_of(request), reason="second_step_refused", person=person
            )
        else:
            return finish_second_step(request, method)
    kinds = get_person(PersonId(person.id)).methods
    context = {"form": form, "problem": problem, "has_passkey": "webauthn" in kinds, "has_app": "totp" in kinds}
    return render(request, "mfa/authenticate.html", context, status=status)


@require_safe
def second_step_options(request: HttpRequest) -> HttpResponse:
    """Hand out a challenge for one of the person's passkeys."""
    person = None if sign_in_session(request) else waiting_person(request)
    if person is None:
        return JsonResponse({}, status=403)
    return JsonResponse(begin_authentication(person))


@require_POST
def start_over(request: HttpRequest) -> HttpResponse:
    """Forget a sign-in that was begun, to begin with another account."""
    if sign_in_session(request) is None:
        request.session.flush()
    return HttpResponseRedirect(reverse("account_login"))
