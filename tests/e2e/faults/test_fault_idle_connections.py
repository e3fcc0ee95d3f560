"""Ten thousand connections that say nothing: people are served beside them and the gateway's memory stays within bounds."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.running_instance import RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

IDLE = 10_000
GROWTH_BYTES = 400 * 1024 * 1024
"""Envoy keeps some tens of kilobytes a connection; buffering requests for them would need far more."""


@pytest.fixture
def running() -> Iterator[RunningInstance]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 2_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), max(hard, wanted)))
    instance = RunningInstance()
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, wanted)))


def test_idle_connections_starve_nobody(running: RunningInstance) -> None:
    person = running.signed_in(running.make_person("staff")).enter("wiki")
    before = running.resident_bytes("envoy")
    with ExitStack() as idle:
        for number in range(IDLE):
            source = f"127.0.0.{2 + number % 4}"
            connection = socket.create_connection(
                ("127.0.0.1", running.https_port), timeout=30, source_address=(source, 0)
            )
            idle.callback(connection.close)
        assert reached(person.api("wiki", "/page"))
        assert reached(person.api("wiki", "/page", method="POST"))
        assert running.resident_bytes("envoy") - before < GROWTH_BYTES
    assert reached(person.api("wiki", "/page"))
