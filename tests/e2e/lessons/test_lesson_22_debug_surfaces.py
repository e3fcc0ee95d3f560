"""Lesson 22: what is for the machine itself (Envoy's administration, health, metrics) is on no network."""

import stat
from pathlib import Path

import psutil
import pytest
from tests.running_instance import Client, RunningInstance, unix_request

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SURFACES = (
    "/stats",
    "/stats/prometheus",
    "/server_info",
    "/config_dump",
    "/clusters",
    "/listeners",
    "/certs",
    "/ready",
    "/quitquitquit",
    "/logging",
    "/runtime",
    "/memory",
    "/drain_listeners",
    "/debug/pprof/",
    "/debug/vars",
    "/metrics",
    "/health",
    "/check",
    "/check/",
    "/checkpublic",
    "/forward-auth/caddy",
    "/forward-auth/nginx",
    "/__debug__/",
    "/django-admin/",
    "/admin/",
    "/accounts/login/",
    "/.git/config",
    "/.env",
    "/static/../settings.py",
    "/static/%2e%2e/%2e%2e/wsgi.py",
    "/.ostiary/static/../../service.py",
    "/.ostiary/../health",
    "/.ostiary/%2e%2e/metrics",
    "/.ostiary/static/%2e%2e/%2e%2e/%2e%2e/pages.py",
    "/.ostiary/health",
    "/.ostiary/metrics",
    "/.well-known/ostiary/../../health",
)
MARKS = (
    b"envoy",
    b"python_gc",
    b"ostiary_decisions",
    b'"decides"',
    b"config_dump",
    b"Traceback",
    b"DEBUG = ",
    b"import ",
)


@pytest.mark.parametrize("name", ["wiki", "id", "admin"])
def test_no_host_shows_them(running: RunningInstance, name: str) -> None:
    for path in SURFACES:
        for method in ("GET", "POST"):
            answer = running.raw_path(name, path, "Content-Length: 0", "Accept: */*", method=method)
            assert answer.status in {301, 302, 400, 401, 403, 404, 405, 411, 413}, (path, method, answer)
            assert not any(mark in answer.body for mark in MARKS), (path, answer.body)


def test_nor_for_somebody_signed_in(running: RunningInstance) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    for path in SURFACES:
        if path.startswith(("/.ostiary", "/.well-known", "/static/../", "/static/%2e")):
            assert ada.api("wiki", path).status_code in {200, 400, 404}
            continue
        answer = ada.api("wiki", path)
        assert answer.status_code == 200, path
        assert answer.json()["target"].startswith(path[:6]), "it is the app's own page of that name"


def test_the_network_sees_two_ports_and_loopback_one_more(running: RunningInstance) -> None:
    listening = {}
    for name in ("envoy", "decider", "control", "worker"):
        root = psutil.Process(running.pid_of(name))
        for process in (root, *root.children(recursive=True)):
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN:
                    listening[one.laddr.port] = (name, one.laddr.ip)
    assert listening == {
        running.https_port: ("envoy", "127.0.0.1"),
        running.http_port: ("envoy", "127.0.0.1"),
        running.forward_auth_port: ("decider", "127.0.0.1"),
    }


def test_the_machines_own_sockets_are_the_services_alone(running: RunningInstance) -> None:
    instance = running.instance
    for path in (instance.decider_socket, instance.control_socket, instance.envoy_admin_socket):
        assert open_to_others(path) == 0, path
    assert open_to_others(instance.secrets) == 0
    assert open_to_others(instance.state) == 0
    assert all(open_to_others(one) == 0 for one in instance.secrets.iterdir())


def open_to_others(path: Path) -> int:
    """Return the permission bits of group and others; a folder above that keeps them out counts as well."""
    bits = [stat.S_IMODE(one.stat().st_mode) & 0o077 for one in (path, path.parent)]
    return min(bits)


def test_they_answer_where_they_should(running: RunningInstance) -> None:
    instance = running.instance
    assert unix_request(instance.decider_socket, "GET", "/health").json()["decides"] is True
    assert unix_request(instance.decider_socket, "GET", "/metrics").status == 200
    assert unix_request(instance.envoy_admin_socket, "GET", "/ready").status == 200


def test_a_page_that_fails_tells_nothing(running: RunningInstance) -> None:
    nobody = running.client()
    for path in (
        "/link/" + "x" * 500,
        "/link/%00",
        "/sign-in?next=" + "%ff" * 50,
        "/continue?app=%00&bind=" + "A" * 43,
        "/nothing",
    ):
        answer = nobody.get("id", path)
        assert answer.status_code < 500, path
        assert not any(mark in answer.content for mark in (b"Traceback", b"site-packages", b"DEBUG", b"Exception")), (
            path
        )


def test_the_forward_auth_port_believes_nobody_about_themselves(running: RunningInstance) -> None:
    import http.client

    client: Client = running.signed_in(running.make_person("staff")).enter("wiki")
    session = client.cookies("wiki")["__Host-ostiary-session"]

    def ask(**headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", running.forward_auth_port, timeout=60)
        connection.request(
            "GET", "/forward-auth/caddy", headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        status = connection.getresponse().status
        connection.close()
        return status

    wanted = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/", "X_Forwarded_For": "192.0.2.1"}
    wiki = {**wanted, "X_Forwarded_Host": running.host("wiki")}
    assert ask(**wiki, Cookie=f"__Host-ostiary-session={session}") == 200
    assert ask(**wiki) == 401
    assert ask(**wiki, X_Ostiary_Assertion="forged", X_Ostiary_App="wiki") == 401
    assert ask(**wanted, Cookie=f"__Host-ostiary-session={session}") in {401, 403, 404}
    assert (
        ask(**{**wiki, "X_Forwarded_Host": running.host("payroll")}, Cookie=f"__Host-ostiary-session={session}") == 401
    )
