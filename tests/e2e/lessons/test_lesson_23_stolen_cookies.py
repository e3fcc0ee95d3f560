"""Lesson 23, where a device is bound: a stolen cookie is worth nothing without the device's key, and its owner notices nothing."""

from collections.abc import Iterator

import msgspec
import pytest
from tests.device_material import make_leaf
from tests.gateway_fixtures import RawAnswer
from tests.running_devices import Devices, Enrolled
from tests.running_instance import Client, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SESSION, GRANT = "__Host-ostiary-session", "__Host-ostiary-grant"


def where(answer: RawAnswer) -> str:
    return dict(answer.headers).get("location", "")


@pytest.fixture(scope="module")
def devices(running: RunningInstance) -> Iterator[Devices]:
    found = Devices(running)
    yield found
    found.put_all_away()


@pytest.fixture
def laptop(devices: Devices) -> tuple[Client, Enrolled]:
    """Somebody signed in on their own laptop, with the wiki open."""
    person = devices.running.make_person("staff")
    device = devices.enrol(person)
    return devices.client(person, device).sign_in().enter("wiki"), device


def test_a_stolen_cookie_is_worth_nothing_elsewhere(devices: Devices, laptop: tuple[Client, Enrolled]) -> None:
    running, (ada, device) = devices.running, laptop
    others = devices.enrol(running.make_person("staff"))
    assert ada.api("wiki").status_code == 200, "and a grant with it"
    stolen = ada.cookies("wiki")
    assert running.session_claims(stolen[SESSION])["dev"] == device.fact.id
    assert running.unverified_claims(stolen[GRANT])["dev"] == device.leaf.fingerprint
    elsewhere = (None, others.path, devices.file(make_leaf("mine")), devices.file(make_leaf("mine"), device.leaf))
    for cookie in (f"{SESSION}={stolen[SESSION]}", ada.browser.cookie_header(running.host("wiki"))):
        for path in elsewhere:
            answer = running.raw_path("wiki", "/", f"Cookie: {cookie}", certificate=path)
            assert answer.status == 401, path
            assert running.decisions()[-1]["status_code"] == "other_device"
    assert running.raw_path("wiki", "/", f"Cookie: {cookie}", certificate=device.path).status == 200
    assert ada.api("wiki").status_code == 200


def test_a_grant_is_for_connections_of_its_certificate(devices: Devices, laptop: tuple[Client, Enrolled]) -> None:
    """Taken to another connection it opens nothing by itself: with no session beside it nobody is signed in."""
    running, (ada, device) = devices.running, laptop
    assert ada.api("wiki").status_code == 200
    grant = f"Cookie: {GRANT}={ada.cookies('wiki')[GRANT]}"
    assert running.raw_path("wiki", "/", grant, certificate=device.path).status == 200
    for path in (None, devices.enrol(ada.account).path, devices.file(make_leaf("mine"))):
        assert running.raw_path("wiki", "/", grant, certificate=path).status == 401
    plain = running.signed_in(running.make_person("staff")).enter("wiki")
    assert plain.api("wiki").status_code == 200
    without = f"Cookie: {GRANT}={plain.cookies('wiki')[GRANT]}"
    assert running.raw_path("wiki", "/", without).status == 200
    assert running.raw_path("wiki", "/", without, certificate=device.path).status == 401


def test_the_sign_in_itself_stays_on_the_device(devices: Devices, laptop: tuple[Client, Enrolled]) -> None:
    running, (ada, device) = devices.running, laptop
    cookie = f"Cookie: {ada.browser.cookie_header(running.host('id'))}"
    for path in (None, devices.file(make_leaf("mine"), device.leaf)):
        answer = running.raw_path("id", "/profile", cookie, certificate=path)
        assert (answer.status, where(answer).partition("?")[0]) == (302, "/sign-in")
        code = running.raw_path("id", f"/continue?app=wiki&bind={'b' * 43}&return=/", cookie, certificate=path)
        assert (code.status, where(code).partition("?")[0]) == (302, "/sign-in")
    forged = running.raw_path("id", "/profile", cookie, f"X-Ostiary-Device: {device.leaf.fingerprint}")
    assert (forged.status, where(forged).partition("?")[0]) == (302, "/sign-in")
    assert ada.get("id", "/profile").status_code == 200, "whoever tried elsewhere ended nothing"
    refused = [one for one in running.control_events() if one.get("status_detail") == "other_device"]
    tried = [one for one in refused if one["user"]["uid"] == ada.account.id]
    assert len(tried) == 1, "on record, and once a minute at most"


def test_a_sign_in_from_before_the_device_is_bound_or_ends_with_all_its_copies(devices: Devices) -> None:
    running, person = devices.running, devices.running.make_person("staff")
    bob = running.signed_in(running.make_person("staff")).enter("wiki")
    ada = running.signed_in(person).enter("wiki")
    wiki, portal = (f"Cookie: {ada.browser.cookie_header(running.host(host))}" for host in ("wiki", "id"))
    session = f"Cookie: {SESSION}={ada.cookies('wiki')[SESSION]}"
    device = devices.enrol(person)
    page = ("Sec-Fetch-Mode: navigate", "Accept: text/html")
    theirs = f"Cookie: {SESSION}={bob.cookies('wiki')[SESSION]}"
    assert running.raw_path("wiki", "/", theirs, *page, certificate=device.path).status == 200, (
        "another's device binds nobody"
    )
    assert running.raw_path("wiki", "/", session, "Accept: application/json", certificate=device.path).status == 200
    sent = running.raw_path("wiki", "/", session, *page, certificate=device.path)
    assert (sent.status, running.host("id") in where(sent)) == (302, True), "a page asks for a sign-in that is bound"
    assert running.raw_path("wiki", "/", session).status == 200, "until then it is what it was"
    again = running.raw_path("id", "/profile", portal, certificate=device.path)
    assert (again.status, where(again).partition("?")[0]) == (302, "/sign-in")
    running.in_force()
    for cookie in (wiki, session):
        for path in (None, device.path):
            assert running.raw_path("wiki", "/", cookie, certificate=path).status == 401, (
                "nor do its copies open anything"
            )
    assert running.raw_path("id", "/profile", portal).status == 302
    bound = devices.client(person, device)
    bound._last_step = ada._last_step
    bound.sign_in().enter("wiki")
    assert running.session_claims(bound.cookies("wiki")[SESSION])["dev"] == device.fact.id


def test_a_renewed_certificate_goes_on_with_the_same_sign_in(devices: Devices, laptop: tuple[Client, Enrolled]) -> None:
    running, (ada, device) = devices.running, laptop
    renewed = devices.leaf()
    ends = renewed.certificate.not_valid_after_utc.timestamp()
    both = {**device.fact.certificates, renewed.fingerprint: ends}
    devices.change(msgspec.structs.replace(device.fact, certificates=both))
    for host, page in (("wiki", "/"), ("id", "/profile")):
        cookie = f"Cookie: {ada.browser.cookie_header(running.host(host))}"
        assert running.raw_path(host, page, cookie, certificate=devices.file(renewed)).status == 200
