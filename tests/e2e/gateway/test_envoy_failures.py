"""When something around the gateway fails: the decision service, an upstream, a certificate, a configuration."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.gateway_fixtures import GatewayUnderTest, echo_app, write_authority
from tests.gateway_upstream import EchoUpstream
from tests.ports import free_port

from ostiary.gateway.dataplane import StalePlan, applied_generation, apply_plan, diff_plan
from ostiary.gateway.envoy import RejectedConfiguration, ask_admin
from ostiary.gateway.plan import GRANTS_FILE, ROUTES_FILE

pytestmark = [pytest.mark.e2e]


@pytest.fixture
def gateway() -> Iterator[GatewayUnderTest]:
    with GatewayUnderTest([echo_app("wiki")]) as running:
        running.stub.allow()
        yield running


class TestDecisionService:
    def test_a_dead_one_means_refusal_except_where_a_grant_stands(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.pause()

        answer = gateway.get("wiki", headers={"accept": "text/html"})

        assert answer.status_code == 503
        assert "This cannot be reached right now" in answer.text
        assert not gateway.upstream.requests
        assert gateway.ask("POST", "wiki", headers={"cookie": gateway.grant_cookie("wiki")}).status_code == 503
        assert gateway.get("wiki", headers={"cookie": gateway.grant_cookie("wiki")}).status_code == 200
        gateway.stub.start()
        assert gateway.get("wiki").status_code == 200

    def test_a_silent_one_means_refusal(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.answer = replace(gateway.stub.answer, delay_seconds=30)

        assert gateway.get("wiki").status_code == 503
        assert not gateway.upstream.requests

    def test_nonsense_means_refusal(self, gateway: GatewayUnderTest) -> None:
        gateway.stub.pause()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(gateway.instance.decider_socket))
        listener.listen()
        try:
            import threading

            def nonsense() -> None:
                while True:
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection:
                        connection.recv(65536)
                        connection.sendall(b"SSH-2.0-200 OK\r\n\r\n")

            threading.Thread(target=nonsense, daemon=True).start()
            assert gateway.get("wiki").status_code == 503
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        assert not gateway.upstream.requests

    def test_the_configuration_says_so(self, gateway: GatewayUnderTest) -> None:
        listeners = json.loads((gateway.instance.envoy / "listeners/listeners.json").read_bytes())["resources"]
        manager = listeners[0]["filter_chains"][0]["filters"][-1]["typed_config"]
        decision = next(entry for entry in manager["http_filters"] if entry["name"] == "ostiary.decision")

        assert decision["typed_config"]["failure_mode_allow"] is False
        running = json.loads(ask_admin(gateway.instance, "/config_dump"))
        assert '"failure_mode_allow": true' not in json.dumps(running)

    def test_without_the_grants_file_nothing_passes(self, gateway: GatewayUnderTest) -> None:
        gateway.end(gateway.envoy)
        (gateway.instance.envoy / GRANTS_FILE).unlink()
        with pytest.raises(AssertionError):
            gateway.start_envoy(seconds=3)
        with pytest.raises(httpx.TransportError):
            gateway.get("wiki")


class TestUpstreams:
    def test_a_dead_one(self, gateway: GatewayUnderTest) -> None:
        gateway.apply([echo_app("wiki", upstream=f"http://127.0.0.1:{free_port()}")])

        gateway.eventually(lambda: gateway.get("wiki").status_code == 503, "the new upstream is in force")
        assert gateway.get("wiki").json()["title"] == "This cannot be reached right now"

    def test_one_that_hangs_up_or_talks_nonsense(self, gateway: GatewayUnderTest) -> None:
        for path in ("/hang-up", "/garbage"):
            answer = gateway.ask("POST", "wiki", path)
            assert answer.status_code in {502, 503}
            assert answer.headers["content-type"] == "application/problem+json"
            assert gateway.upstream.requests[path] == 1, "what may have had an effect is not sent twice"

    def test_a_safe_request_is_tried_once_more(self, gateway: GatewayUnderTest) -> None:
        assert gateway.get("wiki", "/hang-up").status_code in {502, 503}
        assert gateway.upstream.requests["/hang-up"] == 2

    def test_a_slow_one_is_given_up_and_starves_nobody(self) -> None:
        apps = [echo_app("slow"), echo_app("wiki")]
        with GatewayUnderTest(apps, gateway="request_seconds = 2") as gateway:
            gateway.stub.allow()
            hanging = [gateway.open("slow") for _ in range(40)]
            for connection in hanging:
                connection.sendall(
                    f"GET /sleep/30 HTTP/1.1\r\nHost: slow.example.test:{gateway.https_port}\r\n\r\n".encode()
                )
            assert gateway.get("wiki").status_code == 200
            assert gateway.get("slow", "/sleep/30").status_code == 504
            for connection in hanging:
                connection.close()

    def test_its_own_errors_pass_as_they_are(self, gateway: GatewayUnderTest) -> None:
        answer = gateway.get("wiki", "/status/503")

        assert (answer.status_code, answer.json()["target"]) == (503, "/status/503")

    def test_health_is_seen_from_outside(self) -> None:
        from ostiary.applications.adapters.upstream_health import read_upstream_health
        from ostiary.applications.facade import Health

        apps = [
            echo_app("well", health_path="/healthz"),
            echo_app("ill", health_path="/status/500"),
            echo_app("gone", upstream=f"http://127.0.0.1:{free_port()}", health_path="/healthz"),
            echo_app("new"),
        ]
        with GatewayUnderTest(apps) as gateway:
            gateway.stub.allow()

            def health() -> dict[str, Health]:
                found = read_upstream_health(gateway.apps, admin_socket=gateway.instance.envoy_admin_socket)
                return {one.app: one.health for one in found}

            expected = {"well": Health.UP, "ill": Health.DOWN, "gone": Health.DOWN, "new": Health.UNKNOWN}
            gateway.eventually(lambda: health() == expected, "health is known")
            assert gateway.get("ill").status_code == 503
            gateway.get("new")
            assert health()["new"] is Health.UP
            gateway.end(gateway.envoy)
            assert set(health().values()) == {Health.UNKNOWN}


class TestUpstreamTls:
    @pytest.fixture
    def secure(self, tmp_path: Path) -> Iterator[tuple[EchoUpstream, Path]]:
        certificate, context = write_authority(tmp_path, "IP:127.0.0.1,DNS:app.internal")
        upstream = EchoUpstream(tls=context).start()
        yield upstream, certificate
        upstream.stop()

    def test_only_the_named_authority_is_believed(self, secure: tuple[EchoUpstream, Path], tmp_path: Path) -> None:
        upstream, certificate = secure
        other, _ = write_authority(_new(tmp_path / "other"), "IP:127.0.0.1")
        with GatewayUnderTest() as gateway:
            gateway.authorities = {str(path): path.read_text() for path in (certificate, other)}
            gateway.apply(
                [
                    echo_app("right", upstream=upstream.url, ca_file=str(certificate)),
                    echo_app("system", upstream=upstream.url),
                    echo_app("wrong", upstream=upstream.url, ca_file=str(other)),
                    echo_app("gone", upstream=upstream.url, ca_file="/does/not/exist.pem"),
                    echo_app("blind", upstream=upstream.url, verify_tls=False),
                ]
            )
            gateway.stub.allow()
            gateway.eventually(lambda: gateway.get("right").status_code == 200, "the apps are there")
            statuses = {name: gateway.get(name).status_code for name in ("right", "system", "wrong", "gone", "blind")}

        assert statuses == {"right": 200, "system": 503, "wrong": 503, "gone": 503, "blind": 200}

    def test_the_name_must_fit(self, tmp_path: Path) -> None:
        certificate, context = write_authority(tmp_path, "DNS:app.internal")
        upstream = EchoUpstream(tls=context).start()
        try:
            with GatewayUnderTest() as gateway:
                gateway.authorities = {str(certificate): certificate.read_text()}
                gateway.apply([echo_app("wiki", upstream=upstream.url, ca_file=str(certificate))])
                gateway.stub.allow()
                gateway.eventually(lambda: gateway.get("wiki").status_code == 503, "refused")
        finally:
            upstream.stop()
        assert not upstream.requests


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


class TestConfiguration:
    def test_a_rejected_one_changes_nothing(self, gateway: GatewayUnderTest) -> None:
        plan = gateway.plan([echo_app("wiki")])
        broken = json.loads(plan.files[ROUTES_FILE])
        broken["resources"][0]["virtual_hosts"][0]["routes"][0]["match"] = {"safe_regex": {"regex": "("}}
        bad = replace(plan, files={**plan.files, ROUTES_FILE: json.dumps(broken).encode()})
        before = {path: path.read_bytes() for path in gateway.instance.envoy.rglob("*.json")}

        with pytest.raises(RejectedConfiguration, match="missing"):
            apply_plan(bad, gateway.instance)

        assert {path: path.read_bytes() for path in gateway.instance.envoy.rglob("*.json")} == before
        assert gateway.get("wiki").status_code == 200

    @pytest.mark.parametrize("file", ["routes/routes.json", "listeners/listeners.json", "clusters/clusters.json"])
    @pytest.mark.parametrize("content", [b"", b"{", b'{"resources": [{"@type": "nonsense"}]}'])
    def test_even_one_that_got_past_us_does_not_open_or_end_anything(
        self, gateway: GatewayUnderTest, file: str, content: bytes
    ) -> None:
        from ostiary.gateway.replaced_file import replace_file

        replace_file(gateway.instance.envoy / file, content)
        gateway.eventually(lambda: b"update_rejected" in ask_admin(gateway.instance, "/stats") and True, "seen")
        assert gateway.get("wiki").status_code == 200
        gateway.stub.refuse(403)
        assert gateway.get("wiki").status_code == 403

    def test_repeating_changes_nothing_and_the_difference_is_empty(self, gateway: GatewayUnderTest) -> None:
        assert diff_plan(gateway.plan([echo_app("wiki")]), gateway.instance) == ()
        assert gateway.apply([echo_app("wiki")]) == ()

    def test_an_older_plan_is_refused(self, gateway: GatewayUnderTest) -> None:
        old = gateway.plan([echo_app("wiki"), echo_app("late")])
        gateway.apply([echo_app("wiki")])

        with pytest.raises(StalePlan):
            apply_plan(old, gateway.instance)
        assert applied_generation(gateway.instance) == gateway.generation

    def test_apps_come_and_go_while_others_are_served(self, gateway: GatewayUnderTest) -> None:
        difference = diff_plan(gateway.plan([echo_app("wiki"), echo_app("late")]), gateway.instance)
        assert {one.name for one in difference} == {"grants/grants.json", "clusters/clusters.json", *_ROUTED}
        assert any("+" in one.text and "late" in one.text for one in difference)

        with gateway.client() as client:
            assert client.get(gateway.url("wiki")).status_code == 200
            gateway.apply([echo_app("wiki"), echo_app("late")])
            gateway.eventually(lambda: gateway.get("late").status_code == 200, "the new app is there")
            assert client.get(gateway.url("wiki")).status_code == 200
            gateway.apply([echo_app("wiki")])
            gateway.eventually(lambda: _is_gone(gateway), "the app is gone")
            assert client.get(gateway.url("wiki")).status_code == 200

    def test_a_host_that_moves_is_never_decided_as_one_app_and_sent_to_another(self, gateway: GatewayUnderTest) -> None:
        first, second = EchoUpstream().start(), EchoUpstream().start()
        try:
            for turn in range(6):
                names = ("left", "right") if turn % 2 else ("right", "left")
                apps = [
                    echo_app(
                        names[0], host="moving.example.test", upstream=first.url if names[0] == "left" else second.url
                    ),
                    echo_app(
                        names[1], host="still.example.test", upstream=first.url if names[1] == "left" else second.url
                    ),
                ]
                gateway.apply(apps)
                deadline = time.monotonic() + 1
                while time.monotonic() < deadline:
                    gateway.stub.asked.clear()
                    first.requests.clear()
                    second.requests.clear()
                    gateway.get("moving", "/page")
                    asked = [one.header("x-ostiary-app") for one in gateway.stub.checks()]
                    reached = {"left": first.requests["/page"], "right": second.requests["/page"]}
                    assert sum(reached.values()) <= 1
                    assert all(asked == [name] for name, count in reached.items() if count)
        finally:
            first.stop()
            second.stop()


_ROUTED = ("routes/routes.json", "redirects/redirects.json")


def _is_gone(gateway: GatewayUnderTest) -> bool:
    try:
        return gateway.get("late").status_code == 421
    except OSError:
        return True
    except Exception as error:
        return isinstance(error.__cause__, ssl.SSLError) or "certificate" in str(error).lower()


class TestLoad:
    def test_idle_connections_beyond_the_bound_are_closed_and_those_within_are_served(self) -> None:
        with GatewayUnderTest([echo_app("wiki")], gateway="max_connections = 50") as gateway:
            gateway.stub.allow()
            idle = [socket.create_connection(("127.0.0.1", gateway.https_port), timeout=10) for _ in range(120)]
            for connection in idle:
                connection.close()
            gateway.eventually(lambda: _served(gateway), "connections are taken again")
            overflow = ask_admin(gateway.instance, "/stats?filter=downstream_global_cx_overflow").decode()

        assert any(int(line.rsplit(" ", 1)[1]) > 0 for line in overflow.splitlines() if ": " in line)

    def test_the_administration_interface_is_on_no_network(self) -> None:
        with GatewayUnderTest([echo_app("wiki")]) as gateway:
            mode = gateway.instance.envoy_admin_socket.stat().st_mode & 0o777
            for port in (gateway.https_port, gateway.http_port):
                with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                    connection.sendall(b"GET /config_dump HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    assert b"configs" not in _all_of(connection)

        assert mode == 0o600


def _all_of(connection: socket.socket) -> bytes:
    content = b""
    connection.settimeout(2)
    try:
        while data := connection.recv(65536):
            content += data
    except OSError:
        pass
    return content


def _served(gateway: GatewayUnderTest) -> bool:
    try:
        return gateway.get("wiki").status_code == 200
    except Exception:
        return False
