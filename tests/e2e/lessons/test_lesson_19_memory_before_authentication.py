"""Lesson 19: whoever is nobody yet fills no memory and keeps nobody else waiting for good.

Bounds, said here once: while an attack goes on no process grows by more than `MAX_GROWTH_BYTES`, and somebody who is
signed in is answered. Bodies are offered to the last byte the gateway takes; connections are many, slow and silent.
"""

import contextlib
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from tests.running_instance import Client, RunningInstance, reached, read_answer

from ostiary.gateway.decider.budget import BURST, RECORDS_PER_SECOND

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
MIB = 1024 * 1024
BODY_BYTES = 1024 * MIB
MAX_GROWTH_BYTES = 64 * MIB
PROCESSES = ("envoy", "decider", "control", "worker")
SLOW_TLS, SILENT = 600, 1500
OFFERED_SECONDS = 60.0


class Watched:
    """Memory and service while an attack goes on."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.running = client.running
        self.before = {name: self.running.resident_bytes(name) for name in PROCESSES}

    def growth(self) -> dict[str, int]:
        return {name: self.running.resident_bytes(name) - size for name, size in self.before.items()}

    def check(self) -> None:
        grown = {name: size // MIB for name, size in self.growth().items() if size > MAX_GROWTH_BYTES}
        assert not grown, f"grown by MiB: {grown}"
        assert reached(self.client.api("wiki", method="POST")), "others are served, by a decision"
        assert self.client.get("id", "/profile").status_code == 200, "and by the control plane"


@pytest.fixture
def watched(running: RunningInstance) -> Watched:
    return Watched(running.signed_in(running.make_person("staff")).enter("wiki"))


def offer(
    running: RunningInstance, name: str, path: str, *, chunked: bool, length: int = BODY_BYTES
) -> tuple[int, int]:
    """Offer a body as large as `length` and return how much was taken, and the status that came back (0 for none)."""
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    head = f"POST {path} HTTP/1.1\r\nHost: {running.host(name)}:{running.https_port}\r\n{size}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    block = b"x" * 65536
    piece = b"10000\r\n" + block + b"\r\n" if chunked else block
    taken, deadline = 0, time.monotonic() + OFFERED_SECONDS
    with running.connect(name) as connection:
        connection.settimeout(10)
        connection.sendall(head.encode())
        with contextlib.suppress(OSError):
            while taken < length and time.monotonic() < deadline:
                connection.sendall(piece)
                taken += len(block)
        try:
            return taken, read_answer(connection).status
        except OSError:
            return taken, 0


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("name", "path"),
    [("wiki", "/upload"), ("id", "/sign-in"), ("wiki", "/.ostiary/sign-out"), ("admin", "/apps/add")],
)
def test_a_body_of_a_gigabyte_is_neither_kept_nor_passed_on(
    watched: Watched, name: str, path: str, chunked: bool
) -> None:
    before = watched.running.echo.requests.total()
    taken, status = offer(watched.running, name, path, chunked=chunked)
    assert taken < 64 * MIB, "the gateway stops taking it"
    assert status in {0, 400, 401, 403, 408, 413, 503}
    assert watched.running.echo.requests.total() == before
    watched.check()


def test_somebody_signed_in_uploads_up_to_the_limit_and_no_more(watched: Watched) -> None:
    ada = watched.client
    fits = ada.send("POST", "wiki", "/upload", content=b"x" * (7 * MIB))
    assert fits.json()["body_bytes"] == 7 * MIB
    cookie = ada.browser.cookie_header(ada.running.host("wiki"))
    request = f"POST / HTTP/1.1\r\nHost: {{authority}}\r\nCookie: {cookie}\r\nContent-Length: {9 * MIB}\r\n\r\n"
    assert ada.running.raw("wiki", request.encode()).status == 413
    watched.check()


@contextlib.contextmanager
def many_files(wanted: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, wanted), hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_thousands_of_slow_connections_leave_room_for_others(watched: Watched) -> None:
    """Some never say a word, some stop in the middle of the handshake, some in the middle of their headers."""
    running = watched.running
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    with many_files(SILENT + SLOW_TLS + 500), contextlib.ExitStack() as held:
        for number in range(SILENT):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", running.https_port), timeout=60))
            if number % 2:
                connection.sendall(hello)
        watched.check()
        context = running.trust()
        opened = 0
        for _ in range(SLOW_TLS):
            plain = held.enter_context(socket.create_connection(("127.0.0.1", running.https_port), timeout=60))
            with contextlib.suppress(OSError, ssl.SSLError):
                tls = held.enter_context(context.wrap_socket(plain, server_hostname=running.host("wiki")))
                tls.sendall(b"GET / HTTP/1.1\r\nHost: ")
                opened += 1
        assert opened > SLOW_TLS // 2, "most of them are there at the same time"
        watched.check()
    watched.check()


def test_slow_connections_are_ended(running: RunningInstance) -> None:
    """Half a request is given up for; nobody has to end it for the gateway."""
    with running.connect("wiki") as connection:
        connection.settimeout(90)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert read_answer(connection).status in {0, 408}


@pytest.mark.parametrize("kind", ["many", "long", "one", "cookies", "path"])
def test_a_header_bomb_is_refused(watched: Watched, kind: str) -> None:
    running = watched.running
    lines = {
        "many": [f"X-{number}: y" for number in range(20_000)],
        "long": [f"X-{number}: {'y' * 8000}" for number in range(200)],
        "one": [f"X: {'y' * 4_000_000}"],
        "cookies": [f"Cookie: a{number}=b" for number in range(20_000)],
        "path": [],
    }[kind]
    target = "/" + "a" * 2_000_000 if kind == "path" else "/"
    before = running.echo.requests.total()
    head = "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {running.host('wiki')}:{running.https_port}", *lines, "", ""])
    with running.connect("wiki") as connection:
        with contextlib.suppress(OSError):
            connection.sendall(head.encode())
        with contextlib.suppress(OSError):
            assert read_answer(connection).status in {0, 400, 414, 431}
    assert running.echo.requests.total() == before
    watched.check()


def test_an_http2_header_bomb_is_refused(watched: Watched) -> None:
    """HPACK makes a megabyte of a kilobyte; and a header block that never ends is never kept."""
    running = watched.running
    bomb = [("x", "y" * 4000)] * 600
    assert running.http2_get("wiki", "/", *bomb).status in {0, 400, 431}
    frame = bytes.fromhex("000004 01 01 00000001".replace(" ", "")) + b"\x82\x84\x86\x41"
    endless = (16384).to_bytes(3, "big") + bytes.fromhex("0900 00000001".replace(" ", "")) + b"\x00" * 16384
    with running.connect("wiki", alpn="h2") as connection:
        connection.settimeout(30)
        sent = 0
        with contextlib.suppress(OSError):
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000") + frame)
            while sent < 256 * MIB:
                connection.sendall(endless)
                sent += len(endless)
        assert sent < 64 * MIB, "the gateway hangs up"
    watched.check()


def test_rapid_resets_are_ended(watched: Watched) -> None:
    """Streams opened and reset at once (the way of CVE-2023-44487) end the connection, not the service."""
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.exceptions import ProtocolError

    running = watched.running
    authority = f"{running.host('wiki')}:{running.https_port}"
    headers = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", "/")]

    def attack() -> None:
        h2 = H2Connection(H2Configuration(client_side=True))
        h2.initiate_connection()
        with running.connect("wiki", alpn="h2") as connection, contextlib.suppress(OSError, ProtocolError):
            connection.settimeout(30)
            for number in range(4000):
                h2.send_headers(1 + 2 * number, headers, end_stream=True)
                h2.reset_stream(1 + 2 * number)
                connection.sendall(h2.data_to_send())

    threads = [threading.Thread(target=attack) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    watched.check()


def test_strangers_cannot_fill_the_record(watched: Watched) -> None:
    running = watched.running
    folder = running.instance.audit / "decisions"

    def records() -> int:
        return sum(one.read_bytes().count(b"\n") for one in folder.glob("*.jsonl"))

    before, began = records(), time.monotonic()
    with running.connect("wiki") as connection:
        for _ in range(900):
            connection.sendall(
                f"GET /{'x' * 1000} HTTP/1.1\r\nHost: {running.host('wiki')}:{running.https_port}\r\n\r\n".encode()
            )
            assert read_answer(connection).status == 401
    seconds = time.monotonic() - began
    written = records() - before
    assert 0 < written <= BURST + seconds * RECORDS_PER_SECOND + 20, "a few are of others"
    watched.check()
