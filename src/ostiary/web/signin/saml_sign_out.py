"""Sign-out that an application asks for by SAML: the sign-in here ends, and with it every session behind the gateway.

Other applications that were signed in to by SAML are not told; they go on until they ask again, and the answer says so.
"""

import contextlib
import time
from typing import Final
from urllib.parse import urlencode

import msgspec
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.applications.facade import get_app
from ostiary.identity.entrance import PersonRow, person_actor
from ostiary.identity.facade import UnknownSession, get_person, revoke_session
from ostiary.policy.identifiers import PersonId
from ostiary.saml.facade import (
    LOGOUT_REQUEST,
    SIGN_OUT_PATH,
    AnsweredBefore,
    AskedOut,
    Meant,
    RefusedMessage,
    ServiceProvider,
    Status,
    UnknownProvider,
    answer_once,
    answer_to,
    get_provider,
    own_address,
    read_logout_request,
    sign_in_meant,
    write_signed_out,
)
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.gate import sign_in_session
from ostiary.web.signin.saml_messages import (
    delivered,
    message_of,
    refused_page,
    seal,
    sender_of,
    too_late,
    unseal,
)

ASKED_OUT_SALT: Final = "ostiary.saml.asked-out"


@csrf_exempt
@require_http_methods(["GET", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Take an application's request for sign-out, by either binding; it has to be signed."""
    try:
        carried = message_of(request)
        provider = sender_of(carried, LOGOUT_REQUEST)
        wanted = read_logout_request(carried, provider, address=own_address(SIGN_OUT_PATH), now=time.time())
    except RefusedMessage as refused:
        return refused_page(request, refused)
    asked = AskedOut(
        provider=provider.app,
        id=wanted.id,
        consumer=provider.described.logout_url,
        relay_state=carried.relay_state,
        name=wanted.name,
        session_index=wanted.session_index,
    )
    return HttpResponseRedirect(f"{reverse('saml_signed_out')}?{urlencode({'asked': seal(asked, ASKED_OUT_SALT)})}")


@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """End the sign-in that an application means, if it is this browser's, and answer."""
    content = unseal(request.GET.get("asked", ""), ASKED_OUT_SALT)
    try:
        asked = msgspec.convert(content, AskedOut)
        provider = get_provider(asked.provider)
    except (msgspec.ValidationError, UnknownProvider):
        return problem_page(
            request, status=400, title=_("This link is not complete"), words=_("Sign out in the app again.")
        )
    try:
        codes = _end(request, asked, provider)
    except AnsweredBefore:
        return too_late(request)
    if not asked.consumer:
        messages.info(request, _("You are signed out."))
        return HttpResponseRedirect(reverse("account_login"))
    return delivered(request, write_signed_out(asked, provider, codes, now=time.time()), get_app(provider.app).name)


def _end(request: HttpRequest, asked: AskedOut, provider: ServiceProvider) -> tuple[Status, ...]:
    """End this browser's sign-in when the application means it; return the answer.

    Raises:
        AnsweredBefore: when this request was answered; nothing ends by it twice.
    """
    session, now = sign_in_session(request), time.time()
    row = request.user if session is not None and isinstance(request.user, PersonRow) else None
    with transaction.atomic():
        answer_once(asked, now)
        signed_in = (get_person(PersonId(row.id)), session) if row is not None and session is not None else None
        meant = sign_in_meant(asked, provider, signed_in, now=now)
        codes = answer_to(meant, provider, session)
        if meant is Meant.THIS and row is not None and session is not None:
            with contextlib.suppress(UnknownSession):
                revoke_session(session_id=session.id, reason="signed_out_by_app", actor=person_actor(request, row))
    if meant is Meant.THIS:
        logout(request)
    return codes
