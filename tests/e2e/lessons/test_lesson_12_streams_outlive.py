"""Lesson 12: no stream outlives what a fresh decision would refuse, and nobody else's is disturbed."""

import base64
import os
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived
from tests.running_devices import Devices
from tests.running_instance import IDENTITY, Client, RunningInstance, unix_request

from ostiary.gateway.decider.streams import LOOK_SECONDS
from ostiary.gateway.under_way import UNDER_WAY_FILE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
PATIENCE_SECONDS = 60.0


UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")


def websocket_key() -> str:
    return f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"


def request(client: Client, path: str, *headers: str) -> bytes:
    running = client.running
    host = running.host("wiki")
    cookie = client.browser.cookie_header(host)
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{running.https_port}", f"Cookie: {cookie}", *headers, "", ""]
    return "\r\n".join(lines).encode()


class Stream:
    """An open WebSocket or event stream, or a long download, read as bytes."""

    def __init__(
        self, client: Client, *, events: bool = False, download: str = "", certificate: Path | None = None
    ) -> None:
        self.socket: ssl.SSLSocket = client.running.connect("wiki", certificate=certificate)
        self.socket.settimeout(PATIENCE_SECONDS)
        if events or download:
            wanted = "*/*" if download else "text/event-stream"
            self.socket.sendall(request(client, download or "/events", f"Accept: {wanted}"))
        else:
            self.socket.sendall(request(client, "/ws", *UPGRADE, websocket_key()))
        self.status = int(self._until(b"\r\n\r\n").split()[1])

    def echoes(self) -> bool:
        """Say something masked and hear it back."""
        word = os.urandom(4).hex().encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(word))
        self.socket.sendall(bytes((0x81, 0x80 | len(word))) + mask + masked)
        return word in self._until(word)

    def ends(self) -> bool:
        """Read until the other side ends it; false when it does not."""
        with suppress(ConnectionError, ssl.SSLError):
            try:
                while self.socket.recv(65536):
                    pass
            except TimeoutError:
                return False
        return True

    def goes_on(self) -> bool:
        """Read what has come, then see that more comes."""
        self.socket.settimeout(0.02)
        with suppress(TimeoutError):
            while self.socket.recv(65536):
                pass
        self.socket.settimeout(PATIENCE_SECONDS)
        return bool(self.socket.recv(65536))

    def _until(self, what: bytes) -> bytes:
        read = b""
        while what not in read:
            part = self.socket.recv(65536)
            assert part, read
            read += part
        return read


@contextmanager
def streams(client: Client) -> Iterator[tuple[Stream, Stream]]:
    with ExitStack() as stack:
        both = Stream(client), Stream(client, events=True)
        for one in both:
            stack.callback(one.socket.close)
        assert [one.status for one in both] == [101, 200]
        assert both[0].echoes()
        yield both


@pytest.fixture
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki")


