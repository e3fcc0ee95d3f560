"""The company's handbook: a static site with an index, pages and nothing to change."""

from html import escape
from typing import Any

from ostiary.demo.applications.page import render_page

PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "welcome": (
        "Welcome",
        (
            "Lindenhof Instruments has built flow meters since 1974. Forty of us work in Freiburg, in the workshop, in sales and in the office.",
            "Whatever you open here, the gateway checks each request: who you are, how you proved it, and what our rules say.",
            "If something is refused, the page says which condition failed and what to do. Quote its reference when you ask for help.",
        ),
    ),
    "first-day": (
        "Your first day",
        (
            "Set up your sign-in with the link in your invitation: a password of at least twelve characters, then an authenticator app or a passkey.",
            "Print the recovery codes and keep them at home. They are the way back when your phone is lost.",
            "Your calendar works with any CalDAV client; the shared files open as a network drive.",
        ),
    ),
    "travel": (
        "Travelling for work",
        (
            "Book through Ilse in the office. Trains before planes where they take less than five hours.",
            "Customer drawings stay in the shared files; nothing goes to private drives.",
        ),
    ),
    "lost-phone": (
        "A lost phone",
        (
            "Sign in with a recovery code and remove the old authenticator at once. Then set up the new one.",
            "No codes either? Call Nadia or Tomasz. They will ask you something only you know.",
        ),
    ),
    "visitors": (
        "Visitors",
        ("Visitors sign the book at the gate, wear a badge and do not enter the calibration room without company.",),
    ),
}


async def application(scope: Any, proto: Any) -> None:
    """Answer one request."""
    await proto()
    name = scope.path.strip("/")
    if scope.method not in ("GET", "HEAD"):
        proto.response_str(
            405, [("content-type", "text/plain"), ("allow", "GET, HEAD")], "The handbook is read only.\n"
        )
        return
    found = _index() if not name else _page(name)
    status, html = (200, found) if found else (404, _missing())
    headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "private, max-age=60")]
    proto.response_str(status, headers, html if scope.method == "GET" else "")


def _index() -> str:
    links = "".join(f'<p><a href="/{name}">{escape(title)}</a></p>' for name, (title, _) in PAGES.items())
    return render_page("Handbook", "Lindenhof Instruments", f"<section><h1>Handbook</h1>{links}</section>")


def _page(name: str) -> str | None:
    if name not in PAGES:
        return None
    title, paragraphs = PAGES[name]
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    body = f'<section><h1>{escape(title)}</h1>{text}</section><p><a href="/">All pages</a></p>'
    return render_page("Handbook", "Lindenhof Instruments", body)


def _missing() -> str:
    return render_page(
        "Handbook", "Lindenhof Instruments", '<section><h1>No such page</h1><a href="/">All pages</a></section>'
    )
