"""A laptop in a network of its own, the agent on it, and its owner's Chromium, which shows the device's certificate by itself."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from tests.running_agent import Agent
from tests.running_instance import Client, RunningInstance
from tests.running_laptop import Laptop, open_laptop

from ostiary.devices.domain.certificates import fingerprint_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
RULES = """version: 1
rules:
  - name: administrators-reach-the-console
    allow: group:administrators
    to: app:console
    do: [view, edit]
  - name: files-from-anywhere
    allow: group:staff
    to: app:files
    do: [view]
  - name: wiki-from-managed-computers
    allow: group:staff
    to: app:wiki
    do: [view, edit]
    when: {device: {managed: true}}
"""
CALL = """address => new Promise((done, failed) => {
    window.socket = new WebSocket(address);
    window.ended = new Promise(over => { window.socket.onclose = over; });
    window.socket.onopen = () => window.socket.send("are you there");
    window.socket.onmessage = heard => done(heard.data);
    window.socket.onerror = failed;
})"""


@pytest.fixture(scope="module")
def owner(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff", name="Lena Laptop"))


@pytest.fixture(scope="module")
def laptop(running: RunningInstance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with open_laptop(running, tmp_path_factory.mktemp("laptop")) as one, running.rules(RULES):
        yield one


@pytest.fixture(scope="module")
def agent(laptop: Laptop, owner: Client) -> Agent:
    agent = Agent(laptop.running, laptop.home, on=laptop.on)
    status, said, errors = agent.enrol(owner, "yes")
    assert status == 0, said + errors
    return agent


def make_home(running: RunningInstance, home: Path) -> Path:
    """Make a home whose browsers trust the instance, which vouches for itself here, as whoever runs it would see to."""
    folder = home / ".pki/nssdb"
    folder.mkdir(parents=True)
    subprocess.run(["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"], check=True)
    words = ["certutil", "-A", "-d", f"sql:{folder}", "-n", "instance", "-t", "C,,", "-i", str(running.authority)]
    subprocess.run(words, check=True)
    return home


def sign_in(page: Page, owner: Client) -> None:
    assert owner.account is not None
    page.fill("#id_email", owner.account.email)
    page.fill("#id_password", owner.account.password)
    page.locator("form[action^='/sign-in'] button").first.click()
    page.fill("#id_code", owner.next_code())
    page.locator("main form button").first.click()


def as_in(context: BrowserContext) -> list[dict[str, object]]:
    """Return all cookies of a browser, as whoever can read its disk has them."""
    return [dict(one) for one in context.cookies()]


def certificate_of(agent: Agent) -> str:
    """Return the fingerprint of the certificate that the computer holds."""
    return fingerprint_of(x509.load_pem_x509_certificates((agent.state / "device.pem").read_bytes())[0])


def fingerprint_granted(running: RunningInstance, context: BrowserContext) -> str:
    """Return the certificate that a browser's connection proved when it was given its newest grant."""
    [grant] = [one["value"] for one in context.cookies(running.url("files")) if one["name"] == "__Host-ostiary-grant"]
    return str(running.unverified_claims(grant)["dev"])


def status_of(page: Page, address: str) -> int:
    answer = page.goto(address)
    assert answer is not None
    return answer.status


def test_the_laptops_chromium_opens_what_wants_a_managed_computer_and_no_other_does(
    laptop: Laptop, agent: Agent, owner: Client, tmp_path: Path
) -> None:
    running = laptop.running
    wiki, files = running.url("wiki"), running.url("files", "/public/")
    device = json.loads(agent.typed("status", "--json").stdout)["device"]
    make_home(running, laptop.home)
    running.command("device", "approve", device, "--reason", "handed out")
    assert agent.typed("renew").returncode == 0
    given = agent.typed("install-browser", "--json")
    assert (given.returncode, [one["state"] for one in json.loads(given.stdout)]) == (0, ["installed"]), given.stderr
    policy = agent.typed("install-browser", "--policy")
    assert "/etc/chromium/policies/managed/ostiary.json" in policy.stdout, policy.stderr
    running.in_force()
    with (
        sync_playwright() as player,
        laptop.chromium(player, laptop.home) as own,
        laptop.chromium(player, make_home(running, tmp_path)) as another,
    ):
        hers, theirs = own.new_page(), another.new_page()
        portal = [
            {"name": name, "value": value, "url": running.url("id"), "secure": True}
            for name, value in owner.cookies("id").items()
        ]
        another.add_cookies(portal)  # type: ignore[arg-type]
        assert (status_of(theirs, files), status_of(theirs, wiki)) == (200, 403)
        expect(theirs.get_by_text("open only on a managed device")).to_be_visible()
        expect(theirs.get_by_role("link", name="Enrol this device")).to_be_visible()

        own.add_cookies(as_in(another))  # type: ignore[arg-type]
        hers.goto(wiki)
        expect(hers.get_by_text("This computer now proves which it is")).to_be_visible()
        sign_in(hers, owner)
        expect(hers).to_have_url(wiki)
        assert running.decisions()[-1]["unmapped"]["ostiary"]["request"]["device"]["id"] == device
        theirs.goto(files)
        expect(theirs.locator("#id_password")).to_be_visible()

        assert agent.typed("renew").returncode == 0
        running.in_force()
        assert [status_of(hers, files) for _ in "ab"] == [200, 200], "and a grant"
        assert fingerprint_granted(running, own) == certificate_of(agent), (
            "what is new in the store is shown, without a restart"
        )

        running.operator("tests.running_operator:run_out_but_newest", device, acting=False)
        running.in_force()
        assert status_of(hers, wiki) == 200, "it goes on showing there what it chose first, and that has run out"
        asked = running.decisions()[-1]["unmapped"]["ostiary"]["request"]
        assert (asked["resource"]["app"], asked["device"]["id"]) == ("wiki", device)

        another.clear_cookies()
        another.add_cookies(as_in(own))  # type: ignore[arg-type]
        for app in (files, wiki):
            theirs.goto(app)
            expect(theirs.locator("#id_password")).to_be_visible()
        assert status_of(hers, wiki) == 200, "who has the cookies alone ends nothing"

        assert hers.evaluate(CALL, running.url("wiki", "/ws").replace("https:", "wss:")) == "are you there"
        running.command("device", "lost", device, "--yes", "--reason", "left on the train", "--keep-sign-ins")
        hers.evaluate("() => window.ended")
        running.in_force()
        hers.goto(wiki)
        expect(hers.get_by_text("Your sign-in belongs to another device")).to_be_visible()
        expect(hers.get_by_text("close the browser and open it again")).to_be_visible()
        assert hers.locator("#id_password").is_visible()
    assert agent.typed("leave").returncode == 0
    assert agent.typed("status").returncode == 1
