"""The page that changes the certificate by which apps know our SAML sign-ins: prepared, given to the apps, then changed to."""

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ostiary.errors import OstiaryError
from ostiary.saml.facade import (
    CertificateInfo,
    abandon_certificate,
    change_certificate,
    describe_certificate,
    list_providers,
    next_key,
    prepare_certificate,
    signing_key,
)
from ostiary.visibility.facade import Actor
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource

STEPS: Final = frozenset({"prepare", "change", "abandon"})


def certificates() -> dict[str, CertificateInfo | None]:
    """Return the certificate in use and, where one was prepared, the next: both are in our metadata then."""
    secrets = settings.INSTANCE.secrets
    coming = next_key(secrets)
    return {
        "certificate": describe_certificate(signing_key(secrets).certificate),
        "coming": describe_certificate(coming.certificate) if coming else None,
    }


@console_page(Resource.APPS, Action.CHANGE, methods=WRITE)
def saml_certificate(request: HttpRequest) -> HttpResponseBase:
    """Say where the change of the certificate stands and what each step does, and take the step that is asked for."""
    step = request.POST.get("step", "")
    if request.method == "POST" and step in STEPS:
        try:
            messages.success(request, _take(step, request.POST.get("next", ""), caller_of(request).actor))
        except OstiaryError as error:
            messages.error(request, str(error))
        return redirect("console:saml_certificate")
    context = {**certificates(), "apps": list_providers()}
    return render_page(request, "saml/certificate.html", Resource.APPS, context)


def _take(step: str, shown: str, actor: Actor) -> str:
    """Take one step; return what happened in words. Only the certificate that was looked at is changed to, or dropped.

    Raises:
        NextKeyExists, NoNextKey: when somebody else was quicker.
        RecordUnavailable: when it cannot be put on record.
    """
    if step == "prepare":
        prepare_certificate(actor=actor)
        return _("The next certificate is in our metadata now, beside the one in use. Give it to every app.")
    if step == "change":
        change_certificate(actor=actor, fingerprint=shown)
        return _("Sign-ins are signed with the new certificate from now on.")
    abandon_certificate(actor=actor, fingerprint=shown)
    return _("The next certificate is dropped. Sign-ins are signed as before.")
