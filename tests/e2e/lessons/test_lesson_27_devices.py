"""Lesson 27: what a device does not say, cannot tell, or says in another form makes it neither compliant nor anything else."""

from collections.abc import Iterator

import pytest
from tests.device_material import device_fact
from tests.running_devices import Devices, Enrolled
from tests.running_instance import Client, RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
FLEET = "tests.baseline_fleet"
LAPTOP = 2701
DEVICE = f"dev-{LAPTOP:012d}"
RULES = """\
version: 1
rules:
  - name: compliant
    allow: group:staff
    to: app:wiki
    do: any
    when:
      device: {compliant: true}
  - name: meets
    allow: group:staff
    to: app:vault
    do: any
    when:
      device: {meets_minimum: true}
"""


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Iterator[Client]:
    """Somebody on an enrolled laptop that has said nothing yet."""
    devices, account = Devices(running), running.make_person("staff")
    leaf = devices.leaf()
    running.operator(f"{FLEET}:make_device", account.id, LAPTOP, fingerprint=leaf.fingerprint, acting=False)
    running.in_force()
    laptop = Enrolled(device_fact(account.id, [leaf]), leaf, devices.file(leaf))
    yield devices.client(account, laptop).sign_in().enter("wiki", "vault")
    running.operator(f"{FLEET}:forget_devices", acting=False)


def says(running: RunningInstance, **facts: object) -> None:
    running.operator(f"{FLEET}:says", DEVICE, acting=False, **facts)
    running.in_force()


def test_only_what_is_known_and_holds_makes_a_device_compliant(running: RunningInstance, ada: Client) -> None:
    with running.rules(RULES):
        assert ada.api("wiki").status_code == 403, "it has said nothing"
        says(running)
        assert reached(ada.api("wiki"))
        assert reached(ada.api("vault"))
        for unknown in (None, "yes", 1):
            says(running, firewall_on=unknown)
            assert ada.api("wiki").status_code == 403, unknown
            assert ada.api("vault").status_code == 403, unknown
        says(running, firewall_on=False)
        assert reached(ada.api("wiki")), "what fails has its grace"
        assert ada.api("vault").status_code == 403, "and needs it, so it does not meet the baseline"
        says(running)
        assert reached(ada.api("vault"))
