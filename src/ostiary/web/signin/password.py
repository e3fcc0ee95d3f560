"""The first page: e-mail address and password. Passkeys are in `passkey`, the second step in `second_step`."""

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ostiary.identity.entrance import (
    PASSWORD,
    account_mark,
    attempt,
    check_password,
    go_on_after_password,
    password_limits,
    record_refused_sign_in,
    return_path_or_start,
    review_password,
)
from ostiary.identity.facade import TooManyAttempts, client_of, list_providers
from ostiary.policy.identifiers import PersonId
from ostiary.web.signin.forms import PasswordForm
from ostiary.web.signin.gate import sign_in_session
from ostiary.web.signin.known_browser import mark_of


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or check what was typed and go on to the second step."""
    target = return_path_or_start(request.POST.get("next", "") or request.GET.get("next", "") or "/")
    if sign_in_session(request) is not None:
        return HttpResponseRedirect(target)
    form = PasswordForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            answer = _try(request, form.cleaned_data["email"], form.cleaned_data["password"], target)
        except TooManyAttempts as error:
            form.add_error(None, f"{error.message} {error.hint}")
            status = 429
        else:
            if answer is not None:
                return answer
            form.add_error(None, _("The e-mail address or the password is not right."))
    context = {"form": form, "next": target, "next_query": quote(target), "providers": list_providers()}
    return render(request, "account/login.html", context, status=status)


def _try(request: HttpRequest, email: str, password: str, target: str) -> HttpResponse | None:
    """Return where to go on, or `None` when address and password do not belong together."""
    client = client_of(request)
    limits = password_limits(email=email, address=client.address, known_browser=mark_of(request, email))
    with attempt(limits, marks=(account_mark(email),)) as under_way:
        person = check_password(request, email=email, password=password)
        if person is None:
            record_refused_sign_in(email=email, client=client, reason="wrong_password", methods=(PASSWORD,))
            return None
        if person.may_sign_in:
            under_way.succeeded()
    if not person.may_sign_in:
        record_refused_sign_in(email=email, client=client, reason="person_disabled", person=person, methods=(PASSWORD,))
        return HttpResponseRedirect(reverse("account_inactive"))
    review_password(person_id=PersonId(person.id), password=password)
    return go_on_after_password(request, person, target=target)


def inactive(request: HttpRequest) -> HttpResponse:
    """Say that the account is switched off; only somebody who proved who they are gets here by themselves."""
    return render(request, "account/account_inactive.html", status=403)
