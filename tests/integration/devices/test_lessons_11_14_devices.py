"""Lessons 11 and 14 for devices: no door for a disabled account, and no step of coming in that can be left out or turned round."""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as now_in_force
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, Browser, make_person, make_person_with_app
from tests.integration.devices.test_devices_enrol import configured

from ostiary.devices.facade import approve_device, get_device, list_devices, ready_authority
from ostiary.devices.facts import read_devices
from ostiary.identity.facade import disable_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _authority(settings: Any) -> Iterator[None]:
    configured(settings, approval="administrator")
    ready_authority(now=time.time())
    yield
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


def test_lesson_11_a_disabled_owner_comes_in_by_none_of_the_agents_doors() -> None:
    person, secret = make_person_with_app()
    browser, laptop, second = Browser(), Laptop(), Laptop(name="Second")
    browser.sign_in("ada@example.test", secret)
    laptop.enrolled_for(person)
    approve_device(laptop.device, actor=MACHINE)
    assert laptop.renew().status_code == 200
    second.start()
    disable_person(person_id=person, reason="left", actor=MACHINE)
    refused = laptop.renew()
    assert (refused.status_code, refused.json()["error"]) == (403, "owner_gone")
    laptop.report(disk_encrypted=True)
    assert not read_devices().devices[laptop.device].active  # type: ignore[index]
    for answer in (browser.get("/devices/enrol"), browser.get("/devices"), browser.get("/devices/mend")):
        assert answer.url.startswith("/sign-in")
    answer = browser.post("/devices/enrol", code=second.started["user_code"], seen="", answer="yes")
    assert answer.url.startswith("/sign-in")
    assert second.poll().json()["status"] == "pending"
    assert len(list_devices(owner=person)) == 1


@pytest.mark.parametrize("what", ["renew", "report"])
def test_lesson_14_nothing_is_given_before_a_person_and_an_administrator_said_yes(what: str) -> None:
    laptop = Laptop()
    laptop.start()
    assert laptop.poll().json() == {"status": "pending", "device": "", "name": "", "owner": "", "state": ""}
    laptop.device = "dev-000000000000"
    act = getattr(laptop, what)
    assert act().status_code == 401, "there is no device before somebody confirms it"
    person = make_person()
    waits = Laptop(name="Waits")
    waits.enrolled_for(person)
    act = getattr(waits, what)
    assert (act().status_code, act().json()["error"]) == (403, "waiting")
    assert not read_devices().devices
    approve_device(waits.device, actor=MACHINE)
    assert act().status_code == 200


def test_lesson_14_a_code_is_good_for_what_was_looked_at_and_once() -> None:
    person, secret = make_person_with_app()
    browser, laptop = Browser(), Laptop()
    browser.sign_in("ada@example.test", secret)
    laptop.start()
    code = laptop.started["user_code"]
    for skipped in ({"answer": "yes"}, {"answer": "yes", "seen": ""}, {"answer": "yes", "seen": "x" * 43}, {}):
        browser.post("/devices/enrol", code=code, **skipped)
        assert not list_devices(owner=person), skipped
    browser.post("/devices/enrol", code=code, seen=look(browser, code), answer="yes")
    (device,) = list_devices(owner=person)
    again = browser.post("/devices/enrol", code=code, answer="yes", seen="x")
    assert again.status_code == 422
    assert get_device(device.id).state == "waiting", "a yes of its owner is none of an administrator's"


def look(browser: Browser, code: str) -> str:
    page = browser.post("/devices/enrol", code=code).content.decode()
    return page.split('name="seen" value="')[1].split('"')[0]
