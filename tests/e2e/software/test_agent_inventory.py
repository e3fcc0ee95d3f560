"""What a real agent finds on this machine, against advisories: found, told as facts, and over once it is mended."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.running_agent import Agent
from tests.running_instance import Client, RunningInstance
from tests.software_material import HIGH, archive, entry

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


@pytest.fixture(scope="module")
def owner(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff", name="Ines Inventory"))


@pytest.fixture(scope="module")
def agent(running: RunningInstance, owner: Client, tmp_path_factory: pytest.TempPathFactory) -> Agent:
    agent = Agent(running, tmp_path_factory.mktemp("agents") / "inventory")
    agent.environment["PYTHONPATH"] += f":{agent.folder / 'site-packages'}"
    status, said, errors = agent.enrol(owner, "yes")
    assert status == 0, said + errors
    running.command("device", "approve", device_of(agent), "--reason", "handed out")
    return agent


def device_of(agent: Agent) -> str:
    device: str = json.loads(agent.typed("status", "--json").stdout)["device"]
    return device


def install(agent: Agent, version: str) -> None:
    """Put a Python package where the agent's interpreter looks, in place of the one before."""
    folder = agent.folder / "site-packages"
    metadata = folder / "ostiary_example.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True, exist_ok=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: Ostiary_Example\nVersion: {version}\n\n")


def found(running: RunningInstance, agent: Agent) -> dict[str, dict[str, Any]]:
    done = running.command_any("software", "findings", "--device", device_of(agent), "--json")
    assert done.returncode in {0, 5}, done.stderr
    return {one["id"]: one for one in json.loads(done.stdout)["items"]}


def facts(running: RunningInstance, agent: Agent) -> dict[str, Any]:
    posture = running.operator("ostiary.devices.facade:get_posture", device_of(agent), now=time.time(), acting=False)
    return {name: one["counts"]["value"] for name, one in posture["known"].items() if name.startswith("vulnerable_")}


def test_what_is_installed_here_is_found_to_be_vulnerable_until_it_is_mended(
    running: RunningInstance, agent: Agent, tmp_path: Path
) -> None:
    install(agent, "1.0")
    here = json.loads(agent.typed("inventory", "--json").stdout)
    assert here["incomplete"] == []
    packages = [tuple(one) for one in here["packages"]]
    assert ("PyPI", "ostiary-example", "1.0") in [one[:3] for one in packages]
    ours = next(one for one in packages if one[0] == here["system"] and one[1] == "dpkg")
    assert agent.typed("check").returncode in {0, 4}
    assert facts(running, agent) == {}, "without advisories nobody can tell"

    now = time.time()
    system = entry("DSA-9999-1", ours[3], at=now, ecosystem=here["system"], fixed="999", vector=HIGH)
    example = entry("PYSEC-9999-1", "ostiary-example", at=now, ecosystem="PyPI", fixed="1.1")
    others = sorted({one[0] for one in packages} - {here["system"], "PyPI"})
    archives = [archive(tmp_path / "system.zip", system), archive(tmp_path / "python.zip", example)]
    archives += [
        archive(tmp_path / f"{one}.zip", entry(f"X-{one}", "nothing-like-it", at=now, ecosystem=one)) for one in others
    ]
    running.command("advisories", "import", *map(str, archives), "--reason", "a test")
    expected = {"vulnerable_critical": 1, "vulnerable_high": 1}
    running.eventually(lambda: facts(running, agent) == expected, "both flaws are facts")
    assert found(running, agent).keys() == {"DSA-9999-1", "PYSEC-9999-1"}
    assert found(running, agent)["PYSEC-9999-1"]["packages"][0]["fixed"] == "1.1"
    shown = json.loads(running.command("advisories", "show", "PYSEC-9999-1", "--json"))
    assert [one["device"] for one in shown["devices"]["items"]] == [device_of(agent)]

    install(agent, "1.1")
    assert agent.typed("check").returncode in {0, 4}
    running.eventually(
        lambda: facts(running, agent) == {**expected, "vulnerable_critical": 0}, "what is mended is over"
    )
    assert found(running, agent).keys() == {"DSA-9999-1"}
    status = json.loads(running.command("advisories", "status", "--json"))
    assert status["progress"]["packages_to_match"] == status["progress"]["inventories_to_count"] == 0
    listed = {one[:3] for one in packages} - {("PyPI", "ostiary-example", "1.0")}
    kept = json.loads(running.command("software", "installed", device_of(agent), "--json"))["packages"]
    assert {tuple(one[:3]) for one in kept} == listed | {("PyPI", "ostiary-example", "1.1")}


def test_a_file_that_cannot_be_read_is_named_on_the_command_line(running: RunningInstance, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('[{"id": "CVE-2026-1"}]')
    done = running.command_any("advisories", "import", str(bad))
    assert done.returncode == 1
    assert "bad.json: [0]" in done.stderr.replace("\n", "")
    assert "Nothing was changed" in done.stderr
