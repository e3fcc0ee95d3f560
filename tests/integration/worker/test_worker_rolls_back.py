"""Rules on trial roll back whatever dies at whatever moment: killed at every step, the next one to look finishes it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.rulebook_people import CLOSED, OPEN
from tests.shell_instance import PATIENCE_SECONDS, OwnInstance

from ostiary.gateway.snapshots import read_snapshot

pytestmark = pytest.mark.xdist_group("shell-roll-back")

PEOPLE = """
from tests.rulebook_people import OPEN, OPERATOR, make_people
from ostiary.rulebook.facade import apply_rules
make_people(staff=0)
apply_rules(OPEN, actor=OPERATOR, comment="First")
"""
STANDING = """
import json
from ostiary.rulebook.facade import get_current, get_hold, list_history
from ostiary.rulebook.models import AppliedRulesRow
current, hold = get_current(), get_hold()
print(json.dumps({
    "document": current.document, "version": current.version, "by": current.applied_by, "total": list_history().total,
    "held": hold is not None, "parsed": bytes(AppliedRulesRow.objects.first().parsed).hex(),
    "outcomes": [one.hold.outcome for one in list_history().items if one.hold],
}))
"""
KILLED = """
import os, signal, sys, time
from unittest import mock
import django; django.setup()
from django.db import transaction
from ostiary.rulebook import holds, services

def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(step):
    def done(*arguments, **named):
        step(*arguments, **named)
        die()
    return done

def die_on_commit(*arguments, **named):
    transaction.on_commit(die)
    return announce(*arguments, **named)

announce = services.announce_change
steps = {
    "before it begins": (holds, "take_turns", die),
    "after the trial is marked as ended": (holds, "_mark", then_die(holds._mark)),
    "before the rules are added": (holds, "put_in_force", die),
    "before it is announced": (services, "announce_change", die),
    "before it is on record": (services, "record_entity_change", die),
    "on record, before it is committed": (services, "record_entity_change", then_die(services.record_entity_change)),
    "committed, before it is published": (services, "announce_change", die_on_commit),
}
room, name, step = steps[sys.argv[1]]
with mock.patch.object(room, name, step):
    holds.roll_back_due(time.time() + 100_000)
print("it went through")
"""
STEPS = (
    "before it begins",
    "after the trial is marked as ended",
    "before the rules are added",
    "before it is announced",
    "before it is on record",
    "on record, before it is committed",
    "committed, before it is published",
)


class Trial:
    """An instance whose rules are on trial, seen from outside."""

    def __init__(self, own: OwnInstance) -> None:
        self.own = own
        self._workers: list[subprocess.Popen[bytes]] = []

    def standing(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.own.python(STANDING))
        return found

    def apply(self, file: Path, *, seconds: int) -> None:
        """Put rules on trial, as somebody at the machine does."""
        file.write_text(CLOSED)
        self.own.environment["OSTIARY_RULES__CONFIRM_SECONDS"] = str(seconds)
        said = self.own.cli("rules", "apply", str(file), "--yes").stderr
        assert "They are on trial" in said

    def published(self) -> str:
        return read_snapshot(self.own.instance.facts).rulebook.document

    def on_record(self) -> Iterator[dict[str, Any]]:
        for path in sorted((self.own.home / "state" / "audit" / "control").glob("*.jsonl")):
            for line in path.read_bytes().splitlines():
                record = json.loads(line)
                yield record.get("event", record)

    def start_worker(self) -> subprocess.Popen[bytes]:
        environment = {**self.own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
        with (self.own.home / "log" / "worker.out").open("ab") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "ostiary.automation.worker"], env=environment, stdout=output, stderr=output
            )
        self._workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        assert worker.wait(PATIENCE_SECONDS) == -signal.SIGKILL

    def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, (what, self.standing(), (self.own.home / "log/worker.out").read_text())
            time.sleep(0.2)

    def end(self) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                self.kill(worker)


@pytest.fixture(scope="module")
def own() -> Iterator[OwnInstance]:
    made = OwnInstance()
    made.init()
    made.python(PEOPLE)
    yield made
    made.remove()


@pytest.fixture
def trial(own: OwnInstance) -> Iterator[Trial]:
    made = Trial(own)
    yield made
    made.end()
    if made.standing()["held"]:
        own.cli("rules", "roll-back")


def rolled_back(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether exactly the rules before are in force, put there by Ostiary, once."""
    same = all(before[name] == after[name] for name in ("document", "version", "parsed"))
    once = after["total"] == before["total"] + 2 and after["outcomes"][0] == "rolled_back"
    return same and once and after["by"] == "Ostiary" and not after["held"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_either_the_trial_goes_on_or_the_rules_are_back(
    trial: Trial, tmp_path: Path, step: str
) -> None:
    before = trial.standing()
    assert before["document"] == OPEN
    trial.apply(tmp_path / "rules.yaml", seconds=86_000)
    environment = {**trial.own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
    ended = subprocess.run([sys.executable, "-c", KILLED, step], env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    after = trial.standing()
    if step == "committed, before it is published":
        assert rolled_back(before, after)
        assert trial.published() == CLOSED, "nobody was told yet"
        trial.start_worker()
        trial.until(lambda: trial.published() == OPEN, "the worker publishes what a crash left unpublished")
    else:
        assert (after["held"], after["document"], after["total"]) == (True, CLOSED, before["total"] + 1)
        assert trial.published() == CLOSED
        trial.own.python(
            "import time; from ostiary.rulebook.facade import roll_back_due; roll_back_due(time.time() + 90_000)"
        )
        assert rolled_back(before, trial.standing())
        assert trial.published() == OPEN


def test_a_killed_worker_is_followed_by_one_that_finishes(trial: Trial, tmp_path: Path) -> None:
    before = trial.standing()
    first = trial.start_worker()
    trial.until((trial.own.home / "run" / "worker.json").exists, "the worker runs")
    trial.apply(tmp_path / "rules.yaml", seconds=2)
    trial.kill(first)
    trial.start_worker()
    trial.until(lambda: trial.published() == OPEN, "the rules before are published again")
    assert rolled_back(before, trial.standing())
    last = [event for event in trial.on_record() if event.get("entity", {}).get("type") == "rules"][-1]
    assert last["actor"]["user"]["name"] == "Ostiary"
    assert "nobody confirmed them in time" in last["comment"]


def test_the_next_start_rolls_back_when_no_worker_did(trial: Trial, tmp_path: Path) -> None:
    before = trial.standing()
    trial.apply(tmp_path / "rules.yaml", seconds=1)
    time.sleep(1)
    environment = {**trial.own.environment, "DJANGO_SETTINGS_MODULE": "ostiary.config.django"}
    ended = subprocess.run(
        [sys.executable, "-m", "ostiary.supervisor.prepare"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "nobody confirmed the rules in time: rolled back to" in ended.stdout
    assert rolled_back(before, trial.standing())
    assert trial.published() == OPEN
