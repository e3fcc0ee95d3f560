"""What is owed to applications when a sign-in ends: told once, tried again, and never to an address where no app may live."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch
from urllib.parse import parse_qs

import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from ostiary.oidc.adapters.logout_sender import NotDelivered, Undeliverable, deliver
from ostiary.oidc.facade import add_client, end_grants_of_ended_sessions, key_set, last_logout_problems, send_logouts
from ostiary.oidc.models import Grant, Logout
from ostiary.oidc.services import logouts
from ostiary.oidc.services.logouts import PAUSES_SECONDS
from ostiary.visibility.facade import Actor

ADMIN = Actor(kind="machine", id="root", label="root")


class App(http.server.BaseHTTPRequestHandler):
    """An application that notes what it is told."""

    status: ClassVar[int] = 200
    told: ClassVar[list[tuple[str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.told.append((self.path, parse_qs(body)["logout_token"][0]))
        self.send_response(self.status)
        self.send_header("location", "http://169.254.169.254/")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    App.status, App.told = 200, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ended(port: int) -> Grant:
    """Register an application and give it a sign-in whose session is over."""
    add_client(
        "books",
        redirect_uris=["https://books.example.org/callback"],
        backchannel_logout_uri=f"http://127.0.0.1:{port}/out?x=1",
        actor=ADMIN,
    )
    return Grant.objects.create(
        client_id="books", person_id="p_1", session_id="s_over", auth_time=1.0, created_at=timezone.now()
    )


@pytest.mark.django_db
def test_an_application_is_told_once_with_a_token_it_can_check(port: int) -> None:
    ended(port)
    now = timezone.now().timestamp()
    assert (end_grants_of_ended_sessions(now), end_grants_of_ended_sessions(now)) == (1, 0)
    assert (send_logouts(now), send_logouts(now)) == (1, 0)
    ((path, token),) = App.told
    key = jwt.PyJWKSet.from_dict(key_set()).keys[0]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="books")
    assert path == "/out?x=1"
    assert (claims["sub"], claims["sid"]) == ("p_1", "s_over")
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims, "the standard forbids it, so that nobody takes it for an ID token"
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"


@pytest.mark.django_db
@pytest.mark.parametrize("status", [500, 302, 404])
def test_what_failed_is_tried_again_and_given_up_at_last(port: int, status: int) -> None:
    ended(port)
    App.status = status
    now = timezone.now().timestamp()
    end_grants_of_ended_sessions(now)
    for pause in (*PAUSES_SECONDS, 0):
        assert send_logouts(now) == 0
        assert str(status) in last_logout_problems()["books"]
        now += pause + 1
    assert Logout.objects.get().done_at is not None
    assert len(App.told) == len(PAUSES_SECONDS) + 1, "a redirect is not followed"
    assert "OpenID Connect logout" in "".join(
        path.read_text() for path in Path(settings.INSTANCE.audit).rglob("*.jsonl")
    )


@pytest.mark.django_db
def test_an_application_that_refuses_the_token_is_not_asked_again(port: int) -> None:
    ended(port)
    App.status = 400
    now = timezone.now().timestamp()
    end_grants_of_ended_sessions(now)
    send_logouts(now)
    assert send_logouts(now + 10_000) == 0
    assert len(App.told) == 1


class Dripping(http.server.BaseHTTPRequestHandler):
    """An application that answers a byte at a time, and never ends."""

    def do_POST(self) -> None:
        """Send what never becomes an answer until the other side has had enough."""
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.0 200 OK\r\n")
            while True:
                self.wfile.write(b"x")
                self.wfile.flush()
                self.server.enough.wait(0.05)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def dripping() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    server.daemon_threads = True
    server.enough = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_an_application_that_sends_a_byte_now_and_then_gains_nothing(dripping: int) -> None:
    """Every read ends in time, and yet the whole never would."""
    with pytest.raises(NotDelivered, match=r"timed out|too long"):
        deliver(settings.INSTANCE, f"http://127.0.0.1:{dripping}/out", "t", deadline=time.monotonic() + 0.5)


@pytest.mark.django_db
def test_a_slow_application_keeps_no_other_waiting(port: int, dripping: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow one is due first; the other is told while the slow one is still at it."""
    ended(dripping)
    add_client(
        "quick",
        redirect_uris=["https://quick.example.org/callback"],
        backchannel_logout_uri=f"http://127.0.0.1:{port}/out",
        actor=ADMIN,
    )
    Grant.objects.create(
        client_id="quick", person_id="p_1", session_id="s_over", auth_time=1.0, created_at=timezone.now()
    )
    now = timezone.now().timestamp()
    end_grants_of_ended_sessions(now)
    slow_told = threading.Event()

    def told(instance: Any, uri: str, token: str, *, deadline: float) -> None:
        if str(dripping) in uri:
            assert slow_told.wait(60), "the quick one was not told while the slow one held on"
            raise NotDelivered("slow")
        deliver(instance, uri, token, deadline=deadline)
        slow_told.set()

    monkeypatch.setattr(logouts, "deliver", told)
    monkeypatch.setattr(logouts, "SECONDS", 60.0)
    assert send_logouts(now) == 1
    assert last_logout_problems() == {"books": "slow"}
    assert len(App.told) == 1


