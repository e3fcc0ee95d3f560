"""Signing in with a passkey alone."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from ostiary.identity.entrance import (
    WEBAUTHN,
    PasskeyRefused,
    attempt,
    begin_authentication,
    complete_authentication,
    go_on_after_passkey,
    passkey_limits,
    record_refused_sign_in,
    return_path_or_start,
)
from ostiary.identity.facade import TooManyAttempts, client_of
from ostiary.web.signin.forms import CredentialForm
from ostiary.web.signin.gate import sign_in_session

CHALLENGE_SECONDS = 3600


@require_http_methods(["GET", "POST"])
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Hand out a challenge, or check the answer and sign in. Nobody's passkey can be locked by others."""
    if request.method == "GET":
        return _challenge(request)
    target = return_path_or_start(request.POST.get("next", "") or "/")
    if sign_in_session(request) is not None:
        return HttpResponseRedirect(target)
    client = client_of(request)
    form = CredentialForm(request.POST)
    try:
        with attempt(passkey_limits(address=client.address)) as under_way:
            authenticator = complete_authentication(None, form.cleaned_data["credential"] if form.is_valid() else None)
            under_way.succeeded()
    except (PasskeyRefused, TooManyAttempts) as error:
        record_refused_sign_in(email="", client=client, reason="passkey_refused", methods=(WEBAUTHN,))
        messages.error(request, str(error))
        return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': target})}")
    person = authenticator.user
    if not person.may_sign_in:
        record_refused_sign_in(
            email=person.email, client=client, reason="person_disabled", person=person, methods=(WEBAUTHN,)
        )
        return HttpResponseRedirect(reverse("account_inactive"))
    return go_on_after_passkey(request, authenticator, target=target)


def _challenge(request: HttpRequest) -> HttpResponse:
    if sign_in_session(request) is not None:
        return JsonResponse({}, status=409)
    options = begin_authentication(None)
    request.session.set_expiry(CHALLENGE_SECONDS)
    return JsonResponse(options)
