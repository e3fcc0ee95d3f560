"""Pages about other directories that people can sign in with. They are set up on the machine itself, not here."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from ostiary.identity.facade import (
    UnknownProvider,
    callback_url,
    get_provider,
    keys_url,
    list_client_keys,
    list_providers,
    logout_url,
    search_linked,
    signed_out_url,
)
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.guard import console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.tables import DIRECTORIES, LINKED

SECTION = Resource.PEOPLE


@console_page(Resource.PEOPLE, Action.VIEW)
@with_columns(DIRECTORIES)
def directories(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the directories."""
    text = request.GET.get("q", "").strip()
    found = [one for one in list_providers() if matches(text, (one.id, one.name, one.issuer))]
    context = {"page": cut(found, page_number(request)), "columns": columns, "text": text}
    return render_page(request, "directories/list.html", SECTION, context)


@console_page(Resource.PEOPLE, Action.VIEW)
@with_columns(LINKED)
def directory(request: HttpRequest, columns: ShownColumns, provider_id: str) -> HttpResponseBase:
    """Show one directory and who is linked to it."""
    try:
        shown = get_provider(provider_id)
    except UnknownProvider:
        raise Http404 from None
    text = request.GET.get("q", "").strip()
    page = search_linked(shown.id, text=text, page=page_number(request), page_size=PAGE_SIZE)
    context = {
        "provider": shown,
        "groups": sorted(shown.groups.items()),
        "mfa": sorted(shown.mfa.items()),
        "addresses": (
            (_("Redirect URI"), callback_url(shown.id)),
            (_("Post-logout redirect URI"), signed_out_url(shown.id)),
            (_("Back-channel logout URI"), logout_url(shown.id)),
        ),
        "keys": list_client_keys(shown.id) if shown.proves_by == "key" else (),
        "keys_url": keys_url(shown.id),
        "page": page,
        "columns": columns,
        "text": text,
    }
    return render_page(request, "directories/detail.html", SECTION, context)
