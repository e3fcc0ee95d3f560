"""Sensitive acts in the console want a passkey used lately. Which acts those are stands in `web.sensitive`.

Opening the page of such an act leads to the proof and back. A form that comes too late is not carried out and not lost: the
page that asks for the proof holds it, and sends it again.
"""

import time
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from ostiary.applications.facade import CONSOLE_APP
from ostiary.identity.facade import is_break_glass_only
from ostiary.policy.remedies import STEP_UP_PATH
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Resource
from ostiary.web.sensitive import CONSOLE_HARMLESS, CONSOLE_LOOKED_AT, FRESH_SECONDS

_OWN_FIELDS: Final = frozenset({"csrfmiddlewaretoken"})


def ask_for_proof(request: HttpRequest, section: Resource, *, takes_forms: bool) -> HttpResponse | None:
    """Return the way to a proof, when the act wants one and there is none that is fresh; else `None`.

    Args:
        request: with its caller.
        section: which line of the navigation is lit.
        takes_forms: whether the page takes forms; others change nothing.
    """
    name = request.resolver_match.url_name if request.resolver_match is not None else None
    sent = request.method == "POST"
    if not takes_forms or name in CONSOLE_HARMLESS or (name in CONSOLE_LOOKED_AT and not sent):
        return None
    if is_fresh(caller_of(request).proofs, now=time.time()):
        return None
    if not sent:
        return HttpResponseRedirect(_step_up(**{"return": request.get_full_path()}))
    fields = [(field, value) for field, values in request.POST.lists() if field not in _OWN_FIELDS for value in values]
    context = {"step_up": _step_up(then="tab"), "fields": fields, "files": bool(request.FILES)}
    return render_page(request, "confirm_first.html", section, context, status=403)


def is_fresh(proofs: Iterable[Authentication], *, now: float) -> bool:
    """Tell whether a passkey was used lately. An emergency sign-in is what remains without one, for its hour.

    Args:
        proofs: what was proved in the session.
        now: seconds since the epoch.
    """
    given = tuple(proofs)
    if is_break_glass_only(given):
        return True
    return any(
        proof.strength >= AuthStrength.PHISHING_RESISTANT and now - FRESH_SECONDS <= proof.at <= now for proof in given
    )


def _step_up(**query: str) -> str:
    instance = settings.INSTANCE
    asked = {"need": "phishing-resistant", "within": str(FRESH_SECONDS), "app": CONSOLE_APP, **query}
    return str(instance.url(instance.identity_host, f"{STEP_UP_PATH}?{urlencode(asked)}"))