@pytest.fixture(scope="module")
def bob(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki")


def session_of(client: Client) -> str:
    return str(client.running.session_claims(client.cookies("wiki")["__Host-ostiary-session"])["sid"])


def revoke_session(client: Client) -> None:
    client.running.operator(f"{IDENTITY}:revoke_session", session_id=session_of(client), reason="lost")


def disable(client: Client) -> None:
    client.running.operator(f"{IDENTITY}:disable_person", person_id=client.account.id, reason="left")


def leave_the_group(client: Client) -> None:
    client.running.operator(
        f"{IDENTITY}:remove_member", group_id="staff", person_id=client.account.id, reason="new job"
    )


@pytest.mark.parametrize("take_away", [revoke_session, disable, leave_the_group])
def test_streams_end_with_what_let_them_in(
    running: RunningInstance, ada: Client, bob: Client, take_away: Callable[[Client], None]
) -> None:
    with streams(bob) as (bobs, _), streams(ada) as (websocket, events):
        began = time.monotonic()
        take_away(ada)
        assert websocket.ends()
        assert events.ends()
        assert time.monotonic() - began < PATIENCE_SECONDS, "not the bound of a stream's life"
        assert bobs.echoes(), "nobody else is disturbed"

    def on_record() -> list[str]:
        return [
            one["http_request"]["url"]["path"]
            for one in running.decisions()
            if one.get("status_detail") == "stream_ended" and one["actor"]["user"]["uid"] == ada.account.id
        ]

    running.eventually(lambda: sorted(on_record()) == ["/events", "/ws"], "both ends are on record")


def test_a_stream_ends_with_the_membership_that_let_it_in(running: RunningInstance, ada: Client, bob: Client) -> None:
    with streams(bob) as (bobs, _), streams(ada) as (websocket, events):
        end = time.time() + 4
        running.operator(f"{IDENTITY}:add_member", group_id="staff", person_id=ada.account.id, ends_at=end)
        assert websocket.echoes(), "not yet"
        assert websocket.ends()
        assert time.time() >= end
        assert events.ends()
        assert bobs.echoes()


def test_a_stream_ends_with_the_rule_that_let_it_in(running: RunningInstance, ada: Client) -> None:
    with streams(ada) as (websocket, events), running.rules("version: 1\nrules: []\n"):
        assert websocket.ends()
        assert events.ends()


def test_what_changes_for_others_changes_nothing(running: RunningInstance, bob: Client) -> None:
    with streams(bob) as (websocket, _):
        before = running.decisions()
        running.make_person("staff")
        running.in_force()
        assert websocket.echoes()
        ended = [one for one in running.decisions()[len(before) :] if one.get("status_detail") == "stream_ended"]
        assert not ended


def test_what_is_open_on_a_lost_device_ends_and_nobody_elses(running: RunningInstance) -> None:
    """Sockets, downloads on a grant and the sign-in itself; the same person's other device goes on."""
    devices, person = Devices(running), running.make_person("staff")
    lost, kept = devices.enrol(person), devices.enrol(person)
    on_lost = devices.client(person, lost).sign_in().enter("wiki")
    on_kept = devices.client(person, kept)
    on_kept._last_step = on_lost._last_step
    on_kept.sign_in().enter("wiki")
    assert {one.api("wiki").status_code for one in (on_lost, on_kept)} == {200}
    with ExitStack() as stack:
        stack.callback(devices.put_all_away)
        gone = Stream(on_lost, certificate=lost.path), Stream(on_lost, download="/events?n=0", certificate=lost.path)
        stays = Stream(on_kept, certificate=kept.path), Stream(on_kept, download="/events?n=1", certificate=kept.path)
        for one in (*gone, *stays):
            stack.callback(one.socket.close)
        assert [one.status for one in (*gone, *stays)] == [101, 200, 101, 200]
        devices.put_away(lost)
        assert [one.ends() for one in gone] == [True, True]
        assert stays[0].echoes()
        assert stays[1].goes_on()
        assert (on_lost.api("wiki").status_code, on_kept.api("wiki").status_code) == (401, 200)


def test_a_stream_on_http2_ends_too(running: RunningInstance, ada: Client, bob: Client) -> None:
    """Its connection carries one browser's requests alone; gRPC streams are such streams."""

    def begin(client: Client) -> ssl.SSLSocket:
        connection = running.connect("wiki", alpn="h2")
        connection.settimeout(PATIENCE_SECONDS)
        cookie = client.browser.cookie_header(running.host("wiki"))
        h2 = H2Connection(H2Configuration(client_side=True))
        h2.initiate_connection()
        authority = f"{running.host('wiki')}:{running.https_port}"
        pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", "/events")]
        h2.send_headers(1, [*pseudo, ("accept", "text/event-stream"), ("cookie", cookie)], end_stream=True)
        connection.sendall(h2.data_to_send())
        seen: list[object] = []
        while not any(isinstance(one, DataReceived) for one in seen):
            seen += h2.receive_data(connection.recv(65536))
        return connection

    with begin(ada) as hers, begin(bob) as his:
        revoke_session(ada)
        deadline = time.monotonic() + PATIENCE_SECONDS
        with suppress(ConnectionError, ssl.SSLError):
            while hers.recv(65536):
                assert time.monotonic() < deadline, "it goes on"
        assert his.recv(65536), "nobody else is disturbed"


@contextmanager
def downloads(*clients: Client) -> Iterator[list[Stream]]:
    """Ordinary requests whose answers never end, each on its client's grant: the decision service sees none of them."""
    with ExitStack() as stack:
        opened = []
        for number, client in enumerate(clients):
            assert "__Host-ostiary-grant" in client.cookies("wiki")
            opened.append(Stream(client, download=f"/events?n={number}"))
            stack.callback(opened[-1].socket.close)
            assert opened[-1].status == 200
        yield opened


def test_a_download_that_began_on_a_grant_ends_too(running: RunningInstance, ada: Client, bob: Client) -> None:
    before = len(running.decisions())
    for one in (ada, bob):
        assert one.get("wiki", "/").status_code == 200
    with downloads(ada, bob) as (hers, his):
        asked = [one["http_request"]["url"]["path"] for one in running.decisions()[before:]]
        assert "/events" not in asked, "on the grant"
        began = time.monotonic()
        disable(ada)
        assert hers.ends()
        assert time.monotonic() - began < PATIENCE_SECONDS, "not the bound of a request's time"
        assert his.goes_on(), "nobody else is disturbed"


def test_a_download_that_is_over_when_its_report_is_read_takes_nobody_with_it(
    running: RunningInstance, ada: Client, bob: Client
) -> None:
    """There is no connection to end any more, only what listens at the same address for everybody."""
    reports = running.instance.run / UNDER_WAY_FILE
    assert ada.get("wiki", "/").status_code == 200
    with streams(bob) as (bobs, _):
        with running.frozen("decider"), downloads(ada):
            running.eventually(lambda: session_of(ada).encode() in reports.read_bytes(), "the download is reported")
            revoke_session(ada)
        running.in_force()
        time.sleep(2 * LOOK_SECONDS)
        assert bobs.echoes()
        assert running.client().api("wiki").status_code == 401, "the gateway still listens"


def test_streams_from_before_the_decision_service_began_end_too(
    running: RunningInstance, ada: Client, bob: Client
) -> None:
    with streams(bob) as (bobs, _), streams(ada) as (websocket, events):
        pid = running.pid_of("decider")
        os.kill(pid, signal.SIGKILL)
        running.eventually(lambda: decider_since(running, pid), "the decision service is back")
        running.in_force()
        revoke_session(ada)
        assert websocket.ends()
        assert events.ends()
        assert bobs.echoes(), "nobody else is disturbed"


def decider_since(running: RunningInstance, before: int) -> bool:
    """Tell whether another process than `before` answers."""
    with suppress(OSError, StopIteration):
        if running.pid_of("decider") != before:
            return bool(unix_request(running.instance.decider_socket, "GET", "/health").status == 200)
    return False
