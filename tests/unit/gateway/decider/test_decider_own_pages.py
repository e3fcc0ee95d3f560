"""Our own pages on an app's host: sign-out, styles, keys; and what only the machine itself may see."""

import json
import re
from collections.abc import Iterator

import pytest
from tests.decider_company import ANNA, House, company, open_house

PAGE = {"origin": "https://wiki.example.test", "sec_fetch_site": "same-origin"}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(company()) as opened:
        yield opened


def test_signing_out_takes_every_cookie_of_the_app(house: House) -> None:
    reply = house.own("wiki", "/.ostiary/sign-out", method="POST", cookies=house.cookie(ANNA, "wiki"), **PAGE)
    assert reply.status == 200
    assert sorted(cookie.partition("=")[0] for cookie in reply.all("set-cookie")) == [
        "__Host-ostiary-begin",
        "__Host-ostiary-grant",
        "__Host-ostiary-session",
    ]
    assert all("; Max-Age=0" in cookie for cookie in reply.all("set-cookie"))
    assert "https://id.example.test/sign-out" in reply.text


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", PAGE),
        ("POST", {}),
        ("POST", {"origin": "null"}),
        ("POST", {"origin": "https://evil.test"}),
        ("POST", {"origin": "https://wiki.example.test.evil.test"}),
        ("POST", {"origin": "http://wiki.example.test"}),
        ("POST", {"origin": "https://payroll.example.test", "sec_fetch_site": "same-site"}),
        ("POST", {"origin": "https://wiki.example.test", "sec_fetch_site": "cross-site"}),
        ("DELETE", PAGE),
    ],
)
def test_nobody_is_signed_out_by_another_site(house: House, method: str, headers: dict[str, str]) -> None:
    reply = house.own("wiki", "/.ostiary/sign-out", method=method, **headers)
    assert reply.status in {200, 403}
    assert not reply.all("set-cookie")
    assert '<form method="post" action="/.ostiary/sign-out">' in reply.text


def test_every_file_a_page_names_is_served_and_no_other(house: House) -> None:
    page = house.own("wiki", "/.ostiary/sign-out").text
    named = re.findall(r'(?:href|src)="(/\.ostiary/static/[^"]+)"', page)
    assert len(named) == 4
    for path in named:
        reply = house.own("wiki", path)
        assert reply.status == 200
        assert reply.body
        assert reply.one("content-type").startswith(("text/css", "image/svg+xml"))
    styles = b"".join(house.own("wiki", path).body for path in named if ".css" in path)
    assert b"url(" not in styles.replace(b"url(data:", b"")
    for path in ("", "../tokens.css", "..%2f..", "console.js", "tokens.css/", "TOKENS.CSS", "/etc/passwd"):
        assert house.own("wiki", f"/.ostiary/static/{path}").status == 404
    assert house.own("wiki", "/.ostiary/static/tokens.css", method="POST").status == 404


def test_keys_are_published_and_may_be_kept_a_while(house: House) -> None:
    reply = house.own("wiki", "/.well-known/ostiary/jwks.json")
    assert reply.one("cache-control") == "public, max-age=300"
    (key,) = json.loads(reply.body)["keys"]
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert "d" not in key


def test_the_machine_sees_health_and_metrics(house: House) -> None:
    house.ask("wiki", cookies=house.cookie(ANNA, "wiki"))
    reply = house.send("/health", [])
    health = json.loads(reply.body)
    assert reply.status == 200
    assert health["decides"] is True
    assert health["generation"] == 1
    assert health["alarms"] == []
    metrics = house.send("/metrics", []).text
    assert 'ostiary_decisions_total{app="wiki",reason="allowed"}' in metrics
    assert 'ostiary_decision_seconds_bucket{le="+Inf"}' in metrics


@pytest.mark.parametrize("path", ["/health", "/metrics", "/check/", "/check", "/forward-auth/other"])
def test_other_proxies_see_neither_nor_our_data_planes_door(house: House, path: str) -> None:
    headers = [("host", "wiki.example.test"), ("cookie", house.cookie(ANNA, "wiki"))]
    assert house.send(path, headers, proxy=True).status == 404


def test_anything_else_is_nothing(house: House) -> None:
    for path in ("/", "/.ostiary/", "/.ostiary/callback/x", "/debug", "/forward-auth/caddy"):
        assert house.own("wiki", path).status == 404


def test_names_are_text_wherever_they_stand() -> None:
    configuration = 'domain = "example.test"\norganisation = "<b>Ex & Co</b>"\ncontact = "\\"><script>"\n'
    with open_house(company(), configuration) as house:
        page = house.own("wiki", "/.ostiary/sign-out").text
        assert "<script>" not in page
        assert "<b>Ex" not in page
        assert "&lt;b&gt;Ex &amp; Co" in page


def test_health_says_when_nothing_is_decided() -> None:
    with open_house() as house:
        reply = house.send("/health", [])
        assert reply.status == 503
        assert json.loads(reply.body)["decides"] is False
        assert "ostiary_alarm" in house.send("/metrics", []).text
