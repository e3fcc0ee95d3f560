"""Lesson 8: wherever a sign-in, a step-up or a code leads, it stays on this instance's own hosts."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest
from tests.running_instance import Client, RunningInstance, location

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
BIND = "A" * 43
EVIL = (
    "//evil.test",
    "///evil.test/",
    "/\\evil.test",
    "\\\\evil.test",
    "/\t/evil.test",
    "/%09/evil.test",
    "/%2f%2fevil.test",
    "/%5cevil.test",
    "/%5C%5Cevil.test",
    "https://evil.test",
    "https:evil.test",
    "http:///evil.test",
    "https://wiki.corp.localhost.evil.test/",
    "https://wiki.corp.localhost@evil.test/",
    "https://wiki.corp.localhost%00.evil.test/",
    "@evil.test",
    ".evil.test",
    ":443@evil.test/",
    "javascript:alert(1)",
    "data:text/html,<script>",
    " //evil.test",
    "\u3000//evil.test",
    "/\r\nLocation: https://evil.test",
    "/%0d%0aLocation:%20https://evil.test",
    "/x\r\nSet-Cookie: __Host-ostiary-session=evil",
    "//%E3%80%82evil.test",
    "/..//evil.test",
    "/x/../..//evil.test",
)


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki")


def at_home(ada: Client, url: str) -> bool:
    """Say whether a browser that is sent to `url` stays here."""
    parts = urlsplit(url)
    own = {ada.running.host(name) for name in ("id", "wiki", "vault", "payroll")}
    odd = any(character in url for character in "\\\r\n\t ")
    return parts.scheme == "https" and parts.hostname in own and parts.port == ada.running.https_port and not odd


def landing(ada: Client, url: str) -> str:
    """Return the path where a browser would end up on that host."""
    return urlsplit(url).path


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_leads_away(ada: Client, evil: str) -> None:
    there = quote(evil, safe="")
    for path in (
        f"/sign-in?next={there}",
        f"/prove?next={there}",
        f"/back?app=wiki&return={there}",
        f"/continue?app=wiki&bind={BIND}&return={there}",
        f"/step-up?need=any&app=wiki&return={there}",
        f"/continue?app={there}&bind={BIND}&return=/",
        f"/back?app={there}&return=/",
    ):
        answer = ada.get("id", path)
        assert answer.status_code < 500, path
        assert "evil" not in " ".join(answer.headers.get_list("set-cookie")), path
        assert answer.headers.get("location", "") == "" or at_home(ada, location(answer)), (path, answer.headers)
        assert not landing(ada, location(answer)).startswith(("//", "/\\"))


@pytest.mark.parametrize("evil", EVIL)
def test_a_sign_in_ends_on_the_app_that_was_wanted(ada: Client, evil: str) -> None:
    """The whole way, as a browser goes it: begin at the app, continue with an evil return, finish at the app."""
    fresh = ada.running.client()
    begun = fresh.get("wiki", "/page")
    bind = parse_qs(urlsplit(location(begun)).query)["bind"][0]
    code = ada.get("id", f"/continue?app=wiki&bind={bind}&return={quote(evil, safe='')}")
    assert location(code).startswith(ada.running.url("wiki", "/.ostiary/callback?code="))
    finished = fresh.browser.send("GET", location(code))
    assert finished.status_code == 303
    assert at_home(ada, location(finished))
    assert urlsplit(location(finished)).hostname == ada.running.host("wiki")
    assert not landing(ada, location(finished)).startswith(("//", "/\\"))


def test_the_page_that_was_wanted_is_where_one_lands(ada: Client) -> None:
    fresh = ada.running.client()
    begun = fresh.get("wiki", "/page/%C3%A9?x=1&y=%2F%2Fevil.test")
    code = ada.browser.send("GET", location(begun))
    finished = fresh.browser.send("GET", location(code))
    assert location(finished) == ada.running.url("wiki", "/page/%C3%A9?x=1&y=%2F%2Fevil.test")
    assert fresh.browser.send("GET", location(finished)).json()["target"].startswith("/page/%C3%A9?x=1")


@pytest.mark.parametrize("target", ["//evil.test", "/\\evil.test", "/%5c%5cevil.test", "/x//evil.test"])
def test_what_a_browser_asked_for_is_no_way_out_either(ada: Client, target: str) -> None:
    answer = ada.running.raw_path("wiki", target, "Accept: text/html", "Sec-Fetch-Mode: navigate")
    where = dict(answer.headers).get("location", "")
    assert answer.status == 400 or (answer.status == 302 and where.startswith(ada.running.url("id", "/continue?")))
    assert not parse_qs(urlsplit(where).query).get("return", ["/"])[0].startswith(("//", "/\\"))


def test_plain_http_redirects_to_the_same_host_only(ada: Client) -> None:
    import http.client

    for host, expected in (
        (ada.running.host("wiki"), 308),
        ("evil.test", 421),
        (f"{ada.running.host('wiki')}.evil.test", 421),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", ada.running.http_port, timeout=60)
        connection.request("GET", "//evil.test/x", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected, host
        if expected == 308:
            assert urlsplit(answer.headers["location"]).hostname == ada.running.host("wiki")
        connection.close()
