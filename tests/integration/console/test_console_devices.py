"""Devices on the console: found, approved, turned away, put in quarantine and released, lost, retired, renamed."""

import html
import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.baseline_fleet import WELL
from tests.console_company import OPERATOR, Company
from tests.console_fixtures import Visit, text_of

from ostiary.devices.facade import (
    Evidence,
    Reported,
    State,
    UnknownDevice,
    Why,
    approve_device,
    get_device,
    list_devices,
    quarantine_device,
    take_facts,
)
from ostiary.devices.models import DeviceTpm, StoredDevice
from ostiary.identity.entrance import note_device
from ostiary.identity.facade import disable_person, get_session, list_sessions
from ostiary.policy.identifiers import DeviceId
from ostiary.visibility.facade import EventQuery, index_new_events, list_events

pytestmark = pytest.mark.django_db


def done(client: Client, device: str, act: str, **fields: str) -> str:
    """Do something with a device after its page was looked at, and return what is shown then."""
    address = f"/devices/{device}/{act}"
    assert client.get(address).status_code == 200
    answer = client.post(address, fields, follow=True)
    assert answer.redirect_chain, text_of(answer)
    return text_of(answer)


def test_the_list_begins_with_what_waits_and_is_searched(company: Company, visit: Visit) -> None:
    page = text_of(visit("audrey_audit").get("/devices/"))
    for words in ("bruno.costa@example.test", "Waits for approval", "Active"):
        assert words in page
    assert "/approve" not in page, "an auditor only looks"
    assert "Test, x86_64" in text_of(visit("audrey_audit").get("/devices/", {"columns": ["system"]}, follow=True))
    StoredDevice.objects.filter(pk=company.waiting_device).update(name="zoe-desktop")
    rows = text_of(visit().get("/devices/")).partition("<tbody>")[2]
    assert rows.index("zoe-desktop") < rows.index("bruno-laptop"), "by name it would be the last"
    assert rows.count("/approve") == rows.count("/deny") == 1
    for query, found in (("q=bruno-LAP", True), ("q=bruno.costa", True), ("state=active", True), ("q=zoe", False)):
        assert ("bruno-laptop" in text_of(visit().get(f"/devices/?{query}"))) is found, query
    assert "No device matches" in text_of(visit().get("/devices/?state=lost"))
    found = json.loads(visit().get("/devices/export?export=json&state=waiting").content)
    assert [(one["id"], one["approved_by"]) for one in found] == [(company.waiting_device, "")]


def test_without_a_device_the_command_that_enrols_one_is_shown(company: Company, visit: Visit) -> None:
    StoredDevice.objects.all().delete()
    assert "ostiary-agent enrol https://id.example.test" in text_of(visit().get("/devices/"))


@pytest.mark.parametrize(
    ("protection", "kept", "words"),
    [
        (
            "tpm",
            {"maker": "CN=Example Chips EK CA", "secure_boot": True, "quoted_at": datetime(2026, 11, 23, tzinfo=UTC)},
            ("its maker is known", "CN=Example Chips EK CA", "<dd>On · "),
        ),
        (
            "tpm_unverified",
            {"why": "The TPM has no certificate of its maker.", "boot_words": "The log is cut off."},
            ("behaves like", "Nobody", "has no certificate of its maker", "<dd>Unknown<br>", "The log is cut off."),
        ),
    ],
)
def test_a_device_says_how_far_it_was_proven_that_its_key_is_in_a_tpm(
    company: Company, visit: Visit, protection: str, kept: dict[str, Any], words: tuple[str, ...]
) -> None:
    StoredDevice.objects.filter(pk=company.device).update(key_protection=protection)
    DeviceTpm.objects.create(device_id=company.device, endorsement="e" * 64, attestation=b"a", **kept)
    page = text_of(visit("henk_help").get(f"/devices/{company.device}/"))
    assert [one for one in words if one not in page] == []


