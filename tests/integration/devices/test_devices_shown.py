"""What is known of devices as people see it: its owner in the portal, an operator on the command line."""

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.identity_people import Browser, make_person_with_app
from tests.integration.devices.test_devices_enrol import configured
from tests.integration.devices.test_devices_life import typed

from ostiary.cli.output import ExitCode
from ostiary.devices.facade import Evidence, Reported, ready_authority, take_facts
from ostiary.devices.models import DevicePosture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _authority(settings: Any) -> Iterator[None]:
    configured(settings, approval="person")
    ready_authority(now=time.time())
    yield
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


def test_the_owner_sees_what_looks_bad_and_everything_that_is_known() -> None:
    person, secret = make_person_with_app("ada@example.test")
    browser, laptop = Browser(), Laptop(name="Kitchen")
    browser.sign_in("ada@example.test", secret)
    laptop.enrolled_for(person)
    assert "ostiary-agent run" in browser.get("/devices").content.decode().partition("It has told nothing")[2]
    laptop.report(disk_encrypted=False, firewall_on=True, problems={"secure_boot": "It does not say."})
    page = browser.get("/devices").content.decode()
    assert "Disk: not encrypted" in page
    assert "Firewall: off" not in page
    assert "not known: It does not say." in page
    laptop.report(disk_encrypted=True, firewall_on=True)
    assert "Disk: not encrypted" not in browser.get("/devices").content.decode()
    DevicePosture.objects.update(lasts=0.0)
    assert "Not heard of for too long" in browser.get("/devices").content.decode()


def test_the_commands_show_facts_and_how_they_changed() -> None:
    person, _secret = make_person_with_app("ada@example.test")
    laptop = Laptop()
    laptop.enrolled_for(person)
    assert "Nothing was told of it yet" in typed("device", "facts", laptop.device).output
    laptop.report(disk_encrypted=True, problems={"secure_boot": "It does not say."})
    now = time.time()
    said = [Reported(name="disk_encrypted", value=False, at=now)]
    evidence = Evidence.MDM_REPORTED
    take_facts(device=laptop.device, source="jamf", evidence=evidence, facts=said, taken_at=now, lasts=60.0, now=now)
    words = typed("device", "facts", laptop.device).output
    assert "agent says yes" in words
    assert "It does not say." in words
    entry = json.loads(typed("device", "facts", laptop.device, "--json").stdout)
    disk = entry["known"]["disk_encrypted"]
    assert (disk["value"], disk["evidence"], disk["source"]) == (False, "mdm-reported", "jamf")
    assert [one["value"] for one in disk["said"]] == [False, True]
    assert entry["unknown"] == {"secure_boot": "It does not say."}
    shown = json.loads(typed("device", "show", laptop.device, "--json").stdout)
    assert shown["posture"]["known"].keys() == {"disk_encrypted"}
    assert shown["sessions"] == []
    assert "disk_encrypted" in typed("device", "show", laptop.device).output
    changes = json.loads(typed("device", "history", laptop.device, "--json").stdout)
    assert [(one["name"], one["before"], one["value"], one["source"]) for one in changes] == [
        ("disk_encrypted", None, False, "jamf"),
        ("disk_encrypted", None, True, "agent"),
    ]
    assert len(json.loads(typed("device", "history", laptop.device, "-n", "1", "--json").stdout)) == 1
    assert "jamf" in typed("device", "history", laptop.device).output
    for command in ("facts", "history"):
        typed("device", command, "dev-none", code=ExitCode.FAILED)


def test_the_commands_find_devices_by_facts_and_count_them() -> None:
    person, _secret = make_person_with_app("ada@example.test")
    one, other = Laptop(name="One"), Laptop(name="Other")
    for laptop in (one, other):
        laptop.enrolled_for(person)
    one.report(disk_encrypted=False, os_version="Debian 12", os_support_days=90, security_update_age_days=3)
    for wanted, found in (("bad", one), ("no", one), ("unknown", other)):
        listed = json.loads(typed("device", "list", "--fact", f"disk_encrypted={wanted}", "--json").stdout)
        assert [entry["id"] for entry in listed] == [found.device], wanted
    for wrong in ("disk_encrypted", "no_such=bad"):
        assert "names no fact" in typed("device", "list", "--fact", wrong, code=ExitCode.FAILED).output
    for standing, count in (("blocked", 2), ("compliant", 0)):
        listed = json.loads(typed("device", "list", "--standing", standing, "--json").stdout)
        assert [one["standing"] for one in listed] == [standing] * count
    assert "No device stands" in typed("device", "list", "--standing", "odd", code=ExitCode.FAILED).output
    fleet = json.loads(typed("device", "overview", "--json").stdout)
    assert (dict(fleet["standing"])["blocked"], fleet["unknown_devices"]) == (2, 0)
    assert (fleet["devices"], fleet["telling"]) == (2, [["tells", 1], ["silent", 0], ["never", 1]])
    assert {"name": "disk_encrypted", "good": 0, "bad": 1, "unknown": 1} in fleet["facts"]
    assert fleet["versions"] == [{"name": "Debian 12", "devices": 1, "support_days": 90}]
    assert [(waiting["id"], waiting["days"]) for waiting in fleet["waiting"]] == [(one.device, 3)]
    assert "Debian 12" in typed("device", "overview").output
