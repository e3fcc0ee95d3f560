"""Whatever arrives at the decision service: never an exception, never a passage without a session."""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.decider_company import ANNA, House, company, open_house

from ostiary.gateway.decider.cookies import PREFIX, read_cookies
from ostiary.gateway.decider.paths import MalformedPath, PathTooLong, local_path, readings
from ostiary.gateway.decider.reference import spell
from ostiary.visibility.domain.reference import format_reference

TEXT = st.text(max_size=60)
PATHS = st.one_of(
    TEXT.map(lambda text: "/" + text),
    st.lists(
        st.sampled_from(["..", ".", "", "a", "%2e", "%2f", ";", ";x", "#", "?", "\\", "\x00", "ü", "%25"]), max_size=8
    ).map(lambda parts: "/" + "/".join(parts)),
    TEXT,
)
METHODS = st.one_of(st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "CONNECT", "PROPFIND", "get", ""]), TEXT)
NAMES = st.sampled_from(
    [
        "host",
        "cookie",
        "accept",
        "sec-fetch-mode",
        "content-type",
        "upgrade",
        "user-agent",
        "origin",
        "x-ostiary-app",
        "x-ostiary-peer",
        "x-ostiary-client",
        "x-ostiary-stream",
        "x-request-id",
        "x-forwarded-host",
        "x-forwarded-uri",
        "x-forwarded-method",
        "x-forwarded-for",
        "x-original-uri",
        "x-original-host",
        "x-original-method",
    ]
)
COOKIES = st.lists(
    st.tuples(
        st.sampled_from([f"{PREFIX}session", f"{PREFIX}grant", f"{PREFIX}begin", "a", PREFIX, ""]),
        st.one_of(TEXT, st.sampled_from(["eyJhbGciOiJub25lIn0.e30.", "a.b.c", "b" * 43, '"', "="])),
    ),
    max_size=5,
).map(lambda pairs: "; ".join(f"{name}={value}" for name, value in pairs))
VALUES = st.one_of(
    TEXT,
    COOKIES,
    st.sampled_from(
        ["wiki.example.test", "files.example.test:443", "navigate", "text/html", "192.0.2.7", "::1", "/page"]
    ),
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=12)
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(company()) as opened:
        yield opened


@given(path=PATHS, method=METHODS, headers=HEADERS, query=TEXT)
@RELAXED
def test_nobody_passes_without_a_session(house: House, path: str, method: str, headers: list, query: str) -> None:
    for door, proxy in (("/check", False), ("/forward-auth/caddy", True), ("/forward-auth/nginx", True)):
        target = door + path if not proxy else door
        reply = house.send(
            target.replace("?", ""), [("host", "wiki.example.test"), *headers], method, proxy=proxy, query=query
        )
        assert reply.status in {302, 400, 401, 403, 404, 414}
        assert not reply.all("x-ostiary-assertion")
        assert all(cookie.startswith("__Host-ostiary-begin=") for cookie in reply.all("set-cookie"))
        for location in reply.all("location"):
            assert urlsplit(location).netloc == "id.example.test"


@given(path=PATHS, headers=HEADERS, query=TEXT)
@RELAXED
def test_a_person_passes_only_where_a_rule_lets_them(house: House, path: str, headers: list, query: str) -> None:
    items = [*headers, ("host", "files.example.test"), ("cookie", house.cookie(ANNA, "files"))]
    reply = house.send(("/check" + path).replace("?", ""), items, query=query)
    if reply.status == 200:
        asked = ("/check" + path).replace("?", "").removeprefix("/check")
        assert asked.startswith("/public/")
        assert ".." not in unquote(unquote(asked)).split("/")
    else:
        assert not reply.all("x-ostiary-assertion")


@given(path=PATHS, headers=HEADERS, query=st.one_of(TEXT, TEXT.map(lambda code: f"code={code}")))
@RELAXED
def test_our_own_pages_give_nobody_anything(house: House, path: str, headers: list, query: str) -> None:
    for own in (
        "/.ostiary/callback",
        "/.ostiary/sign-out",
        "/.ostiary/static" + path,
        "/.well-known/ostiary/jwks.json",
    ):
        reply = house.send(own.replace("?", ""), [("host", "wiki.example.test"), *headers], query=query)
        assert reply.status in {200, 303, 400, 403, 404, 405}
        assert not [cookie for cookie in reply.all("set-cookie") if "=;" not in cookie]


@given(text=st.one_of(PATHS, TEXT, st.from_regex(r"[/\\.%:@a-z0-9]{1,30}", fullmatch=True)))
def test_a_return_path_stays_on_its_host(text: str) -> None:
    path = local_path(text)
    assert path in {"/", text}
    parts = urlsplit("https://wiki.example.test" + path)
    assert parts.netloc == "wiki.example.test"
    assert not path.startswith(("//", "/\\"))
    assert path.isascii()
    assert path.isprintable()
    assert " " not in path


@given(path=PATHS)
def test_every_reading_is_a_path_without_ways_out(path: str) -> None:
    try:
        found = readings(path)
    except (MalformedPath, PathTooLong):
        return
    assert found[0] == path
    for reading in found:
        assert reading.startswith("/")
        assert not {"..", "."} & set(reading.split("/"))
        assert "//" not in reading
        assert "\\" not in reading
        assert set(readings(reading)) <= set(found)


@given(header=COOKIES)
def test_our_cookies_never_reach_the_app(header: str) -> None:
    found = read_cookies(header)
    assert PREFIX not in found.others.replace(f"={PREFIX}", "") or not found.ours
    assert not any(part.strip().startswith(PREFIX) for part in found.others.split(";"))


@given(entropy=st.binary(min_size=7, max_size=7))
def test_quick_references_are_references(entropy: bytes) -> None:
    assert spell(entropy) == format_reference(entropy)
