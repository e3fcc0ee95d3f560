"""The decision service as it runs: under Granian, on its socket and its port, on facts that change."""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.decider_company import BEN, DOMAIN, session
from tests.decider_process import Running


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    process = Running()
    try:
        process.until(process.decides)
        yield process
    finally:
        process.stop()


@pytest.mark.e2e
def test_requests_are_decided_on_the_socket(running: Running) -> None:
    allowed = running.client.get("/check/page?q=1", headers={"cookie": running.cookie()})
    assert allowed.status_code == 200
    assert allowed.headers["x-ostiary-assertion"]
    assert running.client.post("/check/page", headers={"cookie": running.cookie()}).status_code == 200
    begun = running.client.get("/check/page", headers={"sec-fetch-mode": "navigate"})
    assert begun.status_code == 302
    refused = running.client.get("/check/x", headers={"host": f"files.{DOMAIN}", "cookie": running.cookie("files")})
    assert refused.status_code == 403
    assert refused.json()["reference"]


@pytest.mark.e2e
def test_a_socket_full_of_nonsense_changes_nothing(running: Running) -> None:
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /check/ HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET /check/\xff HTTP/1.1\r\nhost: wiki.example.test\r\ncookie: \xff\xfe\r\n\r\n",
        b"GET /check/ HTTP/1.1\r\nhost: wiki.example.test\r\ncookie: __Host-ostiary-session="
        + b"a" * 60000
        + b"\r\n\r\n",
        b"CONNECT /check/ HTTP/1.1\r\n\r\n",
        b"GET /check/ HTTP/1.1\r\nhost: wiki.example.test\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(30)
            raw.connect(str(running.instance.decider_socket))
            raw.sendall(nonsense)
            raw.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while chunk := raw.recv(65536):
                    answer += chunk
        assert b"HTTP/1.1 200" not in answer
    assert running.client.get("/check/", headers={"cookie": running.cookie()}).status_code == 200


@pytest.mark.e2e
def test_the_loopback_port_serves_other_proxies_only(running: Running) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}") as client:
        headers = {
            "cookie": running.cookie(),
            "x-forwarded-method": "GET",
            "x-forwarded-host": f"wiki.{DOMAIN}",
            "x-forwarded-uri": "/page",
            "x-forwarded-for": "192.0.2.7",
        }
        running.until(lambda: client.get("/forward-auth/caddy", headers=headers).status_code == 200)
        for path in ("/health", "/metrics", "/check/page"):
            assert client.get(path, headers={**headers, "host": f"wiki.{DOMAIN}"}).status_code == 404
        assert client.get("/.ostiary/static/tokens.css").status_code == 200


@pytest.mark.e2e
def test_a_revoked_session_is_refused_within_moments_and_stays_so(running: Running) -> None:
    headers = {"cookie": running.cookie()}
    assert running.client.get("/check/", headers=headers).status_code == 200
    running.publish(2, sessions=(session(BEN),))
    running.until(lambda: running.client.get("/check/", headers=headers).status_code == 401)
    assert all(running.client.get("/check/", headers=headers).status_code == 401 for _ in range(20))
    running.publish(3)
    running.until(lambda: running.client.get("/check/", headers=headers).status_code == 200)


@pytest.mark.e2e
def test_every_acknowledged_decision_survives_a_kill() -> None:
    running = Running()
    try:
        running.until(running.decides)
        answers = [running.client.get(f"/check/{number}", headers={"cookie": running.cookie()}) for number in range(50)]
        os.kill(running.process.pid, signal.SIGSTOP)
        for child in Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        references = {answer.headers["x-ostiary-reference"] for answer in answers}
        assert len(references) == 50
        kept = b"".join(path.read_bytes() for path in (running.instance.audit / "decisions").iterdir()).decode()
        assert all(reference in kept for reference in references)
        running.instance.decider_socket.unlink(missing_ok=True)
        running.process = running.start()
        running.until(running.decides)
        assert running.client.get("/check/", headers={"cookie": running.cookie()}).status_code == 200
    finally:
        running.stop()


@pytest.mark.e2e
def test_health_is_json_with_the_reasons(running: Running) -> None:
    health = json.loads(running.client.get("/health").text)
    assert health["decides"] is True
    assert health["record_available"] is True
