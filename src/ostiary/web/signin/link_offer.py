"""Linking an account in another directory: asked for after a fresh proof, confirmed after coming back.

The confirmation is what keeps a link from being made behind somebody's back: whoever slips their own account under a
signed-in browser still needs its owner to say yes to an address that is not theirs.
"""

import time
from typing import Final

import msgspec
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import (
    Assertion,
    DirectoryRefused,
    Reason,
    ask_directory,
    link_directory,
    person_actor,
    unlink_directory,
)
from ostiary.identity.facade import Provider, UnknownProvider, get_provider, linked_sign_ins
from ostiary.policy.identifiers import PersonId
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import recent_proof_or_redirect

OFFER_KEY: Final = "ostiary_link_offer"
OFFER_SECONDS: Final = 600


class _Offer(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    person: str
    at: float
    assertion: Assertion


@require_safe
def begin_link(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send somebody who proved lately who they are to the directory, to choose the account there."""
    row, _session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    try:
        provider = get_provider(provider_id)
        target = reverse("portal_authenticators")
        return HttpResponseRedirect(ask_directory(request, provider, target=target, purpose="link", person=row.id))
    except DirectoryRefused:
        messages.error(request, _("%(name)s does not answer. Try again in a few minutes.") % {"name": provider.name})
    except UnknownProvider as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("portal_authenticators"))


def offer_link(request: HttpRequest, provider: Provider, assertion: Assertion) -> HttpResponse:
    """Keep what the directory said, and ask whether that is the account to be linked."""
    row, _session = signed_in(request)
    offer = _Offer(provider=provider.id, person=row.id, at=time.time(), assertion=assertion)
    request.session[OFFER_KEY] = msgspec.to_builtins(offer)
    return HttpResponseRedirect(reverse("portal_link_confirm"))


@require_http_methods(["GET", "POST"])
def confirm_link(request: HttpRequest) -> HttpResponse:
    """Say which account would be linked, then link it."""
    row, _session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    offer = _offer(request)
    if offer is None or offer.person != row.id or offer.at < time.time() - OFFER_SECONDS:
        messages.info(request, _("There is nothing to link any more. Begin again."))
        return HttpResponseRedirect(reverse("portal_authenticators"))
    try:
        provider = get_provider(offer.provider)
        if request.method == "GET":
            context = {"provider": provider, "label": offer.assertion.address or offer.assertion.name}
            return render(request, "portal/link.html", context)
        del request.session[OFFER_KEY]
        link_directory(
            provider=provider,
            assertion=offer.assertion,
            person_id=PersonId(row.id),
            actor=person_actor(request, row),
        )
    except DirectoryRefused as refused:
        elsewhere = refused.reason is Reason.LINKED_ELSEWHERE
        words = _("That account is linked to somebody else.") if elsewhere else _("That account may not come in here.")
        messages.error(request, words)
    except OstiaryError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("You can sign in with %(name)s from now on.") % {"name": provider.name})
    return HttpResponseRedirect(reverse("portal_authenticators"))


@require_http_methods(["GET", "POST"])
def unlink(request: HttpRequest, link_id: str) -> HttpResponse:
    """Say what follows, then unlink."""
    row, session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    found = next((one for one in linked_sign_ins(PersonId(row.id)) if one.id == link_id), None)
    if found is None:
        messages.info(request, _("That is gone already."))
        return HttpResponseRedirect(reverse("portal_authenticators"))
    if request.method == "GET":
        return render(request, "portal/unlink.html", {"link": found})
    try:
        unlink_directory(
            person_id=PersonId(row.id), link_id=link_id, actor=person_actor(request, row), keep_session=session.id
        )
    except OstiaryError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(name)s is unlinked.") % {"name": found.provider_name})
    return HttpResponseRedirect(reverse("portal_authenticators"))


def _offer(request: HttpRequest) -> _Offer | None:
    try:
        return msgspec.convert(request.session.get(OFFER_KEY), _Offer)
    except msgspec.ValidationError:
        return None
