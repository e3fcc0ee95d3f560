"""Decisions for Caddy, Traefik and nginx; and that our own data plane's door believes no forwarding header."""

from collections.abc import Iterator

import pytest
from tests.decider_company import ANNA, House, Reply, company, open_house

NETWORK = """\
version: 1
rules:
  - name: from-the-office
    allow: group:staff
    to: app:wiki
    do: any
    when:
      networks: [192.0.2.0/24]
"""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(company()) as opened:
        yield opened


def forwarded(
    uri: str, *, host: str = "wiki.example.test", method: str = "GET", address: str = "192.0.2.7"
) -> list[tuple[str, str]]:
    return [
        ("x-forwarded-method", method),
        ("x-forwarded-host", host),
        ("x-forwarded-uri", uri),
        ("x-forwarded-for", address),
        ("x-forwarded-proto", "https"),
    ]


def original(
    uri: str, *, host: str = "wiki.example.test", method: str = "GET", address: str = "192.0.2.7"
) -> list[tuple[str, str]]:
    names = {
        "x-forwarded-uri": "x-original-uri",
        "x-forwarded-host": "x-original-host",
        "x-forwarded-method": "x-original-method",
    }
    items = forwarded(uri, host=host, method=method, address=address)
    return [(names.get(name, name), value) for name, value in items]


FORMS = {"caddy": forwarded, "traefik": forwarded, "nginx": original}


def ask(
    house: House, proxy: str, uri: str, *, cookies: str = "", more: tuple[tuple[str, str], ...] = (), **facts: str
) -> Reply:
    items = [("host", "127.0.0.1:9100"), *FORMS[proxy](uri, **facts), *more]
    if cookies:
        items.append(("cookie", cookies))
    return house.send(f"/forward-auth/{proxy}", items, proxy=True)


BROWSER = (("sec-fetch-mode", "navigate"), ("accept", "text/html"))


@pytest.mark.parametrize("proxy", FORMS)
def test_an_allowed_request_passes_with_what_the_app_needs(house: House, proxy: str) -> None:
    reply = ask(house, proxy, "/page?q=1", cookies=f"theme=dark; {house.cookie(ANNA, 'wiki')}; lang=en")
    assert reply.status == 200
    assert reply.one("remote-user") == "anna@example.test"
    assert reply.one("x-ostiary-assertion")
    assert reply.one("cookie") == "theme=dark; lang=en"
    assert not reply.all("set-cookie")
    event = house.events()[-1]
    assert event["http_request"]["url"]["hostname"] == "wiki.example.test"
    assert event["src_endpoint"]["ip"] == "192.0.2.7"


@pytest.mark.parametrize("proxy", FORMS)
def test_no_cookies_are_left_when_only_ours_were_there(house: House, proxy: str) -> None:
    assert not ask(house, proxy, "/", cookies=house.cookie(ANNA, "wiki")).all("cookie")


@pytest.mark.parametrize(("proxy", "status"), [("caddy", 302), ("traefik", 302), ("nginx", 401)])
def test_a_browser_is_sent_to_sign_in(house: House, proxy: str, status: int) -> None:
    reply = ask(house, proxy, "/page?q=1", more=BROWSER)
    assert reply.status == status
    assert reply.one("location").startswith("https://id.example.test/continue?app=wiki&bind=")
    assert reply.one("location").endswith("&return=%2Fpage%3Fq%3D1")
    assert reply.one("set-cookie").startswith("__Host-ostiary-begin=")


@pytest.mark.parametrize(("proxy", "status"), [("caddy", 404), ("traefik", 404), ("nginx", 403)])
def test_unknown_hosts_are_refused(house: House, proxy: str, status: int) -> None:
    assert ask(house, proxy, "/", host="evil.test", cookies=house.cookie(ANNA, "wiki")).status == status


