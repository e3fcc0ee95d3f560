"""Signing out of one app: its cookies go. Ending the sign-in itself, and with it every app's, is the sign-in host's.

Nobody is signed out by a link or a form on another site: it takes a `POST` from a page of this very host.
Source: W3C Fetch Metadata; RFC 6454 (origins).
"""

from typing import Final

from ostiary.gateway.decider import cookies
from ostiary.gateway.decider.answers import Answer
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.links import Links
from ostiary.gateway.decider.pages import Link, Page, Pages

PATH: Final = "/.ostiary/sign-out"


class SignOut:
    """Signs out of apps."""

    def __init__(self, pages: Pages, links: Links) -> None:
        self._pages = pages
        self._links = links

    def answer(self, incoming: Incoming, basis: Basis) -> Answer:
        """Ask, or do it."""
        app = basis.apps.get(incoming.host)
        if app is None:
            return self._page(404, "There is nothing at this address", "The address leads to no app.")
        name = app.name or app.id
        if incoming.method in {"GET", "HEAD"}:
            return self._page(
                200,
                f"Sign out of {name}",
                f"You leave {name} in this browser. Other apps stay open.",
                post=(PATH, f"Sign out of {name}"),
                everywhere=True,
            )
        if incoming.method != "POST" or not self._is_same_origin(incoming):
            return self._page(
                403,
                "You were not signed out",
                "The request did not come from a page of this address.",
                post=(PATH, f"Sign out of {name}"),
            )
        page = self._page(
            200,
            f"You left {name}",
            f"{name} is closed in this browser. Your sign-in itself goes on, for other apps.",
            everywhere=True,
        )
        gone = [("set-cookie", cookies.clear(name)) for name in (cookies.SESSION, cookies.GRANT, cookies.BEGIN)]
        return Answer(page.status, [*page.headers, *gone], page.body)

    def _is_same_origin(self, incoming: Incoming) -> bool:
        site = incoming.headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        return incoming.headers.get("origin") == self._links.app_origin(incoming.host)

    def _page(
        self, status: int, heading: str, lead: str, *, post: tuple[str, str] | None = None, everywhere: bool = False
    ) -> Answer:
        links = (Link("Sign out everywhere", self._links.sign_out),) if everywhere else ()
        links = (*links, Link("My apps", self._links.portal))
        return self._pages.render(
            Page(title=heading, heading=heading, lead=lead, post=post, links=links), status=status
        )
