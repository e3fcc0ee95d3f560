"""A body is read to its end before an answer that does not depend on it, or the answer says that the connection ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.authzen_asking import scope_of

from ostiary.gateway.decider import bodies
from ostiary.gateway.decider.answers import Answer, plain
from ostiary.gateway.decider.bodies import DRAIN_BYTES, Body

CLOSE = ("connection", "close")


class Arriving:
    """A body on its way; knows how much of it was taken. `stalls` after its parts, where it shall."""

    def __init__(self, *parts: bytes, stalls: bool = False) -> None:
        self.parts = parts
        self.taken = 0
        self.stalls = stalls

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += len(part)
            yield part
        if self.stalls:
            await asyncio.get_running_loop().create_future()


def ended(arriving: Any, *headers: tuple[str, str], taking: int = 0) -> Answer:
    """Take some parts, then refuse."""

    async def run() -> Answer:
        body = Body(scope_of("POST", "/", list(headers)), arriving)
        if taking:
            number = 0
            async for _ in body:
                number += 1
                if number == taking:
                    break
        return await body.end(plain(401, "No."))

    return asyncio.run(run())


@pytest.mark.parametrize("headers", [(), (("content-length", "0"),)])
def test_where_there_is_no_body_nothing_is_waited_for(headers: tuple[tuple[str, str], ...]) -> None:
    arriving = Arriving(stalls=True)
    assert CLOSE not in ended(arriving, *headers).headers


def test_a_short_body_is_read_and_the_connection_stays() -> None:
    arriving = Arriving(b"a" * 10, b"b" * 10)
    assert CLOSE not in ended(arriving, ("content-length", "20")).headers
    assert arriving.taken == 20


def test_a_body_that_was_read_stays_read() -> None:
    assert CLOSE not in ended(Arriving(b"a", b"b"), ("content-length", "2"), taking=3).headers


@pytest.mark.parametrize(
    "header",
    [
        ("content-length", str(DRAIN_BYTES + 1)),
        ("content-length", "9" * 400),
        ("content-length", "-1"),
        ("content-length", "²"),
        ("transfer-encoding", "chunked"),
    ],
)
def test_a_long_body_is_left_and_the_answer_says_so(header: tuple[str, str]) -> None:
    arriving = Arriving(b"a", stalls=True)
    assert CLOSE in ended(arriving, header).headers
    assert arriving.taken == 0


def test_a_body_that_was_begun_is_left_where_it_is() -> None:
    arriving = Arriving(b"a", b"b", stalls=True)
    assert CLOSE in ended(arriving, ("content-length", "2"), taking=1).headers
    assert arriving.taken == 1


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "DRAIN_SECONDS", 0.01)
    assert CLOSE in ended(Arriving(b"a", stalls=True), ("content-length", "2")).headers