def test_a_device_says_whose_it_is_and_how_it_stands(company: Company, visit: Visit) -> None:
    page = text_of(visit("henk_help").get(f"/devices/{company.device}/"))
    person = company.people["bruno_costa"].id
    for words in (
        "bruno-laptop",
        f"/people/{person}/",
        "Active",
        "A file, as it says",
        "· root",
        "Certificate ends",
        "192.0.2.17",
    ):
        assert words in page
    for act in ("rename", "quarantine", "lost", "retire"):
        assert f"/{act}" not in page, "the help desk only looks"
    waiting = text_of(visit().get(f"/devices/{company.waiting_device}/"))
    assert "asked from another network" in waiting
    assert "/approve" in waiting
    assert "/lost" not in waiting
    assert visit().get("/devices/dev-000000000000/").status_code == 404
    assert "bruno-laptop" in text_of(visit().get(f"/people/{person}/"))
    assert "bruno-laptop" in text_of(visit().get("/search?q=bruno-lap"))


def test_a_device_shows_what_is_known_of_it_who_says_so_and_what_is_not_known(company: Company, visit: Visit) -> None:
    page = text_of(visit("henk_help").get(f"/devices/{company.device}/"))
    facts = page.partition("<h2>What is known of it</h2>")[2].partition("</section>")[0]
    for words in ("Debian 12", "not encrypted", "agent says: encrypted", "the worse counts", "<td>Fleet</td>"):
        assert words in facts, words
    assert "Its management&#x27;s word" in facts
    assert "This computer does not say how it started." in facts
    assert "Of this nobody says anything:" in facts
    assert "Screen lock" in facts.partition("nobody says anything")[2]
    changed = page.partition("What changed</h2>")[2]
    assert changed.index("Security updates waiting") < changed.index("Operating system"), "the newest stands first"
    assert "ostiary-agent run" in text_of(visit().get(f"/devices/{company.waiting_device}/"))
    StoredDevice.objects.get(pk=company.device).postures.update(lasts=0.0)
    assert "Nothing was told of it for too long" in text_of(visit().get(f"/devices/{company.device}/"))


def test_sign_ins_that_count_on_a_device_alone_stand_on_its_page(company: Company, visit: Visit) -> None:
    assert "A sign-in that is made on this device" in text_of(visit().get(f"/devices/{company.device}/"))
    session = company.sessions["bruno_costa"].id
    note_device(session_id=session, device=DeviceId(company.device))
    assert get_session(session).device == company.device
    page = text_of(visit().get(f"/devices/{company.device}/"))
    assert f"/sessions/{session}/revoke" in page
    assert session not in text_of(visit().get(f"/devices/{company.waiting_device}/"))


def test_every_change_that_is_kept_can_be_paged_through(company: Company, visit: Visit) -> None:
    address = f"/devices/{company.device}/"
    assert "/history" not in text_of(visit().get(address)), "all of them stand on the page itself"
    now = time.time()
    for number in range(60):
        pending = [Reported(name="listening_services", value=number, at=now + number)]
        take_facts(
            device=company.device,
            source="osquery",
            evidence=Evidence.SELF_REPORTED,
            facts=pending,
            taken_at=now + number,
            lasts=3600.0,
            now=now + number,
        )
    client = visit("audrey_audit")
    assert f"{address}history" in text_of(client.get(address))
    first, second = (text_of(client.get(f"{address}history?page={number}")) for number in (1, 2))
    assert "<td>59</td>" in first
    assert "<td>59</td>" not in second
    assert "Security updates waiting" in second
    assert client.get("/devices/dev-000000000000/history").status_code == 404


def test_the_overview_says_that_devices_wait_until_they_are_approved(company: Company, visit: Visit) -> None:
    client = visit()
    assert "1 device waits to be approved." in text_of(client.get("/"))
    page = done(client, company.waiting_device, "approve", reason="seen on the desk")
    assert "alice-desktop is approved." in page
    found = get_device(company.waiting_device)
    assert (found.state, found.approved_by) == (State.ACTIVE, "ada.admin@example.test")
    assert "to be approved" not in text_of(client.get("/"))
    again = client.post(f"/devices/{company.waiting_device}/approve", {"reason": ""})
    assert again.status_code == 422
    assert "Its page says how it stands now." in text_of(again)
    index_new_events(time.time())
    events = list_events(EventQuery(text="alice-desktop")).items
    assert any("enabled device alice-desktop (seen on the desk)" in one.words for one in events)
    quarantine_device(company.device, actor=OPERATOR, why=Why.KEY_USED_TWICE)
    assert "The key of 1 device seems to be in use twice." in text_of(client.get("/"))


