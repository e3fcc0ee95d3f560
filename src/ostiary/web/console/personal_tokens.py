"""Pages about people's own tokens: whose they are, what they open, when they were last used. People make them in the portal."""

import time
from functools import partial

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.service_words import shown_token
from ostiary.workloads.facade import UnknownToken, get_token, list_tokens, revoke_token

SECTION = Resource.SERVICES


@console_page(Resource.SERVICES, Action.VIEW)
def tokens(request: HttpRequest) -> HttpResponseBase:
    """List the tokens, the newest first."""
    text, now = request.GET.get("q", "").strip(), time.time()
    found = [one for one in list_tokens() if matches(text, (one.id, one.email, one.name, *one.apps))]
    page = cut(found, page_number(request))
    context = {"page": page, "lines": [shown_token(one, now) for one in page.items], "text": text}
    return render_page(request, "services/tokens.html", SECTION, context)


@console_page(Resource.SERVICES, Action.REVOKE, methods=WRITE)
def token_revoke(request: HttpRequest, token_id: str) -> HttpResponseBase:
    """Say what revoking a token does, and do it."""
    try:
        found = get_token(token_id)
    except UnknownToken:
        raise Http404 from None
    tokens = reverse("console:tokens")
    return ask_and_act(
        request,
        SECTION,
        "services/token_revoke.html",
        {"token": found, "back_url": tokens},
        act=partial(revoke_token, found.id),
        done=_("The token of %(email)s is revoked.") % {"email": found.email},
        then=tokens,
    )
