"""What the portal says of a device that lacks something: what, why, how to mend it, when it closes apps; looking again; more time."""

import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as now_in_force
from tests.baseline_fleet import WELL, make_device, says
from tests.device_asking import Laptop
from tests.identity_people import MACHINE, Browser, make_person, make_person_with_app
from tests.integration.devices.test_devices_enrol import configured

from ostiary.applications.facade import add_app
from ostiary.baselines.facade import ExceptionState, grant_exception, list_exceptions, set_baseline
from ostiary.baselines.facade import require_baseline as require
from ostiary.devices.facade import get_device, quarantine_device, ready_authority, report_lost
from ostiary.devices.models import StoredDevice
from ostiary.gateway.decider.proven_device import ProvenDevice
from ostiary.gateway.publisher import publish
from ostiary.policy.identifiers import DeviceId, PersonId
from ostiary.policy.snapshot import DeviceFact
from ostiary.rulebook.facade import apply_rules
from ostiary.web.portal import mending

pytestmark = pytest.mark.django_db(transaction=True)
DEBIAN = "Debian GNU/Linux 12 (bookworm), x86_64"
OURS = """\
version: 1
name: ours
words: What our laptops need.
checks:
  - name: disk
    require: {disk_encrypted: true}
    on: [linux]
    severity: critical
    ladder: {notify: 0d, warn: 0d, block: 7d}
    why: Whoever finds it reads it.
    mend: {linux: Install it anew and tick Encrypt.}
  - name: updates
    require: {security_update_age_days: {at_most: 14}}
    ladder: {notify: 0d, block: 0d}
    why: Old faults are being used.
  - name: firewall
    require: {firewall_on: true}
    ladder: {notify: 0d}
"""


@pytest.fixture(autouse=True)
def _authority(settings: Any) -> Iterator[None]:
    configured(settings, approval="person")
    ready_authority(now=time.time())
    yield
    shutil.rmtree(now_in_force.INSTANCE.device_certificates)


@pytest.fixture
def at_work() -> tuple[Browser, Laptop]:
    person, secret = make_person_with_app()
    set_baseline(OURS, actor=MACHINE, now=time.time())
    require("ours", actor=MACHINE, now=time.time())
    laptop = Laptop(name="Ada's laptop")
    laptop.enrolled_for(person, platform=DEBIAN)
    browser = Browser()
    browser.sign_in("ada@example.test", secret)
    return browser, laptop


def words_of(browser: Browser, laptop: Laptop, **query: str) -> str:
    answer = browser.get(f"/devices/{laptop.device}/mend", **query)
    assert answer.status_code == 200, answer.content
    page = answer.content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main")]).split())


