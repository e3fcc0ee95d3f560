"""Names of upstreams that lead where no app may live, through a real Envoy that asks a real, lying name service."""

import dataclasses
import json
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from tests.gateway_fixtures import GatewayUnderTest, echo_app

from ostiary.applications.domain import App
from ostiary.gateway.plan import GatewayPlan, contents

pytestmark = [pytest.mark.e2e]

NAMES = {
    "meta": "169.254.7.7",
    "cloud": "192.0.0.192",
    "six": "fe80::7",
    "mapped": "::ffff:169.254.7.7",
    "self": "127.0.0.1",
    "tls": "169.254.7.8",
    "good": "127.0.0.1",
    "turning": "127.0.0.1",
}


class NameService:
    """Answers DNS questions for `<name>.lies.test` on the loopback address, as `addresses` says. Source: RFC 1035, section 4."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.addresses = dict(addresses)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(30)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(4096)
            if not question:
                return
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5
        name = question[13 : 13 + question[12]].decode()
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        address = self.addresses.get(name, "")
        family, wanted = (socket.AF_INET6, 28) if ":" in address else (socket.AF_INET, 1)
        records = b""
        if address and kind == wanted:
            packed = socket.inet_pton(family, address)
            records = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(packed)) + packed
        header = question[:2] + struct.pack("!HHHHH", 0x8180, 1, bool(records), 0, 0)
        return header + question[12:end] + records


class Lied(GatewayUnderTest):
    """A gateway whose upstreams' names are looked up at the test's own name service, every second."""

    def __init__(self, names: NameService, apps: Iterable[App]) -> None:
        super().__init__(list(apps))
        self._names = names

    def plan(self, apps: Iterable[App]) -> GatewayPlan:
        plan = super().plan(apps)
        content = json.loads(plan.files[contents.CLUSTERS_FILE])
        for cluster in content["resources"]:
            if cluster["type"] == "STRICT_DNS":
                cluster |= {"typed_dns_resolver_config": self._resolver(), "dns_refresh_rate": "1s"}
        return dataclasses.replace(plan, files={**plan.files, contents.CLUSTERS_FILE: contents.render(content)})

    def _resolver(self) -> dict[str, Any]:
        server = {"socket_address": {"address": "127.0.0.1", "port_value": self._names.port}}
        return {
            "name": "envoy.network.dns_resolver.cares",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
                "resolvers": [server],
                "dns_resolver_options": {"no_default_search_domain": True},
            },
        }


@pytest.fixture(scope="module")
def names() -> Iterator[NameService]:
    service = NameService(NAMES)
    yield service
    service.stop()


@pytest.fixture(scope="module")
def gateway(names: NameService) -> Iterator[Lied]:
    with Lied(names, []) as running:
        running.stub.allow({"x-ostiary-assertion": "signed"})
        ports = dict.fromkeys(NAMES, running.upstream.port) | {"self": running.https_port}
        running.apply(
            echo_app(
                name, upstream=f"{'https' if name == 'tls' else 'http'}://{name}.lies.test:{port}", verify_tls=False
            )
            for name, port in ports.items()
        )
        running.eventually(
            lambda: all(running.get(name).status_code in {200, 403} for name in NAMES), "every name is looked up"
        )
        yield running


@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize("name", ["meta", "cloud", "six", "mapped", "self", "tls"])
def test_no_request_goes_there(gateway: Lied, name: str, http2: bool) -> None:
    before = gateway.upstream.requests.total()
    for headers in ({}, {"cookie": gateway.grant_cookie(name)}, {"accept": "text/event-stream"}):
        for method in ("GET", "POST"):
            assert gateway.ask(method, name, headers=headers, http2=http2).status_code == 403
    assert gateway.upstream.requests.total() == before


def test_the_log_says_why(gateway: Lied) -> None:
    gateway.get("meta", "/why")
    gateway.eventually(
        lambda: any("forbidden-destination" in json.dumps(line) for line in gateway.access_log()),
        "the reason is logged",
    )


def test_a_name_that_leads_to_an_ordinary_machine_is_served(gateway: Lied) -> None:
    assert gateway.get("good", "/page").json()["target"] == "/page"


def test_a_name_that_turns_is_refused_from_then_on(gateway: Lied, names: NameService) -> None:
    assert gateway.get("turning").status_code == 200
    names.addresses["turning"] = "169.254.7.7"
    gateway.eventually(lambda: gateway.get("turning").status_code == 403, "the new address is refused")
    names.addresses["turning"] = "127.0.0.1"
    gateway.eventually(lambda: gateway.get("turning").status_code == 200, "the app is back")
