"""An answer before it is sent, and the small ones that need no page. Pages are in `pages`, refusals in `refusal`."""

from typing import Any, Final

import msgspec

Headers = list[tuple[str, str]]

UNAVAILABLE: Final = 503
REFUSED_AS_UNAVAILABLE: Final = 470
"""What stands for 503 between us and our data plane, which takes a 503 for a service that failed and replaces it. The
data plane turns it back; no client sees it."""

NO_STORE: Final = ("cache-control", "no-store")
MAX_LOCATION_CHARACTERS: Final = 8192


class Answer(msgspec.Struct, frozen=True):
    """Status, headers in order, and a body."""

    status: int
    headers: Headers
    body: bytes = b""


def for_data_plane(answer: Answer) -> Answer:
    """Return the answer in the form in which our data plane passes it on as it is."""
    return msgspec.structs.replace(answer, status=REFUSED_AS_UNAVAILABLE) if answer.status == UNAVAILABLE else answer


def redirect(location: str, *cookies: str, status: int = 302) -> Answer:
    """Send the browser on, with cookies to set."""
    headers = [("location", location), NO_STORE, ("referrer-policy", "no-referrer")]
    return Answer(status, headers + [("set-cookie", cookie) for cookie in cookies])


def json_answer(status: int, content: Any, *headers: tuple[str, str], media_type: str = "application/json") -> Answer:
    """Answer a program."""
    body = msgspec.json.encode(content)
    return Answer(status, [("content-type", media_type), NO_STORE, *headers], body)


def plain(status: int, text: str) -> Answer:
    """Answer with one line of text."""
    return Answer(status, [("content-type", "text/plain; charset=utf-8"), NO_STORE], text.encode() + b"\n")
