"""Device management on the console: connected, tried, asked, linked with devices, unlinked, removed."""

import time
from collections.abc import Iterator

import pytest
from tests.baseline_fleet import make_device
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of
from tests.management_there import SECRET, ManagementThere, fleet_host

from ostiary.devices.facade import get_posture
from ostiary.devices.models import StoredDevice
from ostiary.mdm.facade import get_connection, get_record, import_records, list_connections
from ostiary.mdm.models import StoredRecord

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def there() -> Iterator[ManagementThere]:
    serving = ManagementThere()
    serving.hosts = [fleet_host(1)]
    yield serving
    serving.stop()


def test_what_is_not_linked_is_listed_and_several_claims_are_said(company: Company, visit: Visit) -> None:
    page = text_of(visit("audrey_audit").get("/devices/sources/"))
    for words in ("fleet.example.test", "laptop-18", "laptop-19", "said by 2", "None of this counts"):
        assert words in page
    assert "laptop-17" not in page, "that one is linked"
    assert "/link" not in page, "an auditor only looks"
    assert "/devices/sources/" in text_of(visit("audrey_audit").get("/devices/"))
    found = text_of(visit().get("/devices/sources/?q=c02f0018+laptop-19"))
    assert "laptop-19" in found
    assert "laptop-18" not in found
    whole = text_of(visit().get("/devices/sources/fleet/"))
    assert f"/devices/{company.device}/" in whole
    assert visit().get("/devices/sources/none/").status_code == 404


def test_it_is_connected_tried_asked_and_removed(company: Company, visit: Visit, there: ManagementThere) -> None:
    client = visit()
    given = {"kind": "fleet", "name": "office", "address": there.address, "secret": "wrong"}
    refused = client.post("/devices/sources/connect", given)
    assert refused.status_code == 422
    assert "does not accept the token" in text_of(refused)
    assert "wrong" not in text_of(refused), "a secret is shown nowhere"
    missing = client.post("/devices/sources/connect", {**given, "kind": "jamf"})
    assert "client identifier" in text_of(missing)
    made = client.post("/devices/sources/connect", {**given, "secret": SECRET}, follow=True)
    assert "Waits for its first import" in text_of(made)
    assert "1 device is on its first page" in text_of(client.post("/devices/sources/office/test"))
    there.answers = [(403, {}, b"")]
    assert "Observer" in text_of(client.post("/devices/sources/office/test"))
    import_records("office", now=time.time())
    assert get_connection("office").next_try_at > time.time() + 60  # type: ignore[operator]
    assert "within ten seconds" in text_of(client.post("/devices/sources/office/import", follow=True))
    assert get_connection("office").next_try_at <= time.time()  # type: ignore[operator]
    assert "not asked any more" in text_of(client.post("/devices/sources/office/remove", {"reason": "x"}, follow=True))
    assert [one.name for one in list_connections()] == ["fleet"]


def test_a_person_says_which_device_is_meant_and_takes_it_back(company: Company, visit: Visit) -> None:
    client, now = visit(), time.time()
    StoredRecord.objects.update(facts={"disk_encrypted": True}, managed=True)
    unlink = f"/devices/sources/records/{company.linked_record}/unlink"
    assert "bruno-laptop" in text_of(client.get(unlink))
    assert "linked with no device" in text_of(client.post(unlink, {"reason": "wrong one"}, follow=True))
    assert client.get(unlink).status_code == 404
    link = f"/devices/sources/records/{company.record}/link"
    page = text_of(client.get(link))
    assert "2 records there say this serial number" in page
    assert "alice-desktop" not in page, "what waits to be approved is no device yet"
    assert client.post(link, {"device": company.waiting_device}).status_code == 422
    assert "counts for bruno-laptop" in text_of(client.post(link, {"device": company.device}, follow=True))
    assert get_record(company.record).device == company.device
    assert get_posture(company.device, now=now + 1).for_rules()["disk_encrypted_mdm_reported"] is True
    other = StoredRecord.objects.filter(device=None).first()
    assert other is not None
    again = client.post(f"/devices/sources/records/{other.pk}/link", {"device": company.device})
    assert (again.status_code, "linked already" in text_of(again)) == (422, True)


def test_a_device_is_looked_for_by_words_and_its_owners_come_first(company: Company, visit: Visit) -> None:
    owner = StoredDevice.objects.get(pk=company.device).owner
    other = company.people["alice_meyer"]
    for number in range(30):
        make_device(other.id, 8000 + number)
    client, link = visit(), f"/devices/sources/records/{company.record}/link"
    page = text_of(client.get(link))
    assert page.index("bruno-laptop") < page.index("Laptop 8000"), f"{owner.email} is whose the record is"
    assert "theirs" in page
    assert "Laptop 8029" not in page, "there are pages"
    assert "Laptop 8029" in text_of(client.get(f"{link}?page=2"))
    found = text_of(client.get(f"{link}?q=alice+8017"))
    assert "Laptop 8017" in found
    assert "bruno-laptop" not in found
    assert "No device matches" in text_of(client.get(f"{link}?q=nothing"))
    assert "Choose the device" in text_of(client.post(link, {"reason": "x"}))
    host = f"/devices/osquery/{company.host}/link"
    assert "Laptop 8029" not in text_of(client.get(host))
    assert "Laptop 8029" in text_of(client.get(f"{host}?q=8029"))


def test_what_probably_belongs_together_is_ticked_and_linked_in_one_act(company: Company, visit: Visit) -> None:
    StoredRecord.objects.filter(pk=company.linked_record).update(device=None)
    known = {"name": "Bruno-Laptop.example.test", "serial": "c02f0020", "facts": {"os_version": "Ubuntu 24.04"}}
    StoredRecord.objects.filter(pk=company.record).update(**known)
    client, address = visit(), "/devices/sources/fleet/suggested"
    assert address in text_of(client.get("/devices/sources/fleet/"))
    assert visit("audrey_audit").get(address).status_code == 403
    page = text_of(client.get(address))
    for words in ("Bruno-Laptop.example.test", "bruno-laptop", company.device, "Ubuntu 24.04"):
        assert words in page
    assert 'id="pair-1"' in page
    assert 'id="pair-1" checked' not in page, "a person ticks"
    assert 'id="pair-1" checked' in text_of(client.get(f"{address}?ticked=all"))
    assert "Tick what belongs together" in text_of(client.post(address, {"reason": "x"}))
    foreign = client.post(address, {"pair": f"{company.linked_record}:{company.device}"})
    assert (foreign.status_code, "changed meanwhile" in text_of(foreign)) == (422, True)
    done = client.post(address, {"pair": f"{company.record}:{company.device}", "reason": "labels"}, follow=True)
    assert "1 record is linked" in text_of(done)
    assert get_record(company.record).device == company.device
    assert "Nothing is suggested" in text_of(client.get(address))
