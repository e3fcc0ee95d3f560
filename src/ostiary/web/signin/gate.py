"""Who may see which page of the sign-in host, in one table, refused by default.

Every page is for people whose sign-in is complete, unless its name stands in one of the two sets below. The
console's pages are guarded by the gateway and by `web.console`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from ostiary.identity.entrance import SESSION_KEY, PersonRow, is_break_glass_only, person_actor
from ostiary.identity.facade import (
    NotAllowed,
    SignInSession,
    UnknownSession,
    client_of,
    get_session,
    revoke_session,
    touch_session,
)
from ostiary.policy.identifiers import SessionId
from ostiary.visibility.facade import RecordUnavailable
from ostiary.web.hosts import site_of
from ostiary.web.signin.device import (
    active_device_of,
    bind_to_device,
    certificate_of,
    is_elsewhere,
    is_unbound_on_own,
    take_for_nobody,
)
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.known_browser import mark_browser

log = structlog.get_logger(__name__)

PENDING_KEY: Final = "ostiary_pending"

ENTRANCE: Final = frozenset(
    {
        "account_login",
        "account_logout",
        "account_inactive",
        "mfa_login_webauthn",
        "mfa_authenticate",
        "mfa_authenticate_options",
        "start_over",
        "lost_factor",
        "recovery",
        "directory",
        "directory_callback",
        "directory_signed_out",
        "password_forgotten",
        "link",
        "invitation",
        "invitation_password",
        "invitation_passkey",
        "password_new",
        "email_confirm",
        "emergency",
    }
)
"""For anybody: they lead to being signed in, or out."""

PROGRAMS: Final = frozenset(
    {
        "scim",
        "workload_token",
        "workload_metadata",
        "device_nonce",
        "device_start",
        "device_prove",
        "device_poll",
        "device_quote",
        "device_renew",
        "device_report",
        "device_inventory",
        "device_leave",
        "osquery_enroll",
        "osquery_config",
        "osquery_log",
        "osquery_read",
        "osquery_write",
        "oidc_token",
        "oidc_userinfo",
        "oidc_revocation",
        "oidc_keys",
        "oidc_configuration",
        "directory_keys",
        "directory_logout",
        "ssf_configuration",
        "ssf_keys",
        "ssf_token",
        "ssf_streams",
        "ssf_status",
        "ssf_add_subject",
        "ssf_remove_subject",
        "ssf_verify",
        "ssf_poll",
        "ssf_event",
    }
)
"""For programs: each request proves itself by what it carries, and no browser's sign-in counts for anything."""

ASKED_BY_APPS: Final = frozenset(
    {
        "saml_metadata",
        "saml_sign_in",
        "saml_quietly",
        "saml_sign_out",
        "saml_signed_out",
        "oidc_authorize",
        "oidc_end_session",
    }
)
"""For anybody: where applications send browsers. Each page looks for itself whether somebody is signed in."""

UNFINISHED: Final = frozenset(
    {
        "set_up",
        "set_up_passkey",
        "set_up_passkey_options",
        "set_up_app",
        "set_up_codes",
        "prove",
        "proof_options",
    }
)
"""For people who gave a first proof and have yet to set up or give the second."""


