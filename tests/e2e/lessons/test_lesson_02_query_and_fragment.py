"""Lesson 2: what stands in a query or behind a fragment sign is no path."""

import pytest
from tests.running_instance import Client, RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("files")


def ask(ada: Client, target: str) -> object:
    cookie = ada.browser.cookie_header(ada.running.host("files"))
    return ada.running.raw_path("files", target, f"Cookie: {cookie}")


@pytest.mark.parametrize(
    "target",
    [
        "/private?x=/public/x",
        "/private?/public/x",
        "/private?/../public/x",
        "/private%23/public/x",
        "/private#/public/x",
        "/private#/../public/x",
        "/private%3F/../public/x/../../private",
        "/private%3f/public/x",
        "?/public/x",
        "/?/public/x",
        "/;/public/x",
        "/public/x%23/../../private",
        "/public/x%3F/../../private",
    ],
)
def test_a_path_is_not_found_in_a_query(ada: Client, target: str) -> None:
    before = ada.running.echo.requests.total()
    answer = ask(ada, target)
    assert answer.status in {400, 403, 404}
    assert ada.running.echo.requests.total() == before


def test_an_open_path_keeps_its_query(ada: Client) -> None:
    answer = ask(ada, "/public/x?y=/private&z=%23#")
    assert answer.status == 400, "a fragment never travels in a request"
    answer = ask(ada, "/public/x?y=/private&z=%23")
    assert reached(answer)
    assert answer.json()["target"] == "/public/x?y=/private&z=%23"
