"""Which authorities' certificates browsers are asked for: what is put into place, and what changes nothing."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.decider_company import company
from tests.device_material import device_fact, make_leaf

from ostiary.config.places import Instance
from ostiary.config.schema import Configuration, Gateway
from ostiary.gateway.device_authorities import asks_for_certificates, inline_validation, install_device_authorities
from ostiary.gateway.known_devices import KnownDevices
from ostiary.gateway.replaced_file import replace_file
from ostiary.gateway.snapshots import write_snapshot
from ostiary.policy.identifiers import PersonId
from ostiary.policy.snapshot import Devices

AUTHORITY, OTHER = make_leaf("one", authority=True), make_leaf("two", authority=True)


def instance(home: Path, **gateway: Any) -> Instance:
    return Instance(home=home, configuration=Configuration(domain="example.test", gateway=Gateway(**gateway)))


def named(one: Instance) -> str:
    found = inline_validation(one)
    assert found is not None
    return str(found["trusted_ca"]["inline_string"])


def test_nobody_is_asked_where_there_is_no_authority_for_devices(tmp_path: Path) -> None:
    assert not asks_for_certificates(instance(tmp_path))
    assert not install_device_authorities(instance(tmp_path))
    assert inline_validation(instance(tmp_path)) is None


def test_what_is_there_is_put_into_place_once_and_followed(tmp_path: Path) -> None:
    one = instance(tmp_path)
    for content in (AUTHORITY.pem, AUTHORITY.pem + OTHER.pem):
        replace_file(one.device_authorities, content)
        assert asks_for_certificates(one)
        assert install_device_authorities(one)
        assert not install_device_authorities(one), "nothing changed since"
        assert named(one) == content.decode()
    secret = json.loads((one.envoy / "devices/authorities.json").read_bytes())["resources"][0]
    assert secret["validation_context"]["trust_chain_verification"] == "ACCEPT_UNTRUSTED"


@pytest.mark.parametrize(
    "damaged", [b"", b"no certificate", b"\xff\xfe", AUTHORITY.pem[:-40]], ids=["empty", "other", "bytes", "cut"]
)
def test_a_damaged_file_changes_nothing(tmp_path: Path, damaged: bytes) -> None:
    one = instance(tmp_path)
    replace_file(one.device_authorities, damaged)
    assert not asks_for_certificates(one), "and asks nobody where nothing was in force"
    replace_file(one.device_authorities, AUTHORITY.pem)
    install_device_authorities(one)
    replace_file(one.device_authorities, damaged)
    assert asks_for_certificates(one)
    assert not install_device_authorities(one)
    assert named(one) == AUTHORITY.pem.decode()


def test_behind_a_proxy_that_ends_tls_nobody_is_asked(tmp_path: Path) -> None:
    behind = instance(tmp_path, trusted_proxies=1)
    replace_file(behind.device_authorities, AUTHORITY.pem)
    assert not asks_for_certificates(behind)
    assert not install_device_authorities(behind)


def test_the_control_plane_knows_the_devices_of_the_facts_in_force(tmp_path: Path) -> None:
    first, second = make_leaf("a"), make_leaf("b")
    laptop, phone = device_fact("p-anna", [first]), device_fact("p-anna", [second], active=False)
    known, now = KnownDevices(tmp_path), 1_000.0
    assert known.proven(first.fingerprint, now) is None, "there are no facts"
    for generation, devices in enumerate(((laptop,), (laptop, phone), (phone,)), start=1):
        section = Devices(devices={one.id: one for one in devices})
        write_snapshot(tmp_path, msgspec.structs.replace(company(generation), devices=section), durable=False)
        for leaf, device in ((first, laptop), (second, phone)):
            proven, active = known.proven(leaf.fingerprint, now), known.active(leaf.fingerprint, now)
            assert (proven.fact if proven else None) == (device if device in devices else None)
            assert (active is not None) is (device in devices and device.active)
            assert (known.as_rules_see_it(device.id, PersonId("p"), now) is not None) == (device in devices)
    (tmp_path / "snapshot.msgpack").write_bytes(b"damaged")
    assert known.proven(second.fingerprint, now) is None, "what cannot be read knows no device"
    assert known.proven("", now) is None
