"""One gateway with a few odd apps, for every test of what a single request may be; and what its app saw of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway_fixtures import GatewayUnderTest, echo_app


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayUnderTest]:
    apps = [
        echo_app("wiki", identity_headers={"remote-user": "email", "x-team": "groups"}),
        echo_app("plain", streams=False),
        echo_app("moved", host_header="inner.local:8080"),
        echo_app("odd", methods={"GET": "edit"}),
    ]
    with GatewayUnderTest(apps, gateway="max_body_bytes = 100000\nmax_header_kib = 8") as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(gateway: GatewayUnderTest) -> None:
    gateway.stub.allow({"x-ostiary-assertion": "signed", "x-ostiary-reference": "REF1", "x-ostiary-session": "s1"})
    gateway.stub.asked.clear()
    gateway.upstream.requests.clear()


def received(answer: Any) -> list[tuple[str, str]]:
    """Return the headers the app saw."""
    return [(name.lower(), value) for name, value in answer.json()["headers"]]


def values(answer: Any, name: str) -> list[str]:
    return [value for header, value in received(answer) if header == name]
