"""Lesson 7: one host, one app. No other spelling, port, case or connection name reaches an app it was not decided for."""

import pytest
from tests.running_instance import DOMAIN, Client, RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki")


def cookie(ada: Client) -> str:
    return f"Cookie: {ada.browser.cookie_header(ada.running.host('wiki'))}"


@pytest.mark.parametrize(
    "host",
    [
        f"wiki.{DOMAIN}.",
        f"wiki.{DOMAIN}.:{{port}}",
        f"a.wiki.{DOMAIN}",
        f"wiki.{DOMAIN}:1",
        f"wiki.{DOMAIN}:{{port}}0",
        f"wiki.{DOMAIN}:{{port}} ",
        f"wiki.{DOMAIN}:",
        f"wiki.{DOMAIN}@payroll.{DOMAIN}",
        f"payroll.{DOMAIN}:{{port}}",
        f"payroll.{DOMAIN}",
        f"id.{DOMAIN}:{{port}}",
        f"admin.{DOMAIN}:{{port}}",
        f"WIKI.{DOMAIN}.example",
        "127.0.0.1",
        "[::1]",
        "wiki",
        "",
        "wiki%2ecorp.localhost",
    ],
)
def test_another_host_on_this_connection_gets_nothing(ada: Client, host: str) -> None:
    before = ada.running.echo.requests.total()
    name = host.replace("{port}", str(ada.running.https_port))
    request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n{cookie(ada)}\r\n\r\n"
    answer = ada.running.raw("wiki", request.encode())
    if name.strip() == f"wiki.{DOMAIN}:{ada.running.https_port}":
        assert reached(answer), "white space around a value does not count"
        return
    assert answer.status in {400, 404, 421}, answer
    assert ada.running.echo.requests.total() == before


@pytest.mark.parametrize("sni", ["payroll", "id", "admin", "files"])
def test_a_connection_for_another_name_serves_no_other_host(ada: Client, sni: str) -> None:
    request = f"GET / HTTP/1.1\r\nHost: {{authority}}\r\n{cookie(ada)}\r\n\r\n".encode()
    assert ada.running.raw("wiki", request, sni=ada.running.host(sni)).status == 421
    assert ada.running.raw("wiki", request, sni="").status == 421


def test_case_makes_no_other_host(ada: Client) -> None:
    request = (
        f"GET / HTTP/1.1\r\nHost: WiKi.{DOMAIN}:{ada.running.https_port}\r\n{cookie(ada)}\r\nConnection: close\r\n\r\n"
    )
    assert reached(ada.running.raw("wiki", request.encode()))


@pytest.mark.parametrize(
    "target", [f"http://payroll.{DOMAIN}/", f"https://wiki.{DOMAIN}/", "//payroll/", f"payroll.{DOMAIN}"]
)
def test_a_request_line_names_no_other_host(ada: Client, target: str) -> None:
    answer = ada.running.raw_path("wiki", target, cookie(ada))
    if target.startswith("//"):
        assert answer.json()["target"] == "/payroll/"
    else:
        assert answer.status in {400, 404, 421}


def test_two_hosts_are_refused(ada: Client) -> None:
    before = ada.running.echo.requests.total()
    for second in (f"Host: payroll.{DOMAIN}", "Host: {authority}"):
        answer = ada.running.raw_path("wiki", "/", second, cookie(ada))
        assert answer.status in {400, 421}
    assert ada.running.echo.requests.total() == before


def test_http2_authority_and_host_must_agree(ada: Client) -> None:
    running = ada.running
    before = running.echo.requests.total()
    mine = ("cookie", ada.browser.cookie_header(running.host("wiki")))
    here = f"wiki.{DOMAIN}:{running.https_port}"
    there = f"payroll.{DOMAIN}:{running.https_port}"

    def ask(*pseudo: tuple[str, str]) -> int:
        return running.http2("wiki", [(":method", "GET"), (":scheme", "https"), *pseudo, mine]).status

    assert ask((":authority", there), (":path", "/")) in {0, 400, 421}
    assert ask((":authority", f"{here}."), (":path", "/")) in {0, 400, 421}
    assert ask((":authority", f"root@{here}"), (":path", "/")) in {0, 400, 421}
    assert ask((":authority", here), (":authority", there), (":path", "/")) in {0, 400, 421}
    assert ask((":authority", here), (":path", "/"), (":path", "/admin")) in {0, 400}
    assert ask((":authority", here), (":path", "")) in {0, 400, 404}
    assert ask((":authority", here), (":path", f"https://{there}/")) in {0, 400, 404}
    assert running.echo.requests.total() == before
    assert ask((":authority", here), (":path", "/")) == 200
    both = [(":method", "GET"), (":scheme", "https"), (":authority", here), (":path", "/"), ("host", there), mine]
    answer = running.http2("wiki", both)
    assert answer.status in {0, 200, 400, 421}
    if answer.status == 200:
        assert there.encode() not in answer.body


def test_a_grant_or_session_of_one_app_is_none_at_another(ada: Client) -> None:
    for name in ("files", "payroll", "vault", "admin"):
        path = "/public/x" if name == "files" else "/"
        assert ada.running.raw_path(name, path, cookie(ada)).status == 401, name
    assert reached(ada.running.raw_path("wiki", "/", cookie(ada)))
