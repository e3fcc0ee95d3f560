"""`ostiary baseline` at the terminal: writing, trying, requiring, exceptions; what is refused changes nothing."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.baseline_fleet import make_device, says
from tests.identity_people import make_person
from typer.testing import CliRunner

from ostiary.baselines.facade import list_baselines, list_requirements, list_verdicts
from ostiary.cli.main import app
from ostiary.cli.output import ExitCode
from ostiary.policy.identifiers import DeviceId

pytestmark = pytest.mark.django_db(transaction=True)
OFFICE = "version: 1\nname: office\nwords: Ours\nbased on: minimum\nchecks:\n  - {name: disk, require: {disk_encrypted: true}}\n"


def typed(*words: str, code: int = ExitCode.OK) -> Any:
    done = CliRunner().invoke(app, ["baseline", *words])
    assert done.exit_code == code, done.output
    return done


def read(*words: str, code: int = ExitCode.OK) -> Any:
    return json.loads(typed(*words, "--json", code=code).stdout)


@pytest.fixture
def fleet() -> list[DeviceId]:
    owner = make_person()
    devices = [make_device(owner, number) for number in range(5)]
    for one in devices:
        says(one, disk_encrypted=False)
    return devices


@pytest.fixture
def office(tmp_path: Path) -> str:
    path = tmp_path / "office.yaml"
    path.write_text(OFFICE)
    return str(path)


def test_a_baseline_is_checked_tried_set_and_required(fleet: list[DeviceId], office: str, tmp_path: Path) -> None:
    assert [one["name"] for one in read("list")] == ["minimum", "standard", "strict"]
    assert read("list")[0]["required"] == [{"group": "", "device": "", "starts_at": 0.0}]
    assert "disk-encryption" in typed("show", "standard").stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(OFFICE.replace("disk_encrypted", "disc_encrypted"))
    assert "line 6" in typed("check", str(wrong), code=ExitCode.FAILED).output
    assert read("check", str(wrong), code=ExitCode.FINDINGS)["problems"][0]["line"] == 6
    assert len(read("check", office)["checks"]) == 5

    tried = read("simulate", "--file", office, "--from", "3d")
    assert [one["effect"] for one in tried["devices"]] == ["blocked"] * 5
    assert tried["starts_at"] == pytest.approx(time.time() + 3 * 86400, abs=60)
    assert "5 blocked" in typed("simulate", "--file", office).output
    alone = read("simulate", "--file", office, "--device", fleet[2])
    assert [one["device"] for one in alone["devices"]] == [fleet[2]]
    typed("set", office)
    assert read("show", "office")["number"] == 1

    typed("require", "office", code=ExitCode.REFUSED)
    assert "blocks 5 of 5 devices" in typed("require", "office", "--yes", code=ExitCode.FAILED).output
    assert list_requirements() == ()
    assert read("require", "office", "--block", "5")["baseline"] == "office"
    assert not any(one.compliant for one in list_verdicts().values())
    assert "is required" in typed("remove", "office", "--yes", code=ExitCode.FAILED).output
    typed("withdraw")
    typed("remove", "office", "--yes")
    assert len(list_baselines()) == 3


def test_how_a_device_stands_says_how_to_mend_it(fleet: list[DeviceId]) -> None:
    says(fleet[0], firewall_on=False)
    assert "sudo ufw enable" in typed("device", fleet[0]).stdout
    found = read("device", fleet[0])
    (failing,) = [one for one in found["judgements"][0]["findings"] if one["outcome"] == "fails"]
    assert (failing["check"]["name"], failing["stage"], failing["next_stage"]) == ("firewall", "notify", "warn")


def test_exceptions_are_asked_for_answered_and_ended(fleet: list[DeviceId]) -> None:
    says(fleet[0], firewall_on=None)
    asked = read("exceptions", "ask", fleet[0], "firewall", "--until", "2d", "--reason", "a lab")
    assert [one["state"] for one in read("exceptions", "list", "--state", "waiting")] == ["waiting"]
    number = str(asked["id"])
    assert read("exceptions", "grant", number)["state"] == "granted"
    assert list_verdicts()[fleet[0]].compliant
    assert read("exceptions", "end", number)["state"] == "ended"
    assert not list_verdicts()[fleet[0]].compliant
    again = read("exceptions", "ask", fleet[0], "firewall", "--until", "2d", "--reason", "a lab")
    assert read("exceptions", "refuse", str(again["id"]), "--reason", "mend it")["answer"] == "mend it"
    assert "No exception is 'odd'" in typed("exceptions", "list", "--state", "odd", code=ExitCode.FAILED).output


def test_what_is_held_is_shown_and_decided(fleet: list[DeviceId]) -> None:
    typed("held", "keep", code=ExitCode.FAILED)
    for one in fleet:
        says(one, firewall_on=None)
    assert "5 of 5 devices stopped being compliant at once" in typed("list").output
    assert [(one["device"], one["blocking"]) for one in read("held", "list")] == [(one, ["firewall"]) for one in fleet]
    assert "Laptop 3" in typed("held", "list").output
    assert "is compliant until" in typed("device", fleet[0]).output
    assert read("held", "keep", "--reason", "a bad update")["devices"] == 5
    typed("held", "let", code=ExitCode.REFUSED)
    typed("held", "let", "--yes")
    assert "No device is held." in typed("held", "list").output
    assert not any(one.compliant for one in list_verdicts().values())