def test_a_device_that_nobody_knows_is_turned_away(company: Company, visit: Visit) -> None:
    assert "alice-desktop is turned away." in done(visit(), company.waiting_device, "deny", reason="nobody's")
    with pytest.raises(UnknownDevice):
        get_device(company.waiting_device)


def test_quarantine_is_taken_back_and_a_name_changed(company: Company, visit: Visit) -> None:
    client, device = visit(), company.device
    page = done(client, device, "quarantine", reason="odd traffic")
    assert "Somebody put it in quarantine" in page
    assert get_device(device).state is State.QUARANTINED
    assert "Active" in done(client, device, "release", reason="a false alarm")
    assert get_device(device).state is State.ACTIVE
    done(client, device, "rename", name="bruno-notebook")
    assert get_device(device).name == "bruno-notebook"
    assert client.post(f"/devices/{device}/rename", {"name": "two\x07bells"}).status_code == 422
    assert get_device(device).name == "bruno-notebook"


def test_a_lost_device_is_ended_and_its_owner_signed_out(company: Company, visit: Visit) -> None:
    bruno = company.people["bruno_costa"].id
    assert list_sessions(person_id=bruno, page=1, page_size=5).total
    page = done(visit(), company.device, "lost", reason="left on a train")
    assert "bruno-laptop is refused for good." in page
    assert "/rename" not in page, "nothing is left to do with it"
    found = get_device(company.device)
    assert (found.state, found.certified_until) == (State.LOST, None)
    assert not list_sessions(person_id=bruno, page=1, page_size=5).total


def test_a_device_that_is_not_used_any_more_is_retired(company: Company, visit: Visit) -> None:
    assert "bruno-laptop is retired." in done(visit(), company.device, "retire", reason="sold")
    assert get_device(company.device).state is State.RETIRED


def test_a_device_of_somebody_who_left_is_not_approved(company: Company, visit: Visit) -> None:
    disable_person(person_id=company.people["alice_meyer"].id, reason="left", actor=OPERATOR)
    before = list_devices()
    answer = visit().post(f"/devices/{company.waiting_device}/approve", {"reason": ""})
    assert answer.status_code == 422
    assert list_devices() == before


def test_a_longer_list_asks_no_more_of_the_database(company: Company, visit: Visit) -> None:
    client, asked = visit(), []
    for _round in range(2):
        client.get("/devices/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/devices/").status_code == 200
        asked.append(len(captured))
        StoredDevice.objects.filter(pk=company.waiting_device).delete()
    assert asked[0] == asked[1]


def told_of(device: str, **facts: bool | int | str) -> None:
    now = time.time()
    said = [Reported(name=name, value=value, at=now) for name, value in facts.items()]
    take_facts(
        device=device, source="agent", evidence=Evidence.SELF_REPORTED, facts=said, taken_at=now, lasts=3600.0, now=now
    )


def names_in(page: str) -> set[str]:
    return {name for name in ("bruno-laptop", "alice-desktop") if name in page.partition("<tbody>")[2]}


