"""A computer with a TPM comes in: its key never leaves the chip, and opens what wants one by programs on OpenSSL."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running_agent import Agent
from tests.running_instance import Client, RunningInstance
from tests.tpm_emulator import Chip, Factory, Firmware, Manager

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
FACADE = "ostiary.workloads.facade"
ONLY_CHIPS = """version: 1
rules:
  - name: administrators-reach-the-console
    allow: group:administrators
    to: app:console
    do: [view, edit]
  - name: files-from-computers-with-a-chip
    allow: group:staff
    to: app:files
    do: [view, edit]
    when: {device: {managed: true, key_protection: tpm, secure_boot_hardware_attested: true}}
"""
LOG_OF_THIS_COMPUTER = """
from pathlib import Path
import ostiary.agent.tpm_key as key
key.read_event_log.__defaults__ = (Path({path!r}),)
"""


@pytest.fixture(scope="module")
def factory(running: RunningInstance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """Return a maker of chips whose word the instance takes."""
    with Factory(tmp_path_factory.mktemp("chips") / "factory") as factory:
        factory.vouch(running.instance.tpm_vendors)
        yield factory
    (running.instance.tpm_vendors / "maker.pem").unlink()


@pytest.fixture(scope="module")
def chip(factory: Factory) -> Chip:
    return factory.make("desk")


@pytest.fixture(scope="module")
def owner(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff", name="Tessa Till"))


@pytest.fixture(scope="module")
def agent(running: RunningInstance, owner: Client, chip: Chip, tmp_path_factory: pytest.TempPathFactory) -> Agent:
    """Have a computer whose key lies in a TPM, confirmed by its owner and approved."""
    agent = Agent(running, tmp_path_factory.mktemp("agents") / "till")
    log = agent.folder / "log"
    log.write_bytes(Firmware(chip).log)
    with (agent.folder / "sitecustomize.py").open("a") as file:
        file.write(LOG_OF_THIS_COMPUTER.format(path=str(log)))
    status, said, errors = agent.enrol(owner, "yes", "--tpm", chip.address)
    assert status == 0, said + errors
    assert "cannot leave it" in said
    running.command("device", "approve", json.loads(agent.typed("status", "--json").stdout)["device"])
    return agent


def test_its_key_is_in_the_chip_and_everybody_is_told(running: RunningInstance, agent: Agent, chip: Chip) -> None:
    done = agent.typed("renew")
    assert done.returncode == 0, done.stderr
    status = json.loads(agent.typed("status", "--json").stdout)
    assert (status["key_protection"], status["tpm"], status["certificate_good"]) == ("tpm", chip.address, True)
    assert "BEGIN TSS2 PRIVATE KEY" in (agent.state / "device.key").read_text(), "encrypted by the chip for itself"
    assert "it cannot leave it; its maker is known" in agent.typed("status").stdout
    shown = running.command("device", "show", status["device"])
    assert "its maker is known" in shown
    assert "swtpm-localca" in shown
    assert "has not said yet" in shown
    told = json.loads(agent.typed("quote", "--json").stdout)
    assert told == {"secure_boot": True, "why": "", "vouched": True}
    known = json.loads(running.command("device", "show", status["device"], "--json"))
    assert (known["key_protection"], known["tpm"]["secure_boot"]) == ("tpm", True)
    (maker,) = json.loads(running.command("device", "makers", "--json"))
    assert (maker["file"], maker["problem"]) == ("maker.pem", "")


def test_programs_on_openssl_prove_it_in_tls(
    running: RunningInstance, agent: Agent, owner: Client, chip: Chip, tmp_path: Path
) -> None:
    made = running.operator(f"{FACADE}:make_token", person_id=owner.account.id, name="till", apps=["files"], days=1)
    url = running.url("files", "/x")
    host, port = running.host("files"), url.split(":")[2].split("/")[0]
    ask = (
        *("curl", "--silent", "--output", os.devnull, "--write-out", "%{http_code}", "--http1.1"),
        *("--cacert", str(running.authority), "--resolve", f"{host}:{port}:127.0.0.1"),
        *("--header", f"Authorization: Bearer {made['secret']}"),
    )
    proof = ("--cert", str(agent.state / "device.pem"), "--key", str(agent.state / "device.key"))
    with running.rules(ONLY_CHIPS):
        running.in_force()
        plain = subprocess.run([*ask, url], capture_output=True, text=True, check=False)
        assert plain.stdout == "403", plain.stderr
        with Manager(chip, tmp_path) as environment:
            proven = subprocess.run([*ask, *proof, url], env=environment, capture_output=True, text=True, check=False)
        assert proven.stdout == "200", proven.stderr
        elsewhere = subprocess.run([*ask, *proof, url], capture_output=True, text=True, check=False)
        assert elsewhere.stdout == "000", "without the chip the file is worth nothing"


def test_a_key_that_browsers_can_use_and_the_chips_word_on_the_computer(
    running: RunningInstance, owner: Client, factory: Factory, tmp_path: Path
) -> None:
    chip = factory.make("desk-with-a-browser")
    agent = Agent(running, tmp_path / "desk")
    log = agent.folder / "log"
    log.write_bytes(Firmware(chip).log)
    with (agent.folder / "sitecustomize.py").open("a") as file:
        file.write(LOG_OF_THIS_COMPUTER.format(path=str(log)))
    status, said, errors = agent.enrol(owner, "yes", "--attest", chip.address)
    assert status == 0, said + errors
    assert "The key lies in a file; the TPM" in said
    device = json.loads(agent.typed("status", "--json").stdout)["device"]
    running.command("device", "approve", device)
    assert agent.typed("renew").returncode == 0
    assert json.loads(agent.typed("quote", "--json").stdout) == {"secure_boot": True, "why": "", "vouched": True}
    assert "says how this computer starts" in agent.typed("status").stdout
    known = json.loads(running.command("device", "show", device, "--json"))
    assert (known["key_protection"], known["tpm"]["secure_boot"]) == ("file", True)
    assert b"BEGIN PRIVATE KEY" in (agent.state / "device.key").read_bytes()
    chip.switch_off()
    assert agent.typed("renew").returncode == 0, "only what the chip says is missing then"
    assert agent.typed("leave").returncode == 0


def test_a_chip_that_is_not_there_is_told_in_words(running: RunningInstance, agent: Agent, tmp_path: Path) -> None:
    other = Agent(running, tmp_path / "other")
    ca = ("--ca", str(running.authority), "--no-browser")
    for where, words in (
        (str(tmp_path / "no-chip"), "cannot be opened"),
        ("swtpm:host=127.0.0.1,port=1", "cannot be opened"),
        ("swtpm:nonsense=1", "names no TPM"),
    ):
        refused = other.typed("enrol", running.url("id", ""), *ca, "--tpm", where)
        assert (refused.returncode, words in refused.stderr) == (1, True), refused.stderr
    plain = Agent(running, tmp_path / "plain")
    assert "not enrolled" in plain.typed("quote").stderr


def test_a_chip_that_is_gone_proves_nothing_and_it_can_still_be_given_up_here(agent: Agent, chip: Chip) -> None:
    chip.switch_off()
    gone = agent.typed("renew")
    assert (gone.returncode, "TPM" in gone.stderr) == (1, True)
    assert agent.typed("leave", "--only-here").returncode == 0
    assert [path.name for path in agent.state.iterdir()] == [".lock"]
