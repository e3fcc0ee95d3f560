"""Lesson 17: only the leaf whose key was proven in the handshake says which device it is, whatever stands beside it."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.device_material import make_leaf
from tests.gateway_fixtures import read_answer
from tests.running_devices import Devices, Enrolled
from tests.running_instance import RULES, Client, RunningInstance, received

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
MANAGED = (
    RULES
    + """\
  - name: staff-open-payroll-on-managed-devices
    allow: group:staff
    to: app:payroll
    do: [view]
    when: {device: {managed: true}}
"""
)


class Floor:
    """Ada's laptop, Bob's, and somebody whose session is bound to none of them."""

    def __init__(self, running: RunningInstance) -> None:
        self.running = running
        self.devices = Devices(running)
        self.ada = running.signed_in(running.make_person("staff")).enter("wiki")
        self.bob = running.make_person("staff")
        self.old, self.ended, self.replaced = (
            self.devices.leaf(),
            self.devices.leaf(seconds=-5),
            self.devices.leaf(),
        )
        self.adas = self.devices.enrol(self.ada.account, self.old, self.ended)
        self.bobs = self.devices.enrol(self.bob)
        page = self.ada.open("payroll")
        assert page.status_code == 403, "no device is proven there"
        self.cookie = f"Cookie: {self.ada.browser.cookie_header(running.host('payroll'))}"

    def ask(self, certificate: Path | None, *headers: str, **more: object) -> int:
        return self.running.raw_path(
            "payroll", "/", self.cookie, "Accept: application/json", *headers, certificate=certificate, **more
        ).status

    def seen(self) -> str | None:
        """Return the device that the last decision about Payroll saw."""
        events = [one for one in self.running.decisions() if one["dst_endpoint"].get("svc_name") == "payroll"]
        return events[-1].get("device", {}).get("uid")


@pytest.fixture(scope="module")
def floor(running: RunningInstance) -> Iterator[Floor]:
    with running.rules(MANAGED):
        found = Floor(running)
        yield found
        found.devices.put_all_away()


def test_a_certificate_of_the_devices_own_names_it(floor: Floor) -> None:
    for path in (floor.adas.path, floor.devices.file(floor.old)):
        assert floor.ask(path) == 200
        assert floor.seen() == floor.adas.fact.id
    assert floor.ask(floor.adas.path, newest=ssl.TLSVersion.TLSv1_2) == 200
    assert floor.ask(None) == 403
    assert floor.seen() is None


def test_what_stands_beside_the_leaf_names_nobody(floor: Floor) -> None:
    stranger = make_leaf("stranger")
    file, authority = floor.devices.file, floor.devices.authority
    for chain in (
        (stranger,),
        (stranger, floor.adas.leaf),
        (stranger, floor.adas.leaf, authority),
        (stranger, authority, floor.adas.leaf, floor.bobs.leaf),
    ):
        assert floor.ask(file(*chain)) == 403, "the handshake ends well and proves the stranger's key alone"
        assert floor.seen() is None
    assert floor.ask(file(floor.bobs.leaf, floor.adas.leaf)) == 200
    assert floor.seen() == floor.bobs.fact.id, "the first, whose key was proven"


def test_the_authoritys_signature_alone_names_nobody(floor: Floor) -> None:
    """Neither a certificate that was signed and is not in the facts, nor a name, nor an authority of the same name."""
    twin = make_leaf("devices", authority=True)
    for leaf in (floor.replaced, make_leaf("device", signed_by=twin)):
        for chain in ((leaf,), (leaf, floor.devices.authority)):
            assert floor.ask(floor.devices.file(*chain)) == 403
            assert floor.seen() is None


def test_one_that_has_ended_breaks_no_connection_and_names_nobody(floor: Floor) -> None:
    assert floor.ask(floor.devices.file(floor.ended)) == 403
    assert floor.seen() is None


def test_one_that_has_ended_names_the_device_it_was_given_while_that_has_a_good_one(floor: Floor) -> None:
    """As a browser goes on showing it that was not closed since: its key is the one that the device is still known by."""
    laptop, before = floor.devices.enrol(floor.ada.account), floor.devices.leaf(seconds=-5)
    path = floor.devices.file(before)
    assert floor.ask(path) == 403
    floor.devices.was_given(laptop, before)
    assert (floor.ask(path), floor.seen()) == (200, laptop.fact.id)
    ended = dict.fromkeys(laptop.fact.certificates, time.time() - 1)
    floor.devices.change(msgspec.structs.replace(laptop.fact, certificates=ended))
    assert (floor.ask(path), floor.seen()) == (403, None), "nobody renewed"
    floor.devices.change(laptop.fact)
    assert floor.ask(path) == 200
    floor.devices.put_away(laptop)
    assert (floor.ask(path), floor.seen()) == (403, None), "lost"


def test_a_header_proves_nothing(floor: Floor) -> None:
    forged = f"X-Ostiary-Device: {floor.adas.leaf.fingerprint}"
    granted = f"x-ostiary-granted-device: {floor.adas.leaf.fingerprint}"
    assert floor.ask(None, forged, granted) == 403
    assert floor.ask(None, forged, "Connection: close, x-ostiary-device") == 403
    assert floor.ask(floor.devices.file(make_leaf("stranger")), forged, granted) == 403
    assert floor.ask(None, f"X_Ostiary_Device: {floor.adas.leaf.fingerprint}") == 400


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_resumed_connection_proves_what_its_first_one_did_and_no_longer(floor: Floor, newest: ssl.TLSVersion) -> None:
    running, laptop = floor.running, floor.devices.enrol(floor.ada.account)
    context = running.trust()
    context.maximum_version = newest
    context.load_cert_chain(laptop.path)
    host, lines = running.host("payroll"), ("Connection: close", floor.cookie, "Accept: application/json")
    request = "\r\n".join(("GET / HTTP/1.1", f"Host: {host}:{running.https_port}", *lines, "", "")).encode()

    def ask(session: ssl.SSLSession | None) -> tuple[int, ssl.SSLSession | None]:
        plain = socket.create_connection(("127.0.0.1", running.https_port), timeout=30)
        with plain, context.wrap_socket(plain, server_hostname=host, session=session) as connection:
            connection.sendall(request)
            status = read_answer(connection).status
            assert connection.session_reused is (session is not None)
            return status, connection.session

    status, session = ask(None)
    assert (status, floor.seen()) == (200, laptop.fact.id)
    status, _ = ask(session)
    assert (status, floor.seen()) == (200, laptop.fact.id)
    floor.devices.put_away(laptop)
    status, _ = ask(session)
    assert (status, floor.seen()) == (403, None)


def test_an_app_hears_nothing_of_certificates(floor: Floor) -> None:
    on_laptop = signed_in_on(floor, floor.adas, floor.ada)
    for _ in range(2):
        answer = on_laptop.api("payroll")
        assert answer.status_code == 200
        for name in ("device", "granted-device", "from"):
            assert received(answer, f"x-ostiary-{name}") == []


def signed_in_on(floor: Floor, device: Enrolled, who: Client) -> Client:
    client = floor.devices.client(who.account, device)
    client._last_step = who._last_step
    client.sign_in()
    who._last_step = client._last_step
    return client.enter("payroll")
