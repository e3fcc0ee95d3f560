"""What is asked of many devices: it is tried before anybody waits for it, judged in parts, and judged by the worker where that was cut off."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from tests.baseline_fleet import make_device, says
from tests.identity_people import MACHINE, make_person

from ostiary.baselines.facade import (
    UnusableBaseline,
    list_requirements,
    list_verdicts,
    remove_baseline,
    require_baseline,
    set_baseline,
    settle_compliance,
    withdraw_requirement,
)
from ostiary.baselines.models import DeviceVerdict
from ostiary.baselines.services import judging, simulating, writing
from ostiary.policy.identifiers import DeviceId
from ostiary.rulebook.facade import apply_rules

pytestmark = pytest.mark.django_db
OURS = "version: 1\nname: ours\nchecks:\n  - {name: disk, require: {disk_encrypted: true}}\n"


@pytest.fixture
def fleet() -> list[DeviceId]:
    owner = make_person()
    devices = [make_device(owner, number) for number in range(3)]
    for one in devices:
        says(one)
    return devices


def heard(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, note: Callable[..., object]) -> None:
    """Have something noted each time that a function is called, in place of nothing."""
    really = getattr(place, name)

    def call(*given: Any, **named: Any) -> Any:
        note(*given)
        return really(*given, **named)

    monkeypatch.setattr(place, name, call)


def change_all(now: float) -> None:
    set_baseline(OURS, now=now, actor=MACHINE)
    require_baseline("ours", now=now, actor=MACHINE)
    withdraw_requirement(now=now, actor=MACHINE)


def test_devices_are_tried_before_the_turn_to_write_and_nobodys_use_is_read(
    fleet: list[DeviceId], monkeypatch: pytest.MonkeyPatch
) -> None:
    depths: list[int] = []
    outside = len(connection.savepoint_ids)
    heard(monkeypatch, simulating, "simulate", lambda *_: depths.append(len(connection.savepoint_ids)))
    heard(monkeypatch, simulating, "_used", lambda *_: pytest.fail("it is only counted"))
    change_all(time.time())
    assert depths == [outside] * 3


def test_many_are_judged_in_parts(fleet: list[DeviceId], monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[tuple[int, int] | str] = []
    outside = len(connection.savepoint_ids)
    monkeypatch.setattr(judging, "AT_ONCE", 2)
    heard(
        monkeypatch,
        judging,
        "lock_judged",
        lambda devices: parts.append((len(devices), len(connection.savepoint_ids) - outside)),
    )
    heard(monkeypatch, judging, "give_way", lambda: parts.append("others"))
    now = time.time()
    set_baseline(OURS, now=now, actor=MACHINE)
    assert parts == [(2, 1), "others", (1, 1)], "each in a transaction of its own"
    DeviceVerdict.objects.update(until=now)
    parts.clear()
    settle_compliance(now=now)
    assert parts == [(2, 1), "others", (1, 1)], "and so by the worker"


def test_what_was_cut_off_is_judged_by_the_worker(fleet: list[DeviceId], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "AT_ONCE", 2)
    with monkeypatch.context() as cut:
        heard(cut, judging, "lock_judged", lambda devices: len(devices) == 2 or 1 / 0)
        with pytest.raises(ZeroDivisionError):
            set_baseline(OURS, now=time.time(), actor=MACHINE)
    assert [one.meets for one in list_verdicts().values()].count(("minimum", "ours")) == 2
    settle_compliance(now=time.time())
    assert {one.meets for one in list_verdicts().values()} == {("minimum", "ours")}


def test_what_one_device_is_asked_is_judged_of_that_one(fleet: list[DeviceId], monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[list[DeviceId]] = []
    settle_compliance(now=time.time())
    heard(monkeypatch, judging, "lock_judged", lambda devices: judged.append(list(devices)))
    require_baseline("standard", device=fleet[1], now=time.time(), actor=MACHINE)
    settle_compliance(now=time.time())
    assert judged == [[fleet[1]]]
    assert list_verdicts()[fleet[1]].required == ("standard",)


def test_what_was_changed_meanwhile_is_looked_at_again(fleet: list[DeviceId], monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(*_given: object) -> None:
        monkeypatch.undo()
        require_baseline("standard", group="finance", now=time.time(), actor=MACHINE)

    make_person("ben@example.test", groups=("finance",))
    heard(monkeypatch, writing, "refuse_unsaid", meanwhile)
    with pytest.raises(UnusableBaseline, match="at the same moment"):
        require_baseline("strict", now=time.time(), actor=MACHINE)
    assert [(one.baseline, one.group) for one in list_requirements()] == [("standard", "finance")]


def test_what_rules_in_force_ask_for_is_not_removed(fleet: list[DeviceId]) -> None:
    set_baseline(OURS, now=time.time(), actor=MACHINE)
    rule = "  - name: {name}\n    {kind}: anyone\n    to: anything\n    do: any\n    {word}: {{device: {{{fact}: true}}}}\n"
    apply_rules(
        "version: 1\nrules:\n"
        + rule.format(name="first", kind="allow", word="when", fact="meets_ours")
        + rule.format(name="other", kind="allow", word="when", fact="meets_ours_too")
        + rule.format(name="second", kind="deny", word="unless", fact="meets_ours"),
        actor=MACHINE,
    )
    with pytest.raises(UnusableBaseline, match=r"meets_ours: first, second\."):
        remove_baseline("ours", now=time.time(), actor=MACHINE)
    assert "ours" in list_verdicts()[fleet[0]].meets
    cedar = '@id("third")\npermit (principal, action, resource) when { context has device && context.device has meets_ours && context.device.meets_ours };\n'
    apply_rules("version: 1\nrules: []\n", cedar, actor=MACHINE)
    with pytest.raises(UnusableBaseline, match="meets_ours: Cedar"):
        remove_baseline("ours", now=time.time(), actor=MACHINE)
    apply_rules("version: 1\nrules: []\n", actor=MACHINE)
    remove_baseline("ours", now=time.time(), actor=MACHINE)
    assert "ours" not in list_verdicts()[fleet[0]].meets
