"""The few pages of the decision service, in HTML without Django, with the product's own styles.

Which page is shown and what it says is decided in `refusal`, `callback` and `sign_out`.
"""

import re
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

import msgspec

from ostiary.gateway.decider.answers import NO_STORE, Answer
from ostiary.gateway.decider.static import PREFIX, VERSION_QUERY

_PAGE: Final = Template((files(__package__) / "templates" / "page.html").read_text(encoding="utf-8"))
_ADDRESS: Final = re.compile(r"[^@\s<>\"']+@[^@\s<>\"']+")


class Link(msgspec.Struct, frozen=True):
    """Something to click. `primary` is the one act the page is about; `beside` opens it beside this page, which stays."""

    words: str
    href: str
    primary: bool = False
    beside: bool = False


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page in plain text; nothing in it is markup.

    Args:
        title: for the browser's tab.
        heading: what happened, in a few words.
        lead: what to know, a sentence or two.
        advice: what to do where there is nothing to click.
        links: what to click.
        post: a path on this host that a button posts to, with its words.
        more: further conditions, behind a disclosure.
        reference: finds the decision on record; empty when there is none.
    """

    title: str
    heading: str
    lead: str
    advice: str = ""
    links: tuple[Link, ...] = ()
    post: tuple[str, str] | None = None
    more: tuple[str, ...] = ()
    reference: str = ""


class Pages:
    """Renders pages for one instance.

    Args:
        organisation: the name people see.
        contact: whom somebody can write to who cannot get in; an address, a link or a few words.
        sign_in: the sign-in host's origin, the only other place a form may lead to.
        static: where the host that shows the pages has our styles.
    """

    def __init__(self, *, organisation: str, contact: str, sign_in: str, static: str = PREFIX) -> None:
        self._organisation = organisation or "Ostiary"
        self._contact = contact
        self._static = static
        self._policy = (
            "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; "
            f"form-action 'self' {sign_in}; frame-ancestors 'none'"
        )

    def render(self, page: Page, *, status: int, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        """Return the page as an answer, never stored by anybody."""
        html = _PAGE.substitute(
            title=escape(page.title),
            organisation=escape(self._organisation),
            heading=escape(page.heading),
            content=_content(page),
            footer=self._footer(),
            static=self._static,
            version=VERSION_QUERY,
        )
        fixed = [
            ("content-type", "text/html; charset=utf-8"),
            NO_STORE,
            ("content-security-policy", self._policy),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
        ]
        return Answer(status, [*fixed, *headers], html.encode("utf-8", "replace"))

    def _footer(self) -> str:
        if not self._contact:
            return ""
        href = contact_href(self._contact)
        shown = escape(self._contact)
        return (
            f'<span>Cannot get in? Write to <a href="{escape(href)}">{shown}</a></span>'
            if href
            else (f"<span>Cannot get in? {shown}</span>")
        )


def contact_href(contact: str, query: str = "") -> str:
    """Return what a contact links to: `mailto:` for an address, itself for a link, nothing for words.

    Args:
        contact: as configured.
        query: encoded header fields for a message, with `?`.
    """
    if _ADDRESS.fullmatch(contact):
        return f"mailto:{contact}{query}"
    return contact if contact.startswith("https://") else ""


def _content(page: Page) -> str:
    parts = [f"<p>{escape(page.lead)}</p>"]
    if page.advice:
        parts.append(f"<p>{escape(page.advice)}</p>")
    if page.links or page.post:
        parts.append(f'<div class="actions">{_actions(page)}</div>')
    if page.more:
        items = "".join(f"<li>{escape(line)}</li>" for line in page.more)
        parts.append(
            f'<details class="more"><summary>What else is asked for</summary><ul class="stack tight">{items}</ul></details>'
        )
    if page.reference:
        parts.append(f'<p class="reference">Reference <b>{escape(page.reference)}</b></p>')
    return "\n      ".join(parts)


def _actions(page: Page) -> str:
    buttons = []
    if page.post is not None:
        path, words = page.post
        buttons.append(
            f'<form method="post" action="{escape(path)}"><button class="button primary large">{escape(words)}</button></form>'
        )
    for link in page.links:
        kind = "button primary large" if link.primary else "button large"
        beside = ' target="_blank" rel="noopener"' if link.beside else ""
        buttons.append(f'<a class="{kind}" href="{escape(link.href)}"{beside}>{escape(link.words)}</a>')
    return "".join(buttons)
