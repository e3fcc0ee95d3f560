"""Signing out with another directory: on to it from here, back from it, and its word that somebody signed out there.

Source: OpenID Connect RP-Initiated Logout 1.0; Back-Channel Logout 1.0.
"""

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from ostiary.identity.entrance import DirectoryRefused, Parting, Reason, is_back, take_logout, way_out
from ostiary.identity.facade import UnknownProvider, get_provider, list_client_keys

log = structlog.get_logger(__name__)


def leave_directory(request: HttpRequest, parting: Parting) -> HttpResponse:
    """Lead a browser that is signed out here on to the directory.

    By a page of our own: what follows a form may only lead to this instance's hosts.
    """
    name = {"name": parting.provider.name}
    try:
        url = way_out(request, parting)
    except DirectoryRefused as refused:
        log.warning("directory_sign_out_failed", directory=parting.provider.id, detail=refused.detail)
        messages.warning(
            request,
            _("You are signed out here and in every app. %(name)s does not answer: sign out there yourself.") % name,
        )
        return HttpResponseRedirect(reverse("account_login"))
    if not url:
        messages.success(request, _("You are signed out here and in every app, and not at %(name)s.") % name)
        return HttpResponseRedirect(reverse("account_login"))
    return render(request, "signin/leaving.html", {"name": parting.provider.name, "url": url})


@require_safe
def signed_out(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take a browser back that was sent to the directory to be signed out there."""
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return HttpResponseRedirect(reverse("account_login"))
    if is_back(request, provider.id):
        messages.success(request, _("You are signed out here, in every app and at %(name)s.") % {"name": provider.name})
    return HttpResponseRedirect(reverse("account_login"))


@csrf_exempt
@require_POST
def take_word(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take a directory's logout token. No browser's sign-in counts here; the token proves itself."""
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return _refusal(404, "there is no such directory")
    try:
        ended = take_logout(provider, request.POST.get("logout_token", ""))
    except DirectoryRefused as refused:
        log.warning("logout_token_refused", directory=provider.id, reason=refused.reason, detail=refused.detail)
        if refused.reason is Reason.UNREACHABLE:
            return _refusal(503, "the directory's keys cannot be had now")
        return _refusal(400, refused.detail or str(refused.reason))
    log.info("logout_token_taken", directory=provider.id, ended=ended)
    return HttpResponse(status=200)


@require_safe
def keys(request: HttpRequest, provider_id: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Publish the keys by which this instance proves itself to a directory, for the directory to read."""
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return _refusal(404, "there is no such directory")
    return JsonResponse({"keys": [one.jwk for one in list_client_keys(provider.id)]})


def _refusal(status: int, words: str) -> HttpResponse:
    """Answer in the form of Back-Channel Logout 1.0, section 2.8."""
    return JsonResponse({"error": "invalid_request", "error_description": words[:200]}, status=status)
