"""Lesson 21: CONNECT opens no tunnel, and nothing travels undecided behind an upgrade."""

import contextlib

import pytest
from tests.running_instance import Client, RunningInstance, read_answer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki", "files")


def cookie(ada: Client, name: str = "wiki") -> str:
    return f"Cookie: {ada.browser.cookie_header(ada.running.host(name))}"


def exchange(ada: Client, name: str, data: bytes) -> bytes:
    """Send bytes and return everything that comes back until the other side stops or is silent for a while."""
    answer = b""
    with ada.running.connect(name) as connection:
        connection.settimeout(3)
        connection.sendall(data.replace(b"{authority}", f"{ada.running.host(name)}:{ada.running.https_port}".encode()))
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT {authority} HTTP/1.1",
        "CONNECT 127.0.0.1:22 HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "CONNECT /ws HTTP/1.1",
        "CONNECT  HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "CONNECT * HTTP/1.1",
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_connect_opens_no_tunnel(ada: Client, line: str, known: bool) -> None:
    before = ada.running.echo.requests.total()
    head = [line, "Host: {authority}", *([cookie(ada)] if known else []), "", ""]
    data = "\r\n".join(head).encode() + b"GET /inside HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = exchange(ada, "wiki", data)
    assert answer == b"" or answer.split()[1] in {b"400", b"401", b"403", b"404", b"405", b"421"}, answer
    assert ada.running.echo.requests.total() == before


@pytest.mark.parametrize("known", [False, True])
def test_http2_connect_opens_no_tunnel(ada: Client, known: bool) -> None:
    running = ada.running
    mine = [("cookie", ada.browser.cookie_header(running.host("wiki")))] if known else []
    here = f"{running.host('wiki')}:{running.https_port}"
    before = running.echo.requests.total()
    assert running.http2("wiki", [(":method", "CONNECT"), (":authority", here), *mine]).status in {
        0,
        400,
        401,
        403,
        404,
    }
    assert running.http2("wiki", [(":method", "CONNECT"), (":authority", "127.0.0.1:22"), *mine]).status in {
        0,
        400,
        404,
        421,
    }
    for protocol in ("connect-udp", "connect-ip", "tcp", "websocket-not"):
        pseudo = [
            (":method", "CONNECT"),
            (":protocol", protocol),
            (":scheme", "https"),
            (":authority", here),
            (":path", "/x"),
        ]
        assert running.http2("wiki", [*pseudo, *mine]).status in {0, 400, 401, 403, 404}, protocol
    assert running.echo.requests.total() == before


def test_an_http2_websocket_opens_nothing_that_is_not_decided(ada: Client) -> None:
    """Extended CONNECT is not offered; browsers then open a WebSocket over HTTP/1.1."""
    running = ada.running
    here = f"{running.host('files')}:{running.https_port}"
    before = running.echo.requests.total()
    pseudo = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", here)]
    mine = ("cookie", ada.browser.cookie_header(running.host("files")))
    for path in ("/public/x", "/private"):
        for headers in ([], [mine]):
            answer = running.http2("files", [*pseudo, (":path", path), ("sec-websocket-version", "13"), *headers])
            assert answer.status in {0, 400, 401, 403}, path
    assert running.echo.requests.total() == before


def test_a_websocket_opens_for_who_may_and_for_nobody_else(ada: Client) -> None:
    lines = ["GET /ws HTTP/1.1", "Host: {authority}", *UPGRADE]
    stranger = exchange(ada, "wiki", "\r\n".join([*lines, "", ""]).encode())
    assert stranger.split()[1] == b"401"
    known = "\r\n".join([*lines, cookie(ada), "", ""]).replace(
        "{authority}", f"{ada.running.host('wiki')}:{ada.running.https_port}"
    )
    with ada.running.connect("wiki") as connection:
        connection.settimeout(60)
        connection.sendall(known.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize("way", ["refused", "stranger", "not an upgrade for the app"])
def test_what_is_pipelined_behind_an_upgrade_is_never_passed_on(ada: Client, way: str) -> None:
    """If the upgrade is not granted, what follows it is at most a request of its own, and decided as such."""
    name = {"refused": "files", "stranger": "wiki"}.get(way, "wiki")
    path = "/private" if way == "refused" else "/plain"
    who = [] if way == "stranger" else [cookie(ada, name)]
    first = "\r\n".join([f"GET {path} HTTP/1.1", "Host: {authority}", *UPGRADE, *who, "", ""])
    second = "GET /smuggled HTTP/1.1\r\nHost: {authority}\r\nX-Ostiary-Assertion: forged\r\n\r\n"
    before = ada.running.echo.requests["/smuggled"]
    answer = exchange(ada, name, (first + second).encode())
    assert b"/smuggled" not in answer
    assert ada.running.echo.requests["/smuggled"] == before


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 0", "Content-Length: 44"],
        ["Content-Length: 44", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: identity, chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding:\x0bchunked"],
        ["Content-Length: +44"],
        ["Content-Length: 0x2c"],
        ["Content-Length: -1"],
        ["Content-Length: 4 4"],
    ],
)
def test_no_request_hides_in_the_body_of_another(ada: Client, lines: list[str]) -> None:
    before = ada.running.echo.requests["/smuggled"]
    head = "\r\n".join(["POST /post HTTP/1.1", "Host: {authority}", cookie(ada), *lines, "", ""])
    body = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: payroll\r\n\r\n"
    answer = exchange(ada, "wiki", (head + body).encode("latin-1"))
    assert b"/smuggled" not in answer
    assert ada.running.echo.requests["/smuggled"] == before


def test_two_requests_on_one_connection_are_decided_each(ada: Client) -> None:
    host = f"Host: {ada.running.host('files')}:{ada.running.https_port}"
    first = f"GET /public/x HTTP/1.1\r\n{host}\r\n{cookie(ada, 'files')}\r\n\r\n"
    second = f"GET /private HTTP/1.1\r\n{host}\r\n{cookie(ada, 'files')}\r\n\r\n"
    third = f"GET /public/x HTTP/1.1\r\n{host}\r\n\r\n"
    with ada.running.connect("files") as connection:
        statuses = []
        for request in (first, second, third, first):
            connection.sendall(request.encode())
            statuses.append(read_answer(connection).status)
    assert statuses == [200, 403, 401, 200]
