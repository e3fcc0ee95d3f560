"""My authenticators: what there is, new names, removal, and the password."""

import time

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import (
    change_password,
    person_actor,
    remove_authenticator,
    rename_authenticator,
    review_session,
)
from ostiary.identity.facade import UnacceptableText, linked_sign_ins, list_authenticators, list_providers
from ostiary.policy.identifiers import PersonId
from ostiary.web.portal.going_on import GoingOnField, ask_about_tokens, name_tokens, wants_tokens_ended
from ostiary.web.portal.standing import missing_for
from ostiary.web.signin.forms import LabelForm, NewPasswordForm
from ostiary.web.signin.people import signed_in
from ostiary.web.signin.prove import recent_proof_or_redirect


class OwnPasswordForm(NewPasswordForm):
    """The new password, and whether access tokens end with the old one."""

    tokens = GoingOnField(initial=False)


@require_safe
def authenticators(request: HttpRequest) -> HttpResponse:
    """Show the ways in which the person can sign in."""
    row, _session = signed_in(request)
    found = list_authenticators(person_id=PersonId(row.id))
    kinds = {one.kind for one in found}
    linked = linked_sign_ins(PersonId(row.id))
    taken = {one.provider for one in linked}
    context = {
        "authenticators": found,
        "kinds": kinds,
        "linked": linked,
        "linkable": [one for one in list_providers() if one.id not in taken],
        "missing": missing_for(PersonId(row.id)),
        "now": time.time(),
        "portal_tab": "authenticators",
    }
    return render(request, "portal/authenticators.html", context)


@require_http_methods(["GET", "POST"])
def rename(request: HttpRequest, authenticator_id: str) -> HttpResponse:
    """Give a passkey another name."""
    row, _session = signed_in(request)
    passkeys = [one for one in list_authenticators(person_id=PersonId(row.id)) if one.kind == "webauthn"]
    found = next((one for one in passkeys if one.id == authenticator_id), None)
    if found is None:
        messages.info(request, _("That passkey is gone already."))
        return HttpResponseRedirect(reverse("portal_authenticators"))
    form = LabelForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_authenticator(
                person_id=PersonId(row.id), authenticator_id=authenticator_id, name=form.cleaned_data["name"]
            )
        except OstiaryError as error:
            form.add_error("name", str(error))
        else:
            return HttpResponseRedirect(reverse("portal_authenticators"))
    return render(request, "portal/rename.html", {"form": form, "authenticator": found})


@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, authenticator_id: str = "") -> HttpResponse:
    """Say what follows, then remove one; the last way in stays."""
    row, session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    everything = list_authenticators(person_id=PersonId(row.id))
    found = next((one for one in everything if one.id == authenticator_id and one.kind != "recovery_codes"), None)
    if found is None:
        messages.info(request, _("That is gone already."))
        return HttpResponseRedirect(reverse("portal_authenticators"))
    if request.method == "GET":
        return render(request, "portal/remove.html", {"authenticator": found})
    try:
        remove_authenticator(
            person_id=PersonId(row.id), authenticator_id=authenticator_id, actor=person_actor(request, row)
        )
    except OstiaryError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("portal_authenticators"))
    review_session(session_id=session.id)
    _keep_this_browser(request)
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return HttpResponseRedirect(reverse("portal_authenticators"))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Set or change the password; every other browser is signed out, and access tokens go on unless they are to end."""
    row, session = signed_in(request)
    if (redirect := recent_proof_or_redirect(request)) is not None:
        return redirect
    form = OwnPasswordForm(request.POST or None)
    names = name_tokens(PersonId(row.id))
    words = _("They go on with the old password and the new one: %(names)s. Somebody else may know it? End them.")
    ask_about_tokens(form, names, words)
    if request.method == "POST" and form.is_valid():
        try:
            ended = change_password(
                person_id=PersonId(row.id),
                password=form.cleaned_data["password"],
                keep_session=session.id,
                actor=person_actor(request, row),
                afresh=wants_tokens_ended(form),
            )
        except UnacceptableText as error:
            form.add_error("password", error.message)
        else:
            _keep_this_browser(request)
            words = _("Your password is set. %(count)d other browsers were signed out.") % {"count": ended}
            if names and wants_tokens_ended(form):
                words += " " + _("Your access tokens are revoked.")
            elif names:
                words += " " + _("These access tokens go on: %(names)s.") % {"names": names}
            messages.success(request, words)
            return HttpResponseRedirect(reverse("portal_authenticators"))
    context = {"form": form, "has_password": row.has_usable_password(), "email": row.email}
    return render(request, "account/password_change.html", context)


def _keep_this_browser(request: HttpRequest) -> None:
    """Renew the browser's cookie: Django ties it to the password."""
    person, _session = signed_in(request)
    person.refresh_from_db()
    update_session_auth_hash(request, person)
