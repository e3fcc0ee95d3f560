"""The console's pages for what went wrong: 400, 403, 404, 500. Each carries a reference that finds the log line."""

import secrets
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

log = structlog.get_logger(__name__)


def new_reference() -> str:
    """Return a short code that can be read out over the telephone."""
    text = "".join(secrets.choice(_ALPHABET) for _place in range(8))
    return f"{text[:4]}-{text[4:]}"


def show_failure(request: HttpRequest, status: int, heading: str, words: str) -> HttpResponse:
    """Return a failure page: what happened, what to do, the reference."""
    reference = new_reference()
    log.warning("console_failure_shown", status=status, reference=reference, path=request.path)
    page = render_to_string(
        "console/failure.html", {"heading": heading, "words": words, "reference": reference}, request=request
    )
    return HttpResponse(page, status=status)


def refuse(request: HttpRequest, words: str = "") -> HttpResponse:
    """Return 403; the default words are for a caller who did not prove who they are."""
    return show_failure(
        request,
        403,
        _("You cannot open this page"),
        words
        or _("The console opens for people with a role in it who come through the gateway. Open it by its address."),
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a request that makes no sense."""
    return show_failure(
        request, 400, _("This request makes no sense"), _("Go back and try again from the page before.")
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a request that Django refused."""
    return refuse(request, _("This was refused. Go back, reload the page and try again."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a request for something that is not there."""
    return show_failure(
        request, 404, _("There is nothing here"), _("It may have been removed, or the address has a mistake in it.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when our own code failed; it was logged by Django with its cause."""
    return show_failure(
        request,
        500,
        _("This page could not be made"),
        _(
            "Nothing was changed beyond what an earlier page confirmed. The reference finds the cause in the control plane's log."
        ),
    )