def test_devices_are_found_by_what_is_known_of_them(company: Company, visit: Visit) -> None:
    client = visit()
    approve_device(company.waiting_device, actor=OPERATOR, reason="")
    StoredDevice.objects.filter(pk=company.waiting_device).update(platform="macOS 15, arm64")
    told_of(company.device, disk_encrypted=False, os_version="Debian 12", security_updates_pending=4)
    both = {"bruno-laptop", "alice-desktop"}
    for query, expected in (
        ("platform=macos", {"alice-desktop"}),
        ("platform=linux", {"bruno-laptop"}),
        ("telling=never", {"alice-desktop"}),
        ("telling=tells", {"bruno-laptop"}),
        ("telling=silent", set()),
        ("fact=disk_encrypted&is=bad", {"bruno-laptop"}),
        ("fact=disk_encrypted&is=good", set()),
        ("fact=disk_encrypted&is=no", {"bruno-laptop"}),
        ("fact=disk_encrypted&is=unknown", {"alice-desktop"}),
        ("fact=security_updates_pending&is=4", {"bruno-laptop"}),
        ("fact=os_version&is=Debian+12", {"bruno-laptop"}),
        ("fact=no_such_fact&is=bad", both),
        ("fact=disk_encrypted&is=", both),
    ):
        page = text_of(client.get(f"/devices/?{query}"))
        assert names_in(page) == expected, query
    rows = text_of(client.get("/devices/")).partition("<tbody>")[2]
    assert "Disk: not encrypted" in rows
    assert "= Debian 12" in text_of(client.get("/devices/?fact=os_version&is=Debian+12"))
    exported = json.loads(client.get("/devices/export?export=json&fact=disk_encrypted&is=bad").content)
    assert [(one["name"], one["security_updates_pending"], one["firewall_on"]) for one in exported] == [
        ("bruno-laptop", 4, None)
    ]
    StoredDevice.objects.get(pk=company.device).postures.update(lasts=0.0)
    StoredDevice.objects.filter(pk=company.device).update(known_until=time.time() - 1.0)
    for query in ("telling=silent", "fact=disk_encrypted&is=unknown&q=bruno"):
        assert names_in(text_of(client.get(f"/devices/?{query}"))) == {"bruno-laptop"}, "nobody worked it out anew yet"


def test_devices_are_found_by_how_they_stand(company: Company, visit: Visit) -> None:
    client = visit()
    approve_device(company.waiting_device, actor=OPERATOR, reason="")
    told_of(company.device, **WELL)
    told_of(company.waiting_device, disk_encrypted=True)
    for standing, expected in (
        ("compliant", {"bruno-laptop"}),
        ("blocked", {"alice-desktop"}),
        ("held", set()),
        ("no-such", set()),
    ):
        assert names_in(text_of(client.get(f"/devices/?standing={standing}"))) == expected, standing
    rows = text_of(client.get("/devices/?q=alice")).partition("<tbody>")[2]
    assert "Blocked</span>" in rows
    assert rows.count("badge allowed") == 1, "only that it is active"
    exported = json.loads(client.get("/devices/export?export=json&standing=blocked").content)
    assert [(one["name"], one["standing"], one["standing_until"]) for one in exported] == [
        ("alice-desktop", "blocked", None)
    ]
    told_of(company.device, **{**WELL, "firewall_on": False})
    entry = json.loads(client.get("/devices/export?export=json&standing=grace").content)[0]
    assert entry["standing_until"] > time.time()
    assert names_in(text_of(client.get("/devices/?state=in_use"))) == {"bruno-laptop", "alice-desktop"}
    StoredDevice.objects.filter(pk=company.device).update(name="Müllers Rechner")
    assert "Müllers" in text_of(client.get("/devices/?q=MÜLLER+bruno")).partition("<tbody>")[2]


def test_all_devices_together_lead_to_each(company: Company, visit: Visit) -> None:
    client = visit("audrey_audit")
    approve_device(company.waiting_device, actor=OPERATOR, reason="")
    told_of(
        company.device, disk_encrypted=False, os_version="Debian 10", os_support_days=-3, security_update_age_days=40
    )
    page = text_of(client.get("/devices/overview"))
    assert "bruno-laptop" in page.partition("waited longest")[2]
    assert '<td class="amount">40</td>' in page
    assert "Debian 10" in page
    assert "Blocked" in page.partition('id="stands"')[2]
    assert "over</span>" in page.partition("Debian 10</a>")[2].partition("</tr>")[0]
    for link in re.findall(r'href="(/devices/\?[^"]+)"', page):
        assert names_in(text_of(client.get(html.unescape(link)))), link
    StoredDevice.objects.all().delete()
    assert "No device in use" in text_of(client.get("/devices/overview"))
