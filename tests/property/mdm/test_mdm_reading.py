"""Whatever a vendor answers is either read, with every value of the form it has to have, or refused in words."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.management_there import fleet_host, intune_device, jamf_computer

from ostiary.devices.facade import FACTS
from ostiary.mdm.domain import fleet, intune, jamf
from ostiary.mdm.domain.connections import UnusableConnection, describe
from ostiary.mdm.domain.records import Page, UnreadableAnswer

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
READERS: dict[str, tuple[str, Callable[[Any, str], Page], str, Callable[[int], dict[str, Any]]]] = {
    "fleet": ("hosts", fleet.read_hosts, fleet.first_page(), fleet_host),
    "intune": ("value", intune.read_devices, intune.first_page(), intune_device),
    "jamf": ("results", jamf.read_computers, jamf.first_page(), jamf_computer),
}


def replaced(entry: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """Return an entry with some of its values, however deep, replaced by anything."""
    made: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, dict) and data.draw(st.booleans()):
            made[name] = replaced(value, data)
        else:
            made[name] = data.draw(ANYTHING) if data.draw(st.integers(0, 3)) == 0 else value
    return made


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_an_entry_is_read_whatever_stands_in_it(kind: str, data: st.DataObject) -> None:
    key, read, at, make = READERS[kind]
    entries = [replaced(make(1), data), data.draw(ANYTHING), make(2)]
    page = read({key: entries}, at)
    assert len(page.records) + page.skipped == 3
    assert page.records[-1].name
    for record in page.records:
        assert record.there
        assert record.serial == record.serial.lower()
        for name, value in record.facts.items():
            assert type(value) is FACTS[name].kind
        for text in (record.there, record.name, record.serial, record.owner, record.standing):
            assert len(text) <= 254
            assert text.isprintable()
        msgspec.json.encode(record)


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=20, deadline=None)
@given(body=ANYTHING)
def test_an_answer_that_is_none_is_refused(kind: str, body: Any) -> None:
    key, read, at, _make = READERS[kind]
    if not (isinstance(body, dict) and isinstance(body.get(key), list)):
        with pytest.raises(UnreadableAnswer):
            read(body, at)


@settings(max_examples=20, deadline=None)
@given(
    kind=st.text(max_size=10) | st.sampled_from(list(READERS)),
    address=st.text(max_size=40),
    client=st.text(max_size=20),
)
def test_a_connection_is_described_or_refused(kind: str, address: str, client: str) -> None:
    try:
        described = describe(kind, address=address, client_id=client, tenant=client)
    except UnusableConnection:
        return
    assert described.address.count("/") == 2


@pytest.mark.parametrize(
    ("state", "means"),
    [("ENCRYPTED", True), ("ENCRYPTING", False), ("UNENCRYPTED", False), ("UNKNOWN", None), (["ENCRYPTED"], None)],
)
def test_what_jamf_says_of_the_start_volume(state: Any, means: bool | None) -> None:
    section = {"bootPartitionEncryptionDetails": {"partitionFileVault2State": state}}
    (record,) = jamf.read_computers({"results": [jamf_computer(1, diskEncryption=section)]}, jamf.first_page()).records
    assert record.facts.get("disk_encrypted") is means


def test_a_host_with_two_owners_has_none() -> None:
    mapping = [{"email": "ada@example.test"}, {"email": "ben@example.test"}]
    (record,) = fleet.read_hosts({"hosts": [fleet_host(1, device_mapping=mapping)]}, fleet.first_page()).records
    assert record.owner == ""


@pytest.mark.parametrize("serial", ["", "0", "System Serial Number", "To be filled by O.E.M.", "Default string", None])
def test_what_makers_write_in_place_of_a_serial_number_tells_nothing_apart(serial: Any) -> None:
    (record,) = intune.read_devices({"value": [intune_device(1, serialNumber=serial)]}, "").records
    assert record.serial == ""


@pytest.mark.parametrize(
    ("agent", "managed"),
    [
        ("mdm", True), ("easMdm", True), ("intuneClient", True), ("easIntuneClient", True), ("configurationManagerClientMdm", True),
        ("configurationManagerClientMdmEas", True), ("googleCloudDevicePolicyController", True), ("configurationManagerClient", False),
        ("eas", False), ("jamf", False), ("msSense", False), ("unknown", False), ("", False), (None, False), (["mdm"], False),
    ],
)  # fmt: skip
def test_only_what_intune_itself_manages_has_managements_word(agent: Any, managed: bool) -> None:
    (record,) = intune.read_devices({"value": [intune_device(1, managementAgent=agent)]}, "").records
    assert record.managed is managed
