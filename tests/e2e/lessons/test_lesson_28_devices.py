"""Lesson 28: when many devices stop being compliant at once they go on for a while and somebody decides; a few never do."""

from collections.abc import Iterator

import pytest
from tests.device_material import device_fact
from tests.running_devices import Devices, Enrolled
from tests.running_instance import Client, RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
FLEET = "tests.baseline_fleet"
NUMBERS = range(2801, 2805)
RULES = """\
version: 1
rules:
  - name: compliant
    allow: group:staff
    to: app:wiki
    do: any
    when:
      device: {compliant: true}
"""


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Iterator[Client]:
    """Somebody on the first of four enrolled laptops."""
    devices, account = Devices(running), running.make_person("staff")
    leaf = devices.leaf()
    for number in NUMBERS:
        given = leaf.fingerprint if number == NUMBERS[0] else ""
        running.operator(f"{FLEET}:make_device", account.id, number, fingerprint=given, acting=False)
    running.in_force()
    laptop = Enrolled(device_fact(account.id, [leaf]), leaf, devices.file(leaf))
    yield devices.client(account, laptop).sign_in().enter("wiki")
    running.operator(f"{FLEET}:forget_devices", acting=False)


def say(running: RunningInstance, *numbers: int, **facts: object) -> None:
    for number in numbers:
        running.operator(f"{FLEET}:says", f"dev-{number:012d}", acting=False, **facts)
    running.in_force()


def test_many_at_once_are_held_until_somebody_decides(running: RunningInstance, ada: Client) -> None:
    first, *others = NUMBERS
    with running.rules(RULES):
        say(running, *NUMBERS)
        assert reached(ada.api("wiki"))
        say(running, first, firewall_on=None)
        assert ada.api("wiki").status_code == 403, "one alone is never held"
        say(running, *others, firewall_on=None)
        assert reached(ada.api("wiki")), "four are too many: they count as before"
        told = running.command_any("baseline", "list")
        assert "4 of" in told.stderr
        running.command("baseline", "held", "let", "--yes", "--reason", "they are right")
        running.in_force()
        assert ada.api("wiki").status_code == 403
