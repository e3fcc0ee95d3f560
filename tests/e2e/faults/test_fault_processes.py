"""Each process is killed under load: nobody passes who may not, nobody who is known loses more than need be, all comes back."""

import os
import signal
import socket
from collections.abc import Iterator

import pytest
from tests.e2e.faults.load import FORBIDDEN, Traffic
from tests.running_instance import Client, RunningInstance, reached

from ostiary.gateway.decider.sockets import NO_COOKIE, Connection, Sockets

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]
LOOPBACK = bytes((127, 0, 0, 1))


@pytest.fixture(scope="module")
def running() -> Iterator[RunningInstance]:
    instance = RunningInstance()
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()


@pytest.fixture
def known(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki")


def kill(running: RunningInstance, name: str) -> int:
    pid = running.pid_of(name)
    os.kill(pid, signal.SIGKILL)
    return pid


def is_replaced(running: RunningInstance, name: str, pid: int) -> bool:
    try:
        return running.pid_of(name) != pid and running._is_ready()
    except StopIteration:
        return False


def test_a_gateway_that_listens_no_more_is_started_again(running: RunningInstance, known: Client) -> None:
    """The process is there and calls itself ready; only nobody reaches it."""
    pid = running.pid_of("envoy")
    listener = Connection(socket.AF_INET, (LOOPBACK, running.https_port), (LOOPBACK, 9), NO_COOKIE)
    sockets = Sockets()
    while sockets.destroy(listener):
        pass
    sockets.close()
    running.eventually(lambda: is_replaced(running, "envoy", pid), "the gateway is started again")
    assert reached(known.api("wiki"))


@pytest.mark.parametrize("name", ["decider", "control", "worker", "envoy"])
def test_a_killed_process_lets_nobody_in_and_comes_back(running: RunningInstance, known: Client, name: str) -> None:
    running.echo.requests.clear()
    with Traffic(running, known) as traffic:
        running.eventually(lambda: all(sum(counts.values()) > 5 for counts in traffic.statuses.values()), "traffic")
        assert traffic.seen("write", 200), traffic.statuses
        pid = kill(running, name)
        running.eventually(lambda: is_replaced(running, name, pid), f"{name} is back")
        traffic.forget()
        running.eventually(
            lambda: traffic.seen("write", 200) and traffic.seen("read", 200), "the known person is served"
        )
        running.eventually(lambda: traffic.seen("stranger", 401), "the stranger is told to sign in")

    assert running.echo.requests[FORBIDDEN] == 0
    assert running.echo.requests["/page"] > 0


def test_without_the_decision_service_nothing_that_needs_it_passes(running: RunningInstance, known: Client) -> None:
    with running.frozen("decider"):
        answer = known.api("wiki", "/after", method="POST")
        assert answer.status_code == 503
        assert running.client().api("wiki", "/after").status_code == 503
        assert running.echo.requests["/after"] == 0
    running.eventually(lambda: known.api("wiki", "/later", method="POST").status_code == 200, "it decides again")


def test_without_the_control_plane_known_sessions_go_on(running: RunningInstance, known: Client) -> None:
    with running.frozen("control"):
        assert reached(known.api("wiki", "/page", method="POST"))
        assert reached(known.api("wiki", "/page"))


def test_no_acknowledged_decision_is_lost_by_a_kill(running: RunningInstance, known: Client) -> None:
    answers = [known.api("vault", "/") for _ in range(3)]
    stranger = running.client()
    references = [stranger.api("wiki", f"/{number}").json()["reference"] for number in range(5)]
    pid = kill(running, "decider")
    running.eventually(lambda: is_replaced(running, "decider", pid), "the decision service is back")

    assert all(answer.status_code in {200, 401, 403} for answer in answers)
    for reference in references:
        assert reference in running.command("audit", "show", reference)
    running.command("audit", "verify")
