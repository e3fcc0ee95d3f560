"""An app that sets cookies with our names on its own host, through a real Envoy: ours are dropped, its own stay as they were."""

import base64
import os
import ssl
from collections.abc import Iterator

import pytest
from tests.gateway_fixtures import GatewayUnderTest, echo_app, read_answer, write_authority
from tests.gateway_upstream import EchoUpstream

pytestmark = [pytest.mark.e2e]

OWN = [
    "sid=1; Path=/; HttpOnly; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
    "theme=dark",
    "sid=2; Path=/app; SameSite=None; Secure; Partitioned",
    "note=__Host-ostiary-session=x; Path=/",
    "__Host-own=1; Path=/; Secure",
    "__Host-ostiary=1; Path=/; Secure",
    'quoted="a b, c"; Domain=example.test',
]
PLANTED = [
    "__Host-ostiary-session=planted; Path=/; Secure",
    "__Host-ostiary-session=; Path=/; Secure; Max-Age=0",
    "__Host-ostiary-grant=planted; Path=/; Secure; HttpOnly",
    "__Host-ostiary-begin=planted; Path=/; Secure",
    "__Host-ostiary-anything",
    "__host-OSTIARY-session=planted; Path=/; Secure",
    "  \t__Host-ostiary-session=planted; Path=/; Secure",
    "=__Host-ostiary-session=planted; Path=/; Secure",
    " = __Host-ostiary-session=planted; Path=/; Secure",
]
MIXED = [line for pair in zip(PLANTED, OWN, strict=False) for line in pair] + PLANTED[len(OWN) :]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EchoUpstream]:
    _, context = write_authority(tmp_path_factory.mktemp("upstream"), "IP:127.0.0.1")
    upstream = EchoUpstream(tls=context).start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def gateway(secure: EchoUpstream) -> Iterator[GatewayUnderTest]:
    tls = echo_app("secure", upstream=f"https://127.0.0.1:{secure.port}", verify_tls=False)
    with GatewayUnderTest([echo_app("wiki"), echo_app("plain", streams=False), tls]) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(gateway: GatewayUnderTest, secure: EchoUpstream) -> None:
    gateway.stub.allow({"x-ostiary-assertion": "signed"})
    gateway.upstream.cookies = secure.cookies = MIXED


@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize("name", ["wiki", "plain", "secure"])
@pytest.mark.parametrize("way", ["decided", "grant", "posted", "failed"])
def test_what_an_app_plants_is_dropped_and_the_rest_is_as_it_was(
    gateway: GatewayUnderTest, name: str, way: str, http2: bool
) -> None:
    headers = {"cookie": gateway.grant_cookie(name)} if way == "grant" else {}
    method, path = ("POST" if way == "posted" else "GET"), ("/status/500" if way == "failed" else "/")

    answer = gateway.ask(method, name, path, headers=headers, http2=http2)

    assert answer.headers.get_list("set-cookie") == OWN
    assert answer.json()["method"] == method, "the body is the app's"


def test_an_app_that_plants_nothing_is_left_alone(gateway: GatewayUnderTest) -> None:
    for cookies in ([], OWN, OWN[:1], OWN[3:4]):
        gateway.upstream.cookies = cookies
        answer = gateway.get("wiki")
        assert answer.headers.get_list("set-cookie") == cookies
        names = [name for name, _ in gateway.raw_path("wiki", "/").headers]
        assert names[:2] == ["content-type", "content-length"], "in the app's own order"


def test_an_app_that_plants_only_sets_no_cookie(gateway: GatewayUnderTest) -> None:
    for line in PLANTED:
        gateway.upstream.cookies = [line]
        answer = gateway.get("wiki")
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers, line


@pytest.mark.parametrize("name", ["wiki", "secure"])
def test_an_upgrade_plants_nothing_either(gateway: GatewayUnderTest, name: str) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        "GET /ws HTTP/1.1",
        f"Host: {gateway.host(name)}:{gateway.https_port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    with gateway.open(name) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = read_answer(connection)

    assert answer.status == 101
    assert [value for header, value in answer.headers if header.lower() == "set-cookie"] == OWN


def test_a_stream_plants_nothing_either(gateway: GatewayUnderTest) -> None:
    with (
        gateway.client() as client,
        client.stream("GET", gateway.url("wiki", "/events"), headers={"accept": "text/event-stream"}) as answer,
    ):
        assert answer.headers.get_list("set-cookie") == OWN
        assert next(answer.iter_lines()) == "data: 0"


def test_hints_before_an_answer_set_no_cookie(gateway: GatewayUnderTest) -> None:
    with gateway.open("wiki") as connection:
        connection.sendall(
            f"GET /hints HTTP/1.1\r\nHost: {gateway.host('wiki')}:{gateway.https_port}\r\nConnection: close\r\n\r\n".encode()
        )
        received = b""
        while data := _some(connection):
            received += data

    assert b"HTTP/1.1 200" in received
    assert b"planted" not in received
    assert received.count(OWN[1].encode()) == 1


def test_the_decision_service_sets_ours_beside_the_apps(gateway: GatewayUnderTest) -> None:
    ours = "__Host-ostiary-grant=ours; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"
    gateway.stub.allow({"x-ostiary-assertion": "signed"}, ("set-cookie", ours))

    lines = gateway.get("wiki").headers.get_list("set-cookie")

    assert sorted(lines) == sorted([*OWN, ours])
    assert [line for line in lines if line != ours] == OWN


def test_a_refusal_and_our_own_pages_set_ours(gateway: GatewayUnderTest) -> None:
    ours = ("__Host-ostiary-begin=ours; Path=/", "__Host-ostiary-session=; Path=/; Max-Age=0")
    gateway.stub.refuse(302, *(("set-cookie", line) for line in ours))

    for path in ("/", "/.ostiary/sign-out"):
        answer = gateway.get("wiki", path)
        assert answer.status_code == 302
        assert answer.headers.get_list("set-cookie") == list(ours)


def test_the_console_sets_its_own(gateway: GatewayUnderTest) -> None:
    ours = "__Host-ostiary-csrf=ours; Path=/; Secure"
    gateway.control.allow({}, ("set-cookie", ours))

    assert gateway.get("admin").headers.get_list("set-cookie") == [ours]
    assert gateway.get("id").headers.get_list("set-cookie") == [ours]


def _some(connection: ssl.SSLSocket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""
