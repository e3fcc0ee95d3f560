"""The second factor is lost: asking somebody to confirm, and the link that they hand over."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import (
    PASSWORD,
    RECOVERY,
    PersonRow,
    account_mark,
    ask_for_recovery,
    attempt,
    check_password,
    note_proof,
    password_limits,
    record_refused_sign_in,
    sign_browser_in,
    use_recovery,
    waiting_person,
)
from ostiary.identity.facade import LinkRefused, TooManyAttempts, client_of, get_person
from ostiary.policy.identifiers import PersonId
from ostiary.web.signin.forms import PresentPasswordForm
from ostiary.web.signin.gate import sign_in_session
from ostiary.web.signin.known_browser import mark_of
from ostiary.web.signin.links import LINK_KEY, Purpose, link_or_refusal, link_refused


@require_http_methods(["GET", "POST"])
def lost(request: HttpRequest) -> HttpResponse:
    """Say what helps without the second factor; on POST, ask somebody to confirm. The password was proved before."""
    person = None if sign_in_session(request) else waiting_person(request)
    if person is None:
        return HttpResponseRedirect(reverse("account_login"))
    shown = get_person(PersonId(person.id))
    asked, problem, status = None, "", 200
    if request.method == "POST":
        try:
            asked = ask_for_recovery(person_id=shown.id, client=client_of(request))
        except TooManyAttempts as error:
            problem, status = str(error), 429
        except OstiaryError as error:
            problem, status = str(error), 409
    context = {"person": shown, "asked": asked, "problem": problem}
    return render(request, "signin/lost_factor.html", context, status=status)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def recover(request: HttpRequest) -> HttpResponse:
    """Ask for the password, without which the link that somebody handed over is worth nothing."""
    form = PresentPasswordForm(request.POST or None)
    status = 200
    try:
        row = link_or_refusal(request, Purpose.RECOVERY)
        if request.method == "POST" and form.is_valid():
            if _is_password_of(request, row.person, form.cleaned_data["password"]):
                person = use_recovery(token=request.session.pop(LINK_KEY), address=client_of(request).address)
                note_proof(request, person, PASSWORD)
                note_proof(request, person, RECOVERY)
                sign_browser_in(request, person)
                return HttpResponseRedirect(reverse("set_up"))
            form.add_error("password", _("This password is not right."))
    except TooManyAttempts as error:
        form.add_error(None, f"{error.message} {error.hint}")
        status = 429
    except LinkRefused as error:
        return link_refused(request, error)
    return render(request, "signin/recovery.html", {"form": form, "email": row.person.email}, status=status)


def _is_password_of(request: HttpRequest, person: PersonRow, password: str) -> bool:
    """Check a password within the same limits as anywhere else."""
    client = client_of(request)
    limits = password_limits(email=person.email, address=client.address, known_browser=mark_of(request, person.email))
    with attempt(limits, marks=(account_mark(person.email),)) as under_way:
        found = check_password(request, email=person.email, password=password)
        if found is None or found.pk != person.pk:
            record_refused_sign_in(email=person.email, client=client, reason="wrong_password", methods=(PASSWORD,))
            return False
        under_way.succeeded()
    return True