def test_it_says_what_failed_why_it_matters_and_how_to_mend_it_here(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work
    laptop.report(disk_encrypted=False, security_update_age_days=3, firewall_on=True)
    said = words_of(browser, laptop)
    for words in ("Disk: not encrypted", "Closes apps soon", "Whoever finds it reads it.", "tick Encrypt"):
        assert words in said, words
    assert "Closes apps now" not in said
    assert "Old faults" not in said, "what is as it should be needs no words"
    laptop.report(disk_encrypted=True, security_update_age_days=20, firewall_on=False)
    said = words_of(browser, laptop)
    assert said.index("waits for: 20 days") < said.index("Firewall: off"), "what closes apps comes first"
    assert "Closes apps now" in said
    assert "Nobody has written down how" in said


def test_what_is_not_known_says_why(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work
    assert "it has told nothing of itself yet" in words_of(browser, laptop)
    laptop.report(problems={"disk_encrypted": "Only root can see that."}, security_update_age_days=0, firewall_on=True)
    said = words_of(browser, laptop)
    assert "Disk: not known. Only root can see that" in said
    assert "Closes apps now" in said, "what is not known has no grace"
    assert "Nobody can tell how this is" in said
    assert "Held for now" not in said


def test_what_is_held_does_not_close_apps_yet(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work
    owner = PersonId(get_device(laptop.device).owner_id)
    others = [make_device(owner, number) for number in range(1, 4)]
    for well in ({"disk_encrypted": True}, {"disk_encrypted": None}):
        for one in others:
            says(one, **well)
        answer = laptop.report(**{**WELL, **well}).json()
    (failing,) = answer["failing"]
    assert (answer["compliant"], failing["name"]) == (True, "disk")
    assert failing["blocks_at"] > time.time() + 3000, "the agent hears when the hold ends"
    said = words_of(browser, laptop)
    assert "Many devices failed at the same time" in said
    assert "Held for now" in said
    assert "Closes apps now" not in said
    laptop.report(**{**WELL, "disk_encrypted": None, "security_update_age_days": None})
    said = words_of(browser, laptop)
    assert "Closes apps now" in said, "what it fails besides is not held"
    assert "Held for now" not in said


def test_looking_again_waits_for_the_devices_next_word(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work
    answer = laptop.report(disk_encrypted=False, security_update_age_days=0, firewall_on=True).json()
    assert answer["again_in"] == 30, "who lacks something speaks more often"
    assert answer["mend"].endswith(f"/devices/{laptop.device}/mend")
    asked = browser.post(f"/devices/{laptop.device}/mend/again")
    assert asked.status_code == 302
    again = {"again": asked.url.partition("again=")[2]}
    assert "up to 30 seconds this time" in words_of(browser, laptop, **again)
    much_later = {"again": f"{time.time() - 400:.3f}"}
    StoredDevice.objects.update(seen_at=datetime.fromtimestamp(time.time() - 500, UTC))
    assert "Nothing came" in words_of(browser, laptop, **much_later)
    worse = laptop.report(disk_encrypted=False, security_update_age_days=1, firewall_on=True).json()
    assert worse["again_in"] == 10, "somebody looks at it"
    assert "It has looked again" in words_of(browser, laptop, **much_later)
    asked = browser.post(f"/devices/{laptop.device}/mend/again")
    again = {"again": asked.url.partition("again=")[2]}
    assert "a few seconds" in words_of(browser, laptop, **again)
    laptop.report(disk_encrypted=True, security_update_age_days=0, firewall_on=True)
    said = words_of(browser, laptop, **again)
    assert "It has looked again" in said
    assert "Nothing to mend" in said
    assert laptop.report(disk_encrypted=True, security_update_age_days=0, firewall_on=True).json()["again_in"] == 300


@pytest.mark.parametrize("again", ["", "soon", "nan", "inf", "-1", "99999999999"])
def test_an_address_that_somebody_made_up_waits_for_nothing(at_work: tuple[Browser, Laptop], again: str) -> None:
    assert "Waiting for" not in words_of(*at_work, again=again)


def test_more_time_is_asked_for_and_somebody_else_answers(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work
    laptop.report(disk_encrypted=False, security_update_age_days=20, firewall_on=True)
    path = f"/devices/{laptop.device}/mend/updates/time"
    assert browser.get(path).status_code == 200
    assert browser.post(path, days="0", reason="Later").status_code == 422
    assert browser.post(path, days="3", reason="").status_code == 422
    assert browser.post(path.replace("updates", "nothing"), days="3", reason="Later").status_code == 422
    assert browser.post(path, days="3", reason="On the road until Thursday").status_code == 302
    assert browser.post(path, days="3", reason="Again").status_code == 422, "one is asked for already"
    said = words_of(browser, laptop)
    assert "nobody has answered yet" in said
    assert "Closes apps now" in said, "asking changes nothing"
    (asked,) = list_exceptions(state=ExceptionState.WAITING)
    grant_exception(asked.id, now=time.time(), actor=MACHINE)
    said = words_of(browser, laptop)
    assert "Not asked of it for now" in said
    assert "Closes apps now" not in said


def test_only_its_owner_sees_it_and_only_while_something_is_asked_of_it(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work
    stranger = Laptop(name="Another")
    stranger.enrolled_for(make_person("ben@example.test"))
    pages = ("mend", "mend/updates/time")
    for page in pages:
        assert browser.get(f"/devices/{stranger.device}/{page}").status_code == 302
        assert browser.get(f"/devices/dev-nothing/{page}").status_code == 302
    assert browser.post(f"/devices/{stranger.device}/mend/again").status_code == 302
    assert Browser().get(f"/devices/{laptop.device}/mend").url.startswith("/sign-in")
    quarantine_device(laptop.device, actor=MACHINE)
    assert "in quarantine" in words_of(browser, laptop)
    report_lost(laptop.device, actor=MACHINE, sign_out=False)
    for page in pages:
        assert browser.get(f"/devices/{laptop.device}/{page}").url == "/devices"


def test_mend_leads_to_the_only_device_there_is(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work
    assert browser.get("/devices/mend").url == f"/devices/{laptop.device}/mend"
    report_lost(laptop.device, actor=MACHINE, sign_out=False)
    assert browser.get("/devices/mend").url == "/devices"


def test_from_a_device_that_is_somebody_elses_mend_leads_to_no_device_of_ones_own(
    at_work: tuple[Browser, Laptop], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, _laptop = at_work
    theirs = DeviceFact(
        id=DeviceId("dev-ben"),
        name="Ben's laptop",
        owner=PersonId("ben"),
        active=True,
        certificates={},
        key_protection="file",
    )
    monkeypatch.setattr(mending, "active_device_of", lambda _request: ProvenDevice(theirs, time.time() + 60.0))
    assert browser.get("/devices/mend").url == "/devices"
    assert "Ben&#x27;s laptop" in browser.get("/devices").content.decode()


def test_my_devices_say_first_whether_one_is_blocked(at_work: tuple[Browser, Laptop]) -> None:
    browser, laptop = at_work

    def said() -> str:
        page = browser.get("/devices").content.decode()
        return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main")]).split())

    assert "Blocked" in said(), "nothing is known of it"
    laptop.report(disk_encrypted=True, security_update_age_days=3, firewall_on=True)
    assert "As it is required to be" in said()
    laptop.report(disk_encrypted=False, security_update_age_days=3, firewall_on=True)
    assert "Has time left" in said()
    assert "It is blocked from" in said()
    laptop.report(disk_encrypted=True, security_update_age_days=3, firewall_on=False)
    assert "Could be safer" in said()
    laptop.report(disk_encrypted=True, security_update_age_days=30, firewall_on=True)
    assert "Blocked" in said()
    assert f'href="/devices/{laptop.device}/mend"' in browser.get("/devices").content.decode()


CLOSED = """\
version: 1
rules:
  - name: encrypted
    allow: anyone
    to: app:drawings
    do: [view]
    when: {device: {disk_encrypted: true}}
  - name: ours
    allow: anyone
    to: app:bench
    do: [view]
    when: {device: {meets_stricter: true}}
  - name: vouched-for
    allow: anyone
    to: app:vault
    do: [view]
    when: {device: {key_protection: tpm}}
  - name: open
    allow: anyone
    to: app:wiki
    do: [view]
    when: {device: {compliant: true}}
"""
STRICTER = """\
version: 1
name: stricter
words: For the test bench.
checks:
  - name: lock
    require: {screen_lock: true}
    ladder: {notify: 0d}
    mend: {linux: Turn it on in Settings.}
"""


def test_apps_that_a_rule_closes_for_a_fact_say_so_beside_what_is_required(at_work: tuple[Browser, Laptop]) -> None:
    """Nothing is required of the screen lock or the key, and the disk has its grace; the apps are closed all the same."""
    browser, laptop = at_work
    for app in ("drawings", "bench", "vault", "wiki"):
        add_app(app, upstream="http://127.0.0.1:8080", name=app.title(), actor=MACHINE)
    set_baseline(STRICTER, actor=MACHINE, now=time.time())
    apply_rules(document=CLOSED, actor=MACHINE)
    laptop.report(disk_encrypted=False, security_update_age_days=0, firewall_on=True, screen_lock=False)
    publish("test")
    said = words_of(browser, laptop)
    drawings, bench, vault = (said.index(f"{app} Does not open here") for app in ("Drawings", "Bench", "Vault"))
    assert "disk is not encrypted" in said[drawings:]
    assert said.count("tick Encrypt") == 2, "once as required, once for the app"
    assert "Screen lock: off" in said[bench:]
    assert "Turn it on in Settings." in said[bench:]
    assert "Nobody has written down" in said[vault:]
    assert "Wiki" not in said, "its requirements say that already"
    laptop.report(disk_encrypted=True, security_update_age_days=0, firewall_on=True, screen_lock=True)
    publish("test")
    said = words_of(browser, laptop)
    assert "Vault Does not open here" in said
    assert "Drawings" not in said
    assert "Nothing to mend" not in said
