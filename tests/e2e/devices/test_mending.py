"""A laptop whose disk is not encrypted any more: its owner is warned, then kept out, told how to mend it, mends it and is back."""

import json
import re
import subprocess
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.e2e.devices.test_chromium_on_a_laptop import CALL, make_home, sign_in, status_of
from tests.running_agent import Agent
from tests.running_instance import Client, RunningInstance
from tests.running_laptop import Laptop, open_laptop

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
RULES = """version: 1
rules:
  - name: administrators-reach-the-console
    allow: group:administrators
    to: app:console
    do: [view, edit]
  - name: wiki-on-compliant-computers
    allow: group:staff
    to: app:wiki
    do: [view, edit]
    when: {device: {compliant: true}}
"""
BASELINE = """version: 1
name: encrypted
words: Laptops leave the house.
checks:
  - name: disk-encryption
    require: {{disk_encrypted: true}}
    severity: critical
    ladder: {{notify: 0d, warn: 0d, block: {block}}}
    why: Whoever finds this computer can read everything on it.
    mend: {{linux: Have the disk encrypted again.}}
"""
DISK = {"name": "vda", "kname": "vda", "type": "disk", "fstype": None, "mountpoints": [None]}
BARE = {"name": "vda1", "kname": "vda1", "type": "part", "fstype": "ext4", "mountpoints": ["/"]}
LOCKED = {
    "name": "vda1",
    "kname": "vda1",
    "type": "part",
    "fstype": "crypto_LUKS",
    "mountpoints": [None],
    "children": [{"name": "root", "kname": "dm-0", "type": "crypt", "fstype": "ext4", "mountpoints": ["/"]}],
}


class Disk:
    """The laptop's disk, as `lsblk` on it shows it."""

    def __init__(self, laptop: Laptop) -> None:
        self.shown = laptop.folder / "lsblk.json"
        program = laptop.folder / "lsblk"
        program.write_text(f'#!/bin/sh\nexec cat "{self.shown}"\n')
        program.chmod(0o755)
        subprocess.run([*laptop.on, "mount", "--bind", str(program), "/usr/bin/lsblk"], check=True)

    def is_encrypted(self, encrypted: bool) -> None:
        part = LOCKED if encrypted else BARE
        self.shown.write_text(json.dumps({"blockdevices": [{**DISK, "children": [part]}]}))


@pytest.fixture(scope="module")
def owner(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff", name="Mina Mending"))


@pytest.fixture(scope="module")
def laptop(running: RunningInstance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with open_laptop(running, tmp_path_factory.mktemp("mending")) as one, running.rules(RULES):
        yield one


@pytest.fixture(scope="module")
def agent(laptop: Laptop, owner: Client) -> Agent:
    agent = Agent(laptop.running, laptop.home, on=laptop.on)
    status, said, errors = agent.enrol(owner, "yes")
    assert status == 0, said + errors
    device = json.loads(agent.typed("status", "--json").stdout)["device"]
    laptop.running.command("device", "approve", device)
    assert agent.typed("renew").returncode == 0
    make_home(laptop.running, laptop.home)
    for words in (("install-browser",), ("install-browser", "--policy")):
        done = agent.typed(*words)
        assert done.returncode == 0, done.stderr
    return agent


def ask_for(running: RunningInstance, *, block: str) -> None:
    running.operator("ostiary.baselines.facade:set_baseline", BASELINE.format(block=block), now=time.time())


@pytest.fixture
def required(running: RunningInstance) -> Iterator[None]:
    """Have the baseline asked of everybody, mildly, for as long as the test takes."""
    ask_for(running, block="30d")
    running.operator("ostiary.baselines.facade:require_baseline", "encrypted", now=time.time())
    yield
    running.operator("ostiary.baselines.facade:withdraw_requirement", now=time.time())
    running.operator("ostiary.baselines.facade:remove_baseline", "encrypted", now=time.time())


def reported(agent: Agent) -> str:
    """Have the agent look and report now; return what it says of it."""
    done = agent.typed("check")
    agent.running.in_force()
    return done.stdout


@pytest.mark.usefixtures("required")
def test_warned_kept_out_mended_and_back(laptop: Laptop, agent: Agent, owner: Client) -> None:
    running, disk = laptop.running, Disk(laptop)
    wiki = running.url("wiki")
    disk.is_encrypted(True)
    assert "as required" in reported(agent)
    with sync_playwright() as player, laptop.chromium(player, laptop.home) as context:
        page: Page = context.new_page()
        page.goto(wiki)
        sign_in(page, owner)
        expect(page).to_have_url(wiki)
        assert page.evaluate(CALL, running.url("wiki", "/ws").replace("https:", "wss:")) == "are you there"

        disk.is_encrypted(False)
        assert "Disk: not encrypted. Whoever finds this computer" in reported(agent)
        portal = context.new_page()
        portal.goto(running.url("id", "/devices/mend"))
        expect(portal.get_by_text("Disk: not encrypted")).to_be_visible()
        expect(portal.get_by_text("Closes apps soon")).to_be_visible()
        assert status_of(page, wiki) == 200, "warned, and not kept out yet"
        page.evaluate(CALL, running.url("wiki", "/ws").replace("https:", "wss:"))

        ask_for(running, block="0d")
        page.evaluate("() => window.ended")
        running.in_force()
        assert status_of(page, wiki) == 403
        page.get_by_role("link", name="See what this device lacks").click()
        expect(page).to_have_url(re.compile(r"/devices/dev-[a-z0-9]{12}/mend$"))
        expect(page.get_by_text("Closes apps now")).to_be_visible()
        expect(page.get_by_text("Whoever finds this computer can read everything on it.")).to_be_visible()
        expect(page.get_by_text("Have the disk encrypted again.")).to_be_visible()

        going = agent.begin("run")
        try:
            disk.is_encrypted(True)
            page.get_by_role("button", name="Check again now").click()
            expect(page.get_by_text("Nothing to mend")).to_be_visible(timeout=60_000)
        finally:
            going.terminate()
            going.communicate()
        running.in_force()
        assert status_of(page, wiki) == 200
