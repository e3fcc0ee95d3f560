"""Typing the password once more, for people who have no second factor and sign in by a password here."""

import time

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from ostiary.identity.entrance import (
    PASSWORD,
    PersonRow,
    account_mark,
    add_proof,
    attempt,
    check_password,
    password_limits,
    proof,
    record_refused_sign_in,
)
from ostiary.identity.facade import SignInSession, TooManyAttempts, client_of
from ostiary.web.signin.forms import PresentPasswordForm
from ostiary.web.signin.known_browser import mark_of


def proves_by_password(person: PersonRow, session: SignInSession) -> bool:
    """Whether this sign-in began with a password that the person still has."""
    return person.has_usable_password() and any(one.method == PASSWORD for one in session.authentications)


def ask_password(request: HttpRequest, person: PersonRow, session: SignInSession, target: str) -> HttpResponse:
    """Ask for the password, or check it, note the proof and go on.

    Args:
        request: of somebody whose sign-in is complete.
        person: who.
        session: their sign-in, which goes on whatever is typed.
        target: a path on this host, judged by `return_path_or_start`.
    """
    form, status = PresentPasswordForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            right = _is_right(request, person, form.cleaned_data["password"])
        except TooManyAttempts as error:
            form.add_error(None, f"{error.message} {error.hint}")
            status = 429
        else:
            if right:
                add_proof(
                    session_id=session.id, authentication=proof(PASSWORD, at=time.time()), client=client_of(request)
                )
                return HttpResponseRedirect(target)
            form.add_error(None, _("The password is not right."))
    return render(request, "signin/password_again.html", {"form": form, "email": person.email}, status=status)


@sensitive_variables("password")
def _is_right(request: HttpRequest, person: PersonRow, password: str) -> bool:
    """Check a password; a wrong one is on record and counts like one at the sign-in.

    Raises:
        TooManyAttempts: when too many were tried.
    """
    client = client_of(request)
    limits = password_limits(email=person.email, address=client.address, known_browser=mark_of(request, person.email))
    with attempt(limits, marks=(account_mark(person.email),)) as under_way:
        found = check_password(request, email=person.email, password=password)
        if found is not None and found.pk == person.pk and found.may_sign_in:
            under_way.succeeded()
            return True
    record_refused_sign_in(
        email=person.email, client=client, reason="proof_refused", person=person, methods=(PASSWORD,)
    )
    return False