@pytest.mark.django_db
def test_what_a_client_is_owed_beyond_its_time_stays_due(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = ended(port)
    for session in ("s_two", "s_three"):
        Grant.objects.create(
            client_id="books", person_id="p_1", session_id=session, auth_time=1.0, created_at=grant.created_at
        )
    now = timezone.now().timestamp()
    assert end_grants_of_ended_sessions(now) == 3
    monkeypatch.setattr(logouts, "SECONDS", 0.0)
    monkeypatch.setattr(logouts, "deliver", lambda *_args, **_more: None)
    assert send_logouts(now) == 1, "the first is tried, the others are not even counted as tried"
    assert sorted(Logout.objects.values_list("tries", flat=True)) == [0, 0, 1]
    monkeypatch.setattr(logouts, "SECONDS", 60.0)
    assert send_logouts(now) == 2


@pytest.mark.parametrize(
    ("addresses", "kind"),
    [
        (("169.254.169.254",), Undeliverable),
        (("100.100.100.200",), Undeliverable),
        (("0.0.0.0",), Undeliverable),
        (("::ffff:169.254.169.254",), Undeliverable),
        (("64:ff9b::a9fe:a9fe",), Undeliverable),
        (("192.0.2.1", "169.254.169.254"), Undeliverable),
        ((), NotDelivered),
    ],
)
def test_lesson_18_a_name_that_leads_where_no_app_may_live_is_told_nothing(
    addresses: tuple[str, ...], kind: type[Exception]
) -> None:
    with (
        patch("ostiary.oidc.adapters.logout_sender.socket.create_connection") as connect,
        pytest.raises(kind),
    ):
        deliver(settings.INSTANCE, "https://books.example.org/out", "t", resolve=lambda _name: addresses)
    connect.assert_not_called()


def test_lesson_18_the_connection_goes_to_the_address_that_was_judged(port: int) -> None:
    """A name that leads elsewhere a moment later (rebinding) leads nowhere."""
    answers = iter((("127.0.0.1",), ("169.254.169.254",)))
    deliver(settings.INSTANCE, f"http://localhost:{port}/out", "t", resolve=lambda _name: next(answers))
    assert App.told == [("/out", "t")]


def test_lesson_18_the_gateway_is_not_asked_by_itself() -> None:
    own = settings.INSTANCE.configuration.gateway.https_port
    with pytest.raises(Undeliverable, match="this gateway itself"):
        deliver(settings.INSTANCE, f"https://127.0.0.1:{own}/out", "t", resolve=lambda name: (name,))
