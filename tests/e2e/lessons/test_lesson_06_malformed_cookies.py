"""Lesson 6: a malformed, doubled or oversized cookie is no session, is never passed on unauthenticated, and breaks nothing."""

import pytest
from tests.running_instance import Client, RunningInstance, reached, received

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]

OURS = "__Host-ostiary-session"
GRANT = "__Host-ostiary-grant"
GARBAGE = (
    "",
    "=",
    ".",
    "..",
    "a.b.c",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.",
    "eyJ" * 3000,
    "\x80\xff\xfe",
    '"quoted"',
    "null",
    "%00",
    "x" * 20_000,
    "{}",
    "é",
)


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki")


def refused(ada: Client, cookie: str) -> None:
    before = ada.running.echo.requests.total()
    answer = ada.running.raw_path("wiki", "/", f"Cookie: {cookie}")
    assert answer.status in {400, 401, 431}, answer
    assert ada.running.echo.requests.total() == before


@pytest.mark.parametrize("value", GARBAGE)
@pytest.mark.parametrize("name", [OURS, GRANT, "__Host-ostiary-begin"])
def test_garbage_is_no_session(ada: Client, name: str, value: str) -> None:
    refused(ada, f"{name}={value}")
    refused(ada, f"a=1; {name}={value}; b=2; {name}")


def test_two_sessions_are_none(ada: Client) -> None:
    good = ada.cookies("wiki")[OURS]
    refused(ada, f"{OURS}=x; {OURS}={good}")
    refused(ada, f"{OURS}={good}; {OURS}=x")
    refused(ada, f"{OURS}={good}; {OURS}={good}")
    lines = ["GET / HTTP/1.1", "Host: {authority}", f"Cookie: {OURS}=x", f"Cookie: {OURS}={good}", "", ""]
    assert ada.running.raw("wiki", "\r\n".join(lines).encode()).status == 401


def test_a_session_that_was_tampered_with_is_none(ada: Client) -> None:
    good = ada.cookies("wiki")[OURS]
    head, body, signature = good.split(".")
    for spoilt in (
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-3]}AAA",
        f"{head}.{body[:-2]}A.{signature}",
        good * 2,
    ):
        refused(ada, f"{OURS}={spoilt}")


def test_thousands_of_our_cookies_break_nothing(ada: Client) -> None:
    good = ada.cookies("wiki")[OURS]
    many = "; ".join(f"__Host-ostiary-{number}=x" for number in range(1200))
    answer = ada.running.raw_path("wiki", "/", f"Cookie: {many}; {OURS}={good}; mine=1")
    assert answer.status in {200, 400, 431}
    if answer.status == 200:
        assert received(answer, "cookie") in ([], [""], ["mine=1"])
    refused(ada, many)


def test_a_grant_that_is_garbage_leaves_the_decision_to_the_session(ada: Client) -> None:
    good = ada.cookies("wiki")[OURS]
    for value in ("x", "a.b.c", ""):
        answer = ada.running.raw_path("wiki", "/", f"Cookie: {GRANT}={value}; {OURS}={good}; mine=1")
        assert reached(answer)
        assert received(answer, "cookie") == ["mine=1"]


def test_our_cookies_never_reach_the_app(ada: Client) -> None:
    good = ada.cookies("wiki")[OURS]
    for cookie in (f"a=1; {OURS}={good}; b=2", f"{OURS}={good}; a=1; b=2", f"a=1; b=2; {OURS}={good}"):
        answer = ada.running.raw_path("wiki", "/", f"Cookie: {cookie}")
        assert received(answer, "cookie") == ["a=1; b=2"]
