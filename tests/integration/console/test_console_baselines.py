"""Baselines on the console: read, written with errors by line, tried on the devices, required; exceptions and what is held."""

import re
import time

import pytest
from tests.baseline_fleet import make_device, says
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of

from ostiary.baselines.facade import (
    ExceptionState,
    Outcome,
    UnknownBaseline,
    get_baseline,
    get_exception,
    list_requirements,
    list_verdicts,
    look_at,
)
from ostiary.policy.identifiers import DeviceId

pytestmark = pytest.mark.django_db
MINE = "version: 1\nname: mine\nbased on: minimum\nchecks:\n  - name: disk\n    require: {disk_encrypted: true}\n"
SERVER = "version: 1\nname: server\nbased on: minimum\ndrop: [screen-lock]\n"


def fleet(company: Company, **facts: object) -> list[str]:
    """Give Alice four devices that say all is well, but for what is given."""
    devices = [make_device(company.people["alice_meyer"].id, number) for number in range(1, 5)]
    for one in devices:
        says(one, **facts)
    return devices


def test_the_list_and_the_pages_say_what_is_asked_and_of_whom(company: Company, visit: Visit) -> None:
    page = text_of(visit("audrey_audit").get("/devices/baselines/"))
    for words in (
        "minimum",
        "every device",
        "Laptops at the front desk",
        "version 1",
        "1 exception waits for an answer.",
    ):
        assert words in page, words
    standard = text_of(visit("audrey_audit").get("/devices/baselines/standard/"))
    for words in (
        "The disk is encrypted: yes",
        "blocked after 14 days",
        "meets_standard",
        "no brake of its own",
        "based on: minimum",
    ):
        assert words in standard, words
    assert "/require" not in standard, "an auditor only looks"
    assert visit().get("/devices/baselines/none_such/").status_code == 404


def test_a_baseline_is_tried_before_it_is_put_in_force(company: Company, visit: Visit) -> None:
    client, address = visit(), "/devices/baselines/minimum/edit"
    assert "based on: minimum" in text_of(client.get(address))
    wrong = client.post(address, {"document": MINE.replace("disk_encrypted", "disc_encrypted")})
    assert wrong.status_code == 422
    assert "Line 6" in text_of(wrong)
    assert "did you mean" in text_of(wrong)
    fleet(company, disk_encrypted=False)
    tried = text_of(client.post(address, {"document": MINE.replace("\n", "\r\n")}))
    assert "Laptop 1" in tried
    assert "Blocked at once" in tried
    with pytest.raises(UnknownBaseline):
        get_baseline("mine")
    done = client.post(address, {"document": MINE, "apply": "yes", "reason": "disks"}, follow=True)
    assert "mine is in force as version 1." in text_of(done)
    assert get_baseline("mine").written_by == "ada.admin@example.test"
    gone = client.post("/devices/baselines/mine/remove", {"reason": ""}, follow=True)
    assert "mine is gone." in text_of(gone)


def test_a_requirement_that_blocks_many_wants_the_number(company: Company, visit: Visit) -> None:
    fleet(company, disk_encrypted=False)
    client = visit()
    client.post("/devices/baselines/minimum/edit", {"document": MINE, "apply": "yes"})
    address = "/devices/baselines/mine/require"
    tried = text_of(client.post(address, {"starts": "", "group": "", "try": "yes"}))
    assert "4 of 5 devices would be blocked when it begins." in tried
    assert list_requirements() == ()
    refused = client.post(address, {"starts": "", "group": "", "apply": "yes"})
    assert refused.status_code == 422
    assert "This blocks 4 of 5 devices at once." in text_of(refused)
    done = client.post(address, {"starts": "", "group": "", "apply": "yes", "blocked": "4"}, follow=True)
    assert "mine is required." in text_of(done)
    assert sum(not one.compliant for one in list_verdicts().values()) == 5
    late = client.post(address, {"starts": "2020-01-01", "group": "", "apply": "yes", "blocked": "0"})
    assert late.status_code == 302, "a day that is over begins now"


def test_a_server_gets_a_baseline_of_its_own(company: Company, visit: Visit) -> None:
    devices = fleet(company, screen_lock=None)
    client = visit()
    client.post("/devices/baselines/minimum/edit", {"document": SERVER, "apply": "yes"})
    address = "/devices/baselines/server/require"
    for number, one in enumerate(devices):
        assert not list_verdicts()[DeviceId(one)].compliant
        done = client.post(address, {"device": one, "starts": "", "group": "", "apply": "yes"}, follow=True)
        assert "server is required." in text_of(done)
        assert list_verdicts()[DeviceId(one)].compliant
        shown = text_of(client.get("/devices/baselines/"))
        assert ("the device Laptop 1" in shown, "4 single devices" in shown) == (number < 3, number == 3)
    assert "the device Laptop 1" in text_of(client.get("/devices/baselines/server/"))
    assert client.post(address, {"device": "dev-none", "apply": "yes"}).status_code == 422