@pytest.mark.parametrize("proxy", FORMS)
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "//private",
        "/public/../private",
        "/public/%2e%2e/private",
        "/public/..;/private",
        "/public%2f..%2fprivate",
        "/public%5c..%5cprivate",
        "/private?x=/public/a",
        "/private%23/public/a",
        "/private%3f/public/a",
        "/public%00",
        "/public/%ff",
        "relative",
        "http://[",
    ],
)
def test_a_path_that_proxy_and_app_could_read_differently_is_refused(house: House, proxy: str, uri: str) -> None:
    reply = ask(house, proxy, uri, host="files.example.test", cookies=house.cookie(ANNA, "files"))
    assert reply.status in {400, 403}
    assert not reply.all("x-ostiary-assertion")


@pytest.mark.parametrize("proxy", FORMS)
def test_the_absolute_form_is_read_as_what_it_asks_for(house: House, proxy: str) -> None:
    for uri, passes in (("https://files.example.test/public/a?b=c", True), ("https://files.example.test/x", False)):
        reply = ask(house, proxy, uri, host="files.example.test", cookies=house.cookie(ANNA, "files"))
        assert (reply.status == 200) is passes


@pytest.mark.parametrize("proxy", FORMS)
@pytest.mark.parametrize(
    "authority", ["evil.test", "wiki.example.test", "files.example.test:x", "u@files.example.test"]
)
def test_a_target_for_another_host_is_refused(house: House, proxy: str, authority: str) -> None:
    uri = f"https://{authority}/public/a"
    assert ask(house, proxy, uri, host="files.example.test", cookies=house.cookie(ANNA, "files")).status in {403, 404}


@pytest.mark.parametrize("proxy", FORMS)
def test_a_header_the_proxy_does_not_send_is_a_refusal(house: House, proxy: str) -> None:
    for missing in range(3):
        items = FORMS[proxy]("/")
        del items[missing]
        items.append(("cookie", house.cookie(ANNA, "wiki")))
        assert house.send(f"/forward-auth/{proxy}", items, proxy=True).status != 200


def test_the_address_is_the_one_the_proxy_itself_saw() -> None:
    with open_house(company(rules=NETWORK)) as house:
        cookies = house.cookie(ANNA, "wiki")
        assert ask(house, "caddy", "/", cookies=cookies).status == 200
        assert ask(house, "caddy", "/", cookies=cookies, address="198.51.100.1, 192.0.2.9").status == 200
        for address in ("198.51.100.1", "192.0.2.7, 198.51.100.1", "", "garbage", "192.0.2.7,"):
            assert ask(house, "caddy", "/", cookies=cookies, address=address).status == 403, address
        spoofed = (("x-ostiary-client", "192.0.2.7"), ("x-ostiary-peer", "192.0.2.7:1"), ("x-real-ip", "192.0.2.7"))
        assert ask(house, "caddy", "/", cookies=cookies, address="198.51.100.1", more=spoofed).status == 403


def test_our_own_data_planes_door_believes_no_forwarding_header() -> None:
    with open_house(company(rules=NETWORK)) as house:
        forged = {
            name.replace("-", "_"): "192.0.2.7"
            for name in ("x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "x-original-host")
        }
        forged |= {"x_forwarded_host": "payroll.example.test", "x_forwarded_uri": "/x", "x_original_uri": "/y"}
        items = [
            ("host", "wiki.example.test"),
            ("x-ostiary-client", "198.51.100.1"),
            ("cookie", house.cookie(ANNA, "wiki")),
            *((name.replace("_", "-"), value) for name, value in forged.items()),
        ]
        reply = house.send("/check/page", items)
        assert reply.problem["reason"] == "conditions_unmet"
        url = house.events()[-1]["http_request"]["url"]
        assert (url["hostname"], url["path"]) == ("wiki.example.test", "/page")
        assert house.events()[-1]["src_endpoint"]["ip"] == "198.51.100.1"


def test_own_pages_work_behind_other_proxies(house: House) -> None:
    reply = house.send("/.ostiary/sign-out", [("host", "wiki.example.test")], proxy=True)
    assert reply.status == 200
