"""How SAML's messages come in from browsers and go out again, sealed on the way; what they mean is not known here."""

from typing import Any, Final

import msgspec
import structlog
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from ostiary.saml.facade import (
    Carried,
    Delivery,
    RefusedMessage,
    ServiceProvider,
    from_address,
    from_form,
    issuer_of,
    provider_named,
)
from ostiary.web.headers import content_security_policy
from ostiary.web.signin.failures import problem_page

SEALED_SECONDS: Final = 15 * 60
"""How long somebody may take to sign in for an application that asked."""

log = structlog.get_logger(__name__)


def message_of(request: HttpRequest) -> Carried:
    """Return the message that a request carries, in its address or in its form.

    Raises:
        RefusedMessage: when there is none that can be decoded.
    """
    if request.method == "POST":
        return from_form({name: [str(one) for one in request.POST.getlist(name)] for name in request.POST})
    return from_address(request.META.get("QUERY_STRING", ""))


def sender_of(carried: Carried, kind: str) -> ServiceProvider:
    """Return the application that a message claims to be from; nothing in it is believed yet.

    Raises:
        RefusedMessage: when it is none that is known.
    """
    entity_id = issuer_of(carried, kind=kind)
    provider = provider_named(entity_id)
    if provider is None:
        raise RefusedMessage("The app that asks is not known here.", detail=entity_id[:200])
    return provider


def refused_page(request: HttpRequest, refused: RefusedMessage) -> HttpResponse:
    """Say that a message cannot be answered, and why: administrators of the app can act on that."""
    log.warning("saml_message_refused", reason=refused.message, detail=refused.detail, path=request.path)
    return problem_page(
        request,
        status=400,
        title=_("This app's request cannot be answered"),
        words=_("%(reason)s Open the app again; if it goes on, tell your administrators.")
        % {"reason": refused.message},
    )


def delivered(request: HttpRequest, delivery: Delivery, name: str) -> HttpResponse:
    """Send an answer on: the browser posts it to the application, by itself or at a press."""
    if not delivery.field:
        return HttpResponseRedirect(delivery.url)
    response = render(request, "signin/saml_post.html", {"delivery": delivery, "name": name})
    response["Content-Security-Policy"] = content_security_policy(forms_to="https:")
    response["Referrer-Policy"] = "strict-origin"
    return response


def seal(asked: msgspec.Struct, salt: str) -> str:
    """Return what was asked as a text that nobody else can write."""
    return signing.dumps(msgspec.to_builtins(asked), salt=salt, compress=True)


def unseal(text: str, salt: str) -> Any:
    """Return what was sealed, or `None` when it is not ours or too old."""
    try:
        return signing.loads(text, salt=salt, max_age=SEALED_SECONDS)
    except signing.BadSignature:
        return None


def too_late(request: HttpRequest) -> HttpResponse:
    """Say that something sealed is over: answered, or begun too long ago."""
    return problem_page(
        request,
        status=400,
        title=_("This sign-in is over"),
        words=_("It was used already, or begun too long ago. Open the app again, or choose it from your apps."),
    )
