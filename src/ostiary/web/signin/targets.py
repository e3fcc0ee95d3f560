"""Where somebody goes next. Hosts come from the catalogue and the configuration, never from a request."""

from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from ostiary.applications.facade import App, UnknownApp, get_app
from ostiary.identity.entrance import return_path_or_start
from ostiary.policy.identifiers import AppId, MalformedIdentifier, parse_slug
from ostiary.web.signin.gate import PENDING_KEY


def app_or_none(app_id: str) -> App | None:
    """Return the app a request names, or `None` when there is no such app."""
    try:
        return get_app(AppId(parse_slug(app_id, what="app")))
    except (UnknownApp, MalformedIdentifier):
        return None


def to_app(app: App, path: str) -> HttpResponseRedirect:
    """Return a redirect to a page of an app; a path that could lead elsewhere becomes its first page.

    The path of an app that is not behind the gateway is one on this host: that of the sign-in which the app asked for. An app
    behind the gateway may ask for a code as well: that page is here too.
    """
    safe = return_path_or_start(path)
    if app.behind_gateway and not _asks_for_a_code(app, safe):
        return HttpResponseRedirect(settings.INSTANCE.url(app.host, safe))
    return HttpResponseRedirect(app.launch_url if safe == "/" else safe)


def _asks_for_a_code(app: App, path: str) -> bool:
    page, _mark, query = path.partition("?")
    return page == reverse("oidc_authorize") and parse_qs(query).get("client_id") == [app.id]


def app_address(app: App) -> str:
    """Return where people open an app."""
    return settings.INSTANCE.url(app.host) if app.behind_gateway else app.launch_url


def pending_target(request: HttpRequest) -> str:
    """Return where the person was going before something else had to be done, and forget it."""
    return return_path_or_start(request.session.pop(PENDING_KEY, "/"))
