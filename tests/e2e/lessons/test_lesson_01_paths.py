"""Lesson 1: what is decided on is what is forwarded. No spelling of a path opens what its plain spelling does not."""

from urllib.parse import unquote

import pytest
from tests.running_instance import Client, RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]

CLOSED = (
    "/admin",
    "//admin",
    "/public/../admin",
    "/public/..//admin",
    "/public/..;/admin",
    "/public/..;a=b/admin",
    "/public;/../admin",
    "/public/%2e%2e/admin",
    "/public/%2E./admin",
    "/public/.%2e/admin",
    "/public%2f..%2fadmin",
    "/public%2F%2e%2e%2Fadmin",
    "/public/..%2fadmin",
    "/public/..%5cadmin",
    "/public/..%5Cadmin",
    "/public\\..\\admin",
    "/public/..\\admin",
    "/public/%252e%252e/admin",
    "/public/%252e%252e%252fadmin",
    "/public/%c0%ae%c0%ae/admin",
    "/public/%00/../admin",
    "/public/x%00/../../admin",
    "/public/%0d%0a/../../admin",
    "/public/./../admin",
    "/public/x/../../admin",
    "/Public/x",
    "/PUBLIC/../public/../admin",
    "/%61dmin",
    "/publicadmin",
    "/public../admin",
    "/admin;/public/x",
    "/admin/..;/public/../admin",
)
OPEN = (
    ("/public/x", "/public/x"),
    ("//public/x", "/public/x"),
    ("/public//x", "/public/x"),
    ("/public/y/../x", "/public/x"),
    ("/admin/../public/x", "/public/x"),
    ("/admin/%2e%2e/public/x", "/public/x"),
    ("/public/a%20b", "/public/a%20b"),
    ("/public/x?from=/admin", "/public/x?from=/admin"),
)


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("files")


def cookie(ada: Client) -> str:
    return f"Cookie: {ada.browser.cookie_header(ada.running.host('files'))}"


@pytest.mark.parametrize("target", CLOSED)
def test_no_spelling_opens_what_is_closed(ada: Client, target: str) -> None:
    before = ada.running.echo.requests.total()
    answer = ada.running.raw_path("files", target, cookie(ada))
    assert answer.status in {400, 403, 404}, answer
    assert ada.running.echo.requests.total() == before


@pytest.mark.parametrize(("target", "seen"), OPEN)
def test_what_is_open_opens_and_is_logged_as_the_app_received_it(ada: Client, target: str, seen: str) -> None:
    answer = ada.running.raw_path("files", target, cookie(ada))
    assert reached(answer), answer
    assert answer.json()["target"] == seen
    last = ada.running.decisions()[-1]
    assert last["http_request"]["url"]["path"] == unquote(seen.partition("?")[0])


def test_the_access_log_names_the_paths_that_the_app_received(ada: Client) -> None:
    for target, _ in OPEN:
        assert reached(ada.running.raw_path("files", target, cookie(ada)))
    wanted = {seen.partition("?")[0] for _, seen in OPEN}
    ada.running.eventually(
        lambda: wanted <= {entry.get("path") for entry in ada.running.access_log() if entry["status"] == 200},
        "the access log names the paths",
    )


def test_the_same_over_http2(ada: Client) -> None:
    mine = ("cookie", ada.browser.cookie_header(ada.running.host("files")))
    for target in CLOSED:
        assert ada.running.http2_get("files", target, mine).status in {0, 400, 403, 404}, target
    assert ada.running.http2_get("files", "/public/x", mine).status == 200
