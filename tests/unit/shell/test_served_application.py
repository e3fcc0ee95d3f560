"""What Granian is told of a request's connection."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ostiary.web.wsgi import DRAIN_BYTES, Application, reads_all


def answering(read: Callable[[Any], object]) -> Application:
    """An application that reads its request's body in one way."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        read(environ["wsgi.input"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"answered"]

    return application


def headers_of(application: Application, body: io.BytesIO, **environ: str) -> dict[str, str]:
    given: dict[str, str] = {}

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        assert status == "200 OK"
        given.update(headers)

    assert list(reads_all(application)({"wsgi.input": body, **environ}, start)) == [b"answered"]
    return given


def unread(body: Any) -> object:
    return body


@pytest.mark.parametrize("length", ["4", "0", "", "many", str(DRAIN_BYTES + 1), "99"])
@pytest.mark.parametrize(
    "read",
    [
        unread,
        lambda body: body.read(3),
        lambda body: body.read(4),
        lambda body: body.readline(),
        lambda body: [body.readline(), body.readline()],
    ],
    ids=["unread", "in part", "exactly", "one line", "line by line"],
)
def test_a_body_is_read_to_its_end_or_the_connection_ends(read: Callable[[Any], object], length: str) -> None:
    body = io.BytesIO(b"a\nbc" if length else b"")
    headers = headers_of(answering(read), body, CONTENT_LENGTH=length)
    assert ("Connection" in headers) is (length in {"many", str(DRAIN_BYTES + 1), "99"})
    assert headers["Content-Type"] == "text/plain"
    if length == "4":
        assert body.tell() == 4


def test_of_a_long_body_nothing_more_is_read() -> None:
    body = io.BytesIO(b"x" * (DRAIN_BYTES + 1))
    assert headers_of(answering(unread), body, CONTENT_LENGTH=str(DRAIN_BYTES + 1))["Connection"] == "close"
    assert body.tell() == 0


def test_a_body_without_length_is_taken_for_unread() -> None:
    assert headers_of(answering(unread), io.BytesIO(), HTTP_TRANSFER_ENCODING="chunked")["Connection"] == "close"
