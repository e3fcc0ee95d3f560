"""Pages behind one-time links. The secret leaves the address bar at once and nothing is used up by looking."""

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import (
    BREAK_GLASS,
    EMAIL,
    PASSWORD,
    RECOVERY,
    WEBAUTHN,
    OneTimeLink,
    PasskeyRefused,
    accept_with_passkey,
    accept_with_password,
    attempt,
    begin_registration,
    complete_registration,
    confirm_email,
    link_limits,
    look_at_link,
    note_proof,
    record_refused_sign_in,
    set_password_by_link,
    sign_browser_in,
    use_break_glass,
)
from ostiary.identity.facade import LinkRefused, TooManyAttempts, UnacceptableText, client_of
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.forms import CredentialForm, NewPasswordForm
from ostiary.web.signin.known_browser import mark_browser
from ostiary.web.signin.naming import passkey_name

LINK_KEY: Final = "ostiary_link"
LINK_MINUTES: Final = 60
Purpose = OneTimeLink.Purpose
_PAGES: Final = {
    Purpose.INVITATION: "invitation",
    Purpose.PASSWORD: "password_new",
    Purpose.CONFIRM_EMAIL: "email_confirm",
    Purpose.BREAK_GLASS: "emergency",
    Purpose.RECOVERY: "recovery",
}


@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret out of the address and go to the page it is for."""
    try:
        with attempt(link_limits(address=client_of(request).address)) as under_way:
            row = look_at_link(token)
            under_way.succeeded()
    except (LinkRefused, TooManyAttempts) as error:
        return link_refused(request, error)
    request.session[LINK_KEY] = token
    if not request.user.is_authenticated:
        request.session.set_expiry(LINK_MINUTES * 60)
    return HttpResponseRedirect(reverse(_PAGES[Purpose(row.purpose)]))


@require_safe
def invitation(request: HttpRequest) -> HttpResponse:
    """Say who invites, and offer a passkey or a password."""
    return _invitation_page(request, NewPasswordForm())


@sensitive_post_parameters("password")
@require_POST
def invitation_password(request: HttpRequest) -> HttpResponse:
    """Take the invitation up with a password and go on to the second step."""
    form = NewPasswordForm(request.POST)
    if not form.is_valid():
        return _invitation_page(request, form)
    try:
        row = link_or_refusal(request, Purpose.INVITATION)
        after_reset = row.person.reset_at is not None
        person = accept_with_password(
            token=request.session[LINK_KEY],
            password=form.cleaned_data["password"],
            address=client_of(request).address,
        )
    except UnacceptableText as error:
        form.add_error("password", error.message)
        return _invitation_page(request, form)
    except LinkRefused as error:
        return link_refused(request, error)
    if row.by_mail:
        note_proof(request, person, EMAIL)
    if after_reset:
        note_proof(request, person, RECOVERY)
    note_proof(request, person, PASSWORD)
    sign_browser_in(request, person)
    return HttpResponseRedirect(reverse("set_up"))


@require_http_methods(["GET", "POST"])
def invitation_passkey(request: HttpRequest) -> HttpResponse:
    """Hand out a challenge, or take the invitation up with the passkey that answers it."""
    try:
        row = link_or_refusal(request, Purpose.INVITATION)
        if request.method == "GET":
            return JsonResponse(begin_registration(row.person))
        form = CredentialForm(request.POST)
        credential = complete_registration(form.cleaned_data["credential"] if form.is_valid() else None)
        authenticator = accept_with_passkey(
            token=request.session[LINK_KEY],
            credential=credential,
            name=form.cleaned_data.get("name") or passkey_name(request),
            address=client_of(request).address,
        )
    except PasskeyRefused as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("invitation"))
    except LinkRefused as error:
        return link_refused(request, error)
    person = authenticator.user
    note_proof(request, person, WEBAUTHN)
    sign_browser_in(request, person)
    return HttpResponseRedirect(reverse("set_up_codes"))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def password_new(request: HttpRequest) -> HttpResponse:
    """Set a new password. Whoever reads the person's mail has proved that this browser is not a stranger's."""
    form = NewPasswordForm(request.POST or None)
    try:
        row = link_or_refusal(request, Purpose.PASSWORD)
        if request.method == "POST" and form.is_valid():
            set_password_by_link(
                token=request.session[LINK_KEY],
                password=form.cleaned_data["password"],
                address=client_of(request).address,
            )
            del request.session[LINK_KEY]
            messages.success(request, _("Your password is set. Sign in with it."))
            response = HttpResponseRedirect(reverse("account_login"))
            mark_browser(request, response, row.person.email)
            return response
    except UnacceptableText as error:
        form.add_error("password", error.message)
    except LinkRefused as error:
        return link_refused(request, error)
    return render(request, "account/password_reset_from_key.html", {"form": form, "email": row.person.email})


@require_http_methods(["GET", "POST"])
def email_confirm(request: HttpRequest) -> HttpResponse:
    """Confirm an address on POST; mail programs that open links confirm nothing."""
    try:
        row = link_or_refusal(request, Purpose.CONFIRM_EMAIL)
        if request.method == "POST":
            confirm_email(token=request.session.pop(LINK_KEY), address=client_of(request).address)
            messages.success(request, _("Your e-mail address is confirmed."))
            return HttpResponseRedirect("/")
    except LinkRefused as error:
        return link_refused(request, error)
    return render(request, "account/email_confirm.html", {"email": row.person.email})


@require_http_methods(["GET", "POST"])
def emergency(request: HttpRequest) -> HttpResponse:
    """Sign an administrator in to the console for an hour, whatever the rules say. It is on record."""
    try:
        row = link_or_refusal(request, Purpose.BREAK_GLASS)
        if request.method == "POST":
            person = use_break_glass(token=request.session.pop(LINK_KEY))
            note_proof(request, person, BREAK_GLASS)
            sign_browser_in(request, person)
            return HttpResponseRedirect(settings.INSTANCE.url(settings.INSTANCE.console_host))
    except LinkRefused as error:
        return link_refused(request, error)
    return render(request, "signin/emergency.html", {"email": row.person.email})


def _invitation_page(request: HttpRequest, form: NewPasswordForm) -> HttpResponse:
    try:
        row = link_or_refusal(request, Purpose.INVITATION)
    except LinkRefused as error:
        return link_refused(request, error)
    context = {"form": form, "person": row.person, "passkey_name": passkey_name(request)}
    return render(request, "signin/invitation.html", context)


def link_or_refusal(request: HttpRequest, purpose: Purpose) -> OneTimeLink:
    """Return the link whose secret this browser keeps, when it still works and is for this.

    Raises:
        LinkRefused: for any other.
    """
    row = look_at_link(request.session.get(LINK_KEY, ""))
    if row.purpose != purpose:
        raise LinkRefused("This link is for something else.", hint="Open the link from the mail again.")
    return row


def link_refused(request: HttpRequest, error: OstiaryError) -> HttpResponse:
    """Forget the link, put it on record and say what to do."""
    request.session.pop(LINK_KEY, None)
    record_refused_sign_in(email="", client=client_of(request), reason="link_refused", methods=(EMAIL,))
    return problem_page(request, status=404, title=error.message, words=error.hint)
