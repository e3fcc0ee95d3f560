"""A computer comes in as its owner would do it: the agent's own command, the portal's own forms, an administrator's yes."""

import json
import platform
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.running_agent import Agent
from tests.running_devices import OnDevice
from tests.running_instance import Client, RunningInstance

from ostiary.devices.domain.posture import FACTS

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
ONLY_MANAGED = """version: 1
rules:
  - name: administrators-reach-the-console
    allow: group:administrators
    to: app:console
    do: [view, edit]
  - name: wiki-from-managed-computers
    allow: group:staff
    to: app:wiki
    do: [view, edit]
    when: {device: {managed: true, own: true, key_protection: file}}
"""


@pytest.fixture(scope="module")
def owner(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff", name="Dora Desk"))


@pytest.fixture(scope="module")
def agent(running: RunningInstance, owner: Client, tmp_path_factory: pytest.TempPathFactory) -> Agent:
    """Have a computer that its owner confirmed and an administrator approved."""
    agent = Agent(running, tmp_path_factory.mktemp("agents") / "desk")
    status, said, errors = agent.enrol(owner, "yes")
    assert status == 0, said + errors
    assert "yet to approve" in said
    assert owner.account.email in said
    waiting = agent.typed("renew")
    assert (waiting.returncode, "yet to approve" in waiting.stderr) == (3, True)
    device = json.loads(agent.typed("status", "--json").stdout)["device"]
    running.command("device", "approve", device, "--reason", "handed out")
    done = agent.typed("renew")
    assert done.returncode == 0, done.stderr
    return agent


def test_the_computer_holds_a_key_that_only_its_user_reads_and_a_certificate_for_it(agent: Agent) -> None:
    status = json.loads(agent.typed("status", "--json").stdout)
    assert status["certificate_good"] is True
    assert agent.state.stat().st_mode & 0o077 == 0
    for path in agent.state.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    leaf = x509.load_pem_x509_certificates((agent.state / "device.pem").read_bytes())[0]
    key = load_pem_private_key((agent.state / "device.key").read_bytes(), password=None)
    assert leaf.public_key() == key.public_key()
    assert "good until" in agent.typed("status").stdout


def test_it_renews_by_itself_and_stops_when_told(agent: Agent) -> None:
    before = (agent.state / "device.pem").read_bytes()
    (agent.state / "device.pem").unlink()
    process = agent.begin("run")
    assert process.stdout is not None
    assert "good until" in process.stdout.readline()
    process.terminate()
    process.communicate()
    assert process.returncode == 0
    assert (agent.state / "device.pem").read_bytes() != before


def test_it_tells_how_the_computer_is_kept_and_shows_first_what_it_tells(
    running: RunningInstance, agent: Agent
) -> None:
    sent = json.loads(agent.typed("facts", "--json").stdout)
    shown = {one["name"]: one for one in sent["facts"]}
    assert shown.keys() == FACTS.keys() - {"vulnerable_critical", "vulnerable_high"}
    assert all((one["value"] is None) == bool(one["problem"]) for one in shown.values())
    version = platform.freedesktop_os_release()["PRETTY_NAME"]
    assert shown["os_version"]["value"] == version
    assert agent.typed("facts").stdout.splitlines()[0].endswith(version)
    done = agent.typed("check")
    assert "Reported." in done.stdout, done.stderr
    device = json.loads(agent.typed("status", "--json").stdout)
    assert (device["reports_waiting"], device["compliant"]) == (0, done.returncode == 0), "this machine is as it is"
    assert bool(device["failing"]) == (done.returncode == 4), done.stdout
    assert ("UTC, as required" in agent.typed("status").stdout) == device["compliant"]
    posture = running.operator("ostiary.devices.facade:get_posture", device["device"], acting=False, now=time.time())
    assert posture["known"]["os_version"]["counts"]["value"] == version


def test_what_cannot_be_done_is_said_with_what_to_do(
    running: RunningInstance, agent: Agent, owner: Client, tmp_path: Path
) -> None:
    again = agent.typed("enrol", running.url("id", ""))
    assert (again.returncode, "ostiary-agent leave" in again.stderr) == (1, True)
    other = Agent(running, tmp_path / "other")
    assert "ostiary-agent enrol" in other.typed("status").stderr
    untrusted = other.typed("enrol", running.url("id", ""), "--no-browser")
    assert (untrusted.returncode, "--ca" in untrusted.stderr) == (1, True)
    assert "https://id.example.com" in other.typed("enrol", "http://id.example.com").stderr
    status, _said, errors = other.enrol(owner, "no")
    assert (status, "said no" in errors) == (1, True)
    assert other.typed("status").returncode == 1


def test_it_opens_what_wants_a_managed_computer_until_it_is_lost(
    running: RunningInstance, agent: Agent, owner: Client, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes((agent.state / "device.key").read_bytes() + (agent.state / "device.pem").read_bytes())
    device = json.loads(agent.typed("status", "--json").stdout)["device"]
    with running.rules(ONLY_MANAGED):
        running.in_force()
        assert owner.api("wiki").status_code != 200, "without its certificate nobody is managed"
        here = running.client(owner.account)
        here._last_step = owner._last_step
        here.browser = OnDevice(running.authority, both)
        here.sign_in().enter("wiki")
        assert here.api("wiki").status_code == 200
        running.command("device", "quarantine", device)
        running.in_force()
        assert here.api("wiki").status_code != 200
        running.command("device", "release", device)
        running.in_force()
        assert here.api("wiki").status_code == 200
        running.command("device", "lost", device, "--yes", "--reason", "left on the train", "--keep-sign-ins")
        running.in_force()
        assert here.api("wiki").status_code != 200
        assert owner.get("id", "/devices").status_code == 200, "what is signed in elsewhere goes on"
    ended = agent.typed("renew")
    assert (ended.returncode, "lost" in ended.stderr) == (3, True)
    assert agent.typed("leave").returncode == 0
    assert [path.name for path in agent.state.iterdir()] == [".lock"]


def test_an_office_full_of_agents_takes_nobodys_tries_to_sign_in(running: RunningInstance, owner: Client) -> None:
    browser, address = owner.browser.client_for(running.host("id")), running.url("id", "/devices/agent/nonce")
    assert {browser.post(address, json={}).status_code for _ in range(120)} == {200}