def test_an_exception_is_answered_on_its_page(company: Company, visit: Visit) -> None:
    page = text_of(visit("henk_help").get("/devices/exceptions/"))
    assert "Shares files in the workshop" in page
    assert visit("henk_help").get(f"/devices/exceptions/{company.exception}/").status_code == 403
    client, address = visit(), f"/devices/exceptions/{company.exception}/"
    assert "Granted, the device counts as if this check held" in text_of(client.get(address))
    client.post(address, {"what": "grant", "reason": "until the move"})
    found = get_exception(company.exception)
    assert (found.state, found.answered_by) == (ExceptionState.GRANTED, "ada.admin@example.test")
    assert "firewall" in _excepted(found.device)
    client.post(address, {"what": "end", "reason": ""})
    assert get_exception(company.exception).state is ExceptionState.ENDED
    again = client.post(address, {"what": "end", "reason": ""})
    assert again.status_code == 422
    assert client.get("/devices/exceptions/99999999999999999999/").status_code == 404


def test_a_device_says_what_is_required_of_it_and_how_to_mend_it(company: Company, visit: Visit) -> None:
    (first, *_) = fleet(company, firewall_on=False)
    page = text_of(visit("audrey_audit").get(f"/devices/{first}/"))
    for words in ("What is required of it", "Compliant", "Fails", "blocks from", "sudo ufw enable"):
        assert words in page, words
    assert "Not compliant" in text_of(visit().get(f"/devices/{company.device}/"))
    assert "What is required of it" not in text_of(visit().get(f"/devices/{company.waiting_device}/"))


def _excepted(device: str) -> set[str]:
    judged = look_at(device, now=time.time()).judgements
    return {one.check.name for each in judged for one in each.findings if one.outcome is Outcome.EXCEPTED}


def test_what_is_held_stands_on_the_overview_until_it_is_decided(company: Company, visit: Visit) -> None:
    client = visit()
    assert "No device is held" in text_of(client.get("/devices/baselines/held"))
    devices = fleet(company)
    for one in devices:
        says(one, now=time.time(), firewall_on=None)
    assert "4 of 5 devices stopped being compliant at once" in text_of(client.get("/"))
    assert "Laptop 1" in text_of(client.get("/devices/baselines/held"))
    kept = client.post("/devices/baselines/held", {"what": "keep", "reason": "a bad update"}, follow=True)
    assert "They count as they did before, for a day." in text_of(kept)
    let = client.post("/devices/baselines/held", {"what": "let", "reason": ""}, follow=True)
    assert "4 devices are not compliant from now on." in text_of(let)
    assert client.post("/devices/baselines/held", {"what": "let", "reason": ""}).status_code == 422


def test_an_auditor_sees_what_is_held_and_is_not_asked_to_decide(company: Company, visit: Visit) -> None:
    for one in fleet(company):
        says(one, firewall_on=None)
    assert ">Decide</a>" in text_of(visit().get("/"))
    client = visit("audrey_audit")
    page = text_of(client.get("/"))
    assert "4 of 5 devices stopped being compliant at once" in page
    assert "Decide" not in page
    assert 'href="/devices/baselines/">See them' in page
    shown = text_of(client.get("/devices/baselines/"))
    assert "<strong>firewall</strong> on 4 devices" in shown
    assert "Decide" not in shown


def test_nobody_is_led_to_a_page_that_is_not_theirs(
    company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.web.console.overview.list_proposals", lambda: ("one",))
    for who, led in (("ada_admin", True), ("audrey_audit", True), ("henk_help", False)):
        client = visit(who)
        needs = text_of(client.get("/")).split('class="needs"')[1].split("</ul>")[0]
        assert "1 change of the rules waits for an administrator." in needs
        links = re.findall(r'href="([^"]+)"', needs)
        assert ("/rules/proposals" in " ".join(links)) == led, who
        assert ">Answer</a>" in needs or who == "audrey_audit"
        assert {client.get(one).status_code for one in links} == {200}, who


def test_what_is_held_is_shown_in_pages(company: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.web.console.baselines.PAGE_SIZE", 3)
    for one in fleet(company):
        says(one, firewall_on=None)
    client = visit()
    first, second = (text_of(client.get(f"/devices/baselines/held?page={page}")) for page in (1, 2))
    assert ("Laptop 3" in first, "Laptop 4" in first) == (True, False)
    assert ("Laptop 3" in second, "Laptop 4" in second) == (False, True)
    assert "?page=2" in first
    assert "<strong>firewall</strong> on 4 devices" in second, "what they fail is said of all of them"
    done = client.post("/devices/baselines/held?page=2", {"what": "let", "reason": ""}, follow=True)
    assert "4 devices are not compliant from now on." in text_of(done), "it is decided of all of them"
