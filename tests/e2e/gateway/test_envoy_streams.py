"""Long answers through a real Envoy: WebSocket over HTTP/1.1 and HTTP/2, event streams, and their bound."""

import base64
import os
from collections.abc import Iterator

import httpx
import pytest
from tests.gateway_fixtures import GatewayUnderTest, echo_app
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.uri import parse_uri

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayUnderTest]:
    apps = [echo_app("wiki"), echo_app("plain", streams=False)]
    with GatewayUnderTest(apps, gateway="stream_seconds = 3\nrequest_seconds = 2") as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(gateway: GatewayUnderTest) -> None:
    gateway.stub.allow({"x-ostiary-assertion": "signed"})
    gateway.stub.asked.clear()


class Talk:
    """A WebSocket client without I/O of its own, over the gateway's TLS socket."""

    def __init__(self, gateway: GatewayUnderTest, name: str, *headers: tuple[str, str]) -> None:
        uri = parse_uri(f"wss://{gateway.host(name)}:{gateway.https_port}/ws")
        self.protocol = ClientProtocol(uri)
        self.socket = gateway.open(name)
        request = self.protocol.connect()
        for header, value in headers:
            request.headers[header] = value
        self.protocol.send_request(request)
        self._flush()

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.socket.sendall(data)

    def events(self) -> list[Frame | Response]:
        """Wait for what comes next; empty when the connection was closed."""
        data = self.socket.recv(65536)
        if not data:
            return []
        self.protocol.receive_data(data)
        self._flush()
        return [event for event in self.protocol.events_received() if isinstance(event, Frame | Response)]

    def say(self, text: str) -> str:
        self.protocol.send_text(text.encode())
        self._flush()
        frame = self.events()[0]
        assert isinstance(frame, Frame)
        return bytes(frame.data).decode()


def test_a_websocket_is_decided_once_and_then_passes_both_ways(gateway: GatewayUnderTest) -> None:
    with Talk(gateway, "wiki", ("Cookie", gateway.grant_cookie("wiki"))) as talk:
        response = talk.events()[0]
        assert isinstance(response, Response)
        assert response.status_code == 101
        assert talk.say("hello") == "hello"
        assert talk.say("again") == "again"
    asked = gateway.stub.checks()
    assert [one.header("x-ostiary-stream") for one in asked] == ["upgrade"]
    assert asked[0].target == "/check/ws"


def test_a_refused_websocket_does_not_open(gateway: GatewayUnderTest) -> None:
    gateway.stub.refuse(403)
    with Talk(gateway, "wiki", ("Cookie", gateway.grant_cookie("wiki"))) as talk:
        assert talk.socket.recv(64).startswith(b"HTTP/1.1 403")
    assert gateway.upstream.open_streams == 0


def test_bytes_sent_right_behind_a_refused_upgrade_go_nowhere(gateway: GatewayUnderTest) -> None:
    gateway.stub.refuse(403)
    gateway.upstream.requests.clear()
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        "GET /ws HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        "GET /smuggled HTTP/1.1\r\nHost: {authority}\r\n\r\n"
    )

    assert gateway.raw("wiki", request.encode()).status == 403
    assert not gateway.upstream.requests


def test_an_app_without_streams_gets_no_upgrade(gateway: GatewayUnderTest) -> None:
    gateway.upstream.requests.clear()
    with Talk(gateway, "plain") as talk:
        assert talk.socket.recv(64).startswith(b"HTTP/1.1 403")
    assert not gateway.upstream.requests


def test_another_upgrade_than_websocket_is_refused(gateway: GatewayUnderTest) -> None:
    gateway.upstream.requests.clear()
    answer = gateway.raw_path("wiki", "/", "Upgrade: tls/1.0", "Connection: Upgrade")

    assert answer.status == 403
    assert not gateway.upstream.requests


def test_a_websocket_ends_after_its_bound(gateway: GatewayUnderTest) -> None:
    with Talk(gateway, "wiki") as talk:
        talk.socket.settimeout(60)
        assert talk.events()
        assert talk.say("still there") == "still there"
        assert talk.events() == []
    gateway.eventually(lambda: gateway.upstream.open_streams == 0, "the app sees the end")


@pytest.mark.parametrize("http2", [False, True])
def test_events_arrive_while_they_happen_and_end_after_their_bound(gateway: GatewayUnderTest, http2: bool) -> None:
    headers = {"accept": "text/event-stream", "cookie": gateway.grant_cookie("wiki")}
    with (
        gateway.client(http2=http2) as client,
        client.stream("GET", gateway.url("wiki", "/events"), headers=headers) as answer,
    ):
        lines: list[str] = []
        with pytest.raises(httpx.TransportError):
            lines.extend(answer.iter_lines())
    assert lines[0] == "data: 0"
    assert 10 < len(lines) < 1000
    assert [one.header("x-ostiary-stream") for one in gateway.stub.checks()] == ["events"]
    gateway.eventually(lambda: gateway.upstream.open_streams == 0, "the app sees the end")


def test_a_long_answer_nobody_announced_is_cut_at_the_ordinary_bound(gateway: GatewayUnderTest) -> None:
    with (
        gateway.client() as client,
        client.stream("GET", gateway.url("wiki", "/events"), headers={"accept": "*/*"}) as answer,
        pytest.raises(httpx.TransportError),
    ):
        for _ in answer.iter_lines():
            pass


def test_http2_offers_no_tunnel_so_that_browsers_open_websockets_over_http_1(gateway: GatewayUnderTest) -> None:
    """Source: RFC 8441, section 3."""
    import h2.config
    import h2.connection
    import h2.events

    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    with gateway.open("wiki", alpn="h2") as socket:
        connection.initiate_connection()
        socket.sendall(connection.data_to_send())
        seen: list[h2.events.Event] = []
        while not any(isinstance(event, h2.events.RemoteSettingsChanged) for event in seen):
            seen += connection.receive_data(socket.recv(65536))
        assert not connection.remote_settings.enable_connect_protocol

        headers = [(":method", "CONNECT"), (":authority", f"wiki.example.test:{gateway.https_port}")]
        connection.send_headers(1, headers)
        socket.sendall(connection.data_to_send())
        ended = (h2.events.ResponseReceived, h2.events.StreamReset, h2.events.ConnectionTerminated)
        while not any(isinstance(event, ended) for event in seen):
            seen += connection.receive_data(socket.recv(65536))
    answers = [event for event in seen if isinstance(event, h2.events.ResponseReceived)]
    statuses = {str(dict(answer.headers or []).get(":status")) for answer in answers}  # type: ignore[call-overload]
    assert statuses <= {"403", "404", "421"}
    assert gateway.stub.asked == []