class SignInGate:
    """Middleware: ends sign-ins that were revoked, and keeps unfinished ones to the pages that finish them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Find the sign-in behind the browser's cookie, or make the browser signed out."""
        request.sign_in_session = None  # type: ignore[attr-defined]
        if site_of(request) == "identity" and not request.path.startswith(settings.STATIC_URL):
            request.sign_in_session = _live_session(request)  # type: ignore[attr-defined]
        before = sign_in_session(request)
        response = self.get_response(request)
        session = sign_in_session(request)
        if session is not None and (before is None or before.id != session.id):
            bind_to_device(request, session.id)
        if session is not None and session.complete:
            mark_browser(request, response, session.person_email)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Say what is not allowed; refuse, with an alarm on the log, what could not be put on record."""
        if site_of(request) != "identity" or not isinstance(error, (RecordUnavailable, NotAllowed)):
            return None
        if isinstance(error, NotAllowed):
            words = " ".join(filter(None, (str(error), error.hint)))
            return problem_page(request, status=403, title=_("This is not possible"), words=words)
        log.error("sign_in_not_recorded", detail=error.detail or str(error))
        return problem_page(
            request,
            status=503,
            title=_("This is not possible right now"),
            words=_("Nothing can be put on record at the moment, so nothing is changed. Try again in a few minutes."),
        )

    def process_view(
        self, request: HttpRequest, view: object, arguments: list[Any], named: dict[str, Any]
    ) -> HttpResponse | None:
        """Let the request go on, or send it where it may."""
        del view, arguments, named
        if site_of(request) != "identity" or request.resolver_match is None:
            return None
        name = request.resolver_match.view_name
        if name in ENTRANCE | PROGRAMS | ASKED_BY_APPS:
            return None
        session = sign_in_session(request)
        if session is None:
            return _to_sign_in(request)
        if session.complete or name in UNFINISHED:
            return None
        remember_pending(request)
        return HttpResponseRedirect(reverse("set_up"))


def sign_in_session(request: HttpRequest) -> SignInSession | None:
    """Return the sign-in this request belongs to, complete or not."""
    session: SignInSession | None = request.sign_in_session  # type: ignore[attr-defined]
    return session


def remember_pending(request: HttpRequest) -> None:
    """Keep where the person was going, for when set-up is done."""
    if request.method == "GET" and request.path != "/":
        request.session[PENDING_KEY] = request.get_full_path()


def to_complete_sign_in(request: HttpRequest, page: str) -> HttpResponse:
    """Send somebody to what their sign-in lacks, and from there back to a page of this host.

    Args:
        request: of somebody who is not, or not completely, signed in.
        page: its path and query, judged by `return_path_or_start`.
    """
    if sign_in_session(request) is None:
        return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': page})}")
    request.session[PENDING_KEY] = page
    return HttpResponseRedirect(reverse("set_up"))


def _live_session(request: HttpRequest) -> SignInSession | None:
    if not request.user.is_authenticated:
        return None
    if is_elsewhere(request):
        take_for_nobody(request)
        messages.info(request, _("Your sign-in belongs to another device. Sign in to go on here."))
        if certificate_of(request) and active_device_of(request) is None:
            messages.info(
                request,
                _(
                    "If this is the same computer: close the browser and open it again. It may show a certificate that is over."
                ),
            )
        return None
    now = time.time()
    try:
        session = get_session(SessionId(request.session.get(SESSION_KEY, "")))
    except UnknownSession:
        session = None
    if session is None or session.person_id != request.user.pk:
        logout(request)
        messages.info(request, _("You were signed out. Sign in to go on."))
        return None
    if is_unbound_on_own(request, session.person_id) and not _goes_on(request, session):
        logout(request)
        messages.info(request, _("This computer now proves which it is. Sign in once more: then it counts here alone."))
        return None
    return touch_session(session=session, address=client_of(request).address, now=now)


def _goes_on(request: HttpRequest, session: SignInSession) -> bool:
    """Tell whether a sign-in that is not bound to the device it is on goes on; one with copies that nobody can bind ends, everywhere.

    Nothing was handed to apps before it was complete, and an emergency link works once: those are bound where they are. What
    somebody has typed is not lost: the next page asks.
    """
    if not session.complete or is_break_glass_only(session.authentications):
        bind_to_device(request, session.id)
        return True
    if request.method != "GET" or not isinstance(request.user, PersonRow):
        return True
    with suppress(UnknownSession):
        revoke_session(session_id=session.id, reason="device_proven", actor=person_actor(request, request.user))
    return False


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    url = reverse("account_login")
    if request.method == "GET" and request.path != "/":
        url = f"{url}?{urlencode({'next': request.get_full_path()})}"
    return HttpResponseRedirect(url)
