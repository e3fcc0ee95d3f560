"""Which of the control plane's two sites a request is for, by its host name. Unknown hosts get nothing."""

from collections.abc import Callable
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

Site = Literal["identity", "console"]

URL_CONFIGURATIONS: dict[Site, str] = {
    "identity": "ostiary.web.urls_identity",
    "console": "ostiary.web.urls_console",
}


def site_of_host(host: str) -> Site | None:
    """Return the site that answers to a `Host` header, or `None`.

    Only the exact name counts, with the gateway's port or without: no trailing dot, no other case, no other port.
    """
    instance = settings.INSTANCE
    names: tuple[tuple[str, Site], ...] = ((instance.identity_host, "identity"), (instance.console_host, "console"))
    for name, site in names:
        if host in {name, instance.authority(name)}:
            return site
    return None


def site_of(request: HttpRequest) -> Site:
    """Return the site that `HostRouting` found for this request."""
    site: Site = request.ostiary_site  # type: ignore[attr-defined]
    return site


class HostRouting:
    """Middleware, first in the chain: picks the URL configuration by host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 404 for a host that is not ours, before anything else looks at the request."""
        site = site_of_host(request.META.get("HTTP_HOST", ""))
        if site is None:
            return HttpResponse("There is nothing at this address.\n", status=404, content_type="text/plain")
        request.ostiary_site = site  # type: ignore[attr-defined]
        request.urlconf = URL_CONFIGURATIONS[site]
        return self.get_response(request)
