"""What is known of a device, in decisions: only while it holds, only of devices that count, and until when the answer holds."""

import time
from collections.abc import Iterator

import msgspec
import pytest
from tests.decider_company import ANNA, House, company, open_house
from tests.device_material import device_fact, make_leaf
from tests.unit.gateway.decider.test_decider_devices import ask, grant_of

from ostiary.policy.snapshot import Compliance, ComplianceFact, Devices, PostureFact, Postures

RULES = """\
version: 1
rules:
  - name: staff-see-payroll-on-encrypted-disks
    allow: anyone
    to: app:payroll
    do: [view]
    when: {device: {disk_encrypted: true}}
  - name: staff-see-files-on-compliant-devices
    allow: anyone
    to: app:files
    do: [view]
    when: {device: {compliant: true}}
  - name: staff-use-wiki-where-strict
    allow: anyone
    to: app:wiki
    do: [view]
    when: {device: {meets_strict: true, security_updates_pending: at least 0}}
"""
LEAF = make_leaf("laptop", signed_by=make_leaf("authority", authority=True))
LAPTOP = device_fact(ANNA.id, [LEAF])
HOUR = 3600.0


@pytest.fixture(scope="module")
def running_house() -> Iterator[House]:
    with open_house(company(1, rules=RULES)) as house:
        yield house


class Known:
    """What is published of the one laptop."""

    def __init__(self, house: House) -> None:
        self.house = house

    def publish(
        self, posture: PostureFact | None, compliance: ComplianceFact | None = None, *, active: bool = True
    ) -> None:
        generation = self.house.parts.decider.follower.basis.generation + 1
        snapshot = msgspec.structs.replace(
            company(generation, rules=RULES),
            devices=Devices(devices={LAPTOP.id: msgspec.structs.replace(LAPTOP, active=active)}),
            postures=Postures(devices={LAPTOP.id: posture} if posture else {}),
            compliance=Compliance(devices={LAPTOP.id: compliance} if compliance else {}),
        )
        self.house.publish(snapshot)

    def status(self, app: str) -> int:
        status: int = ask(self.house, app, certificate=LEAF.fingerprint).status
        return status


@pytest.fixture
def known(running_house: House) -> Known:
    return Known(running_house)


def posture(seconds: float = HOUR, **facts: bool | int | str) -> PostureFact:
    return PostureFact(facts=facts, until=time.time() + seconds)


def compliance(compliant: bool, *, seconds: float = HOUR, meets: tuple[str, ...] = ()) -> ComplianceFact:
    return ComplianceFact(compliant=compliant, until=time.time() + seconds, meets=meets)


def test_a_fact_is_what_rules_see(known: Known) -> None:
    known.publish(posture(disk_encrypted=True))
    assert known.status("payroll") == 200
    known.publish(posture(disk_encrypted=False))
    assert known.status("payroll") == 403


@pytest.mark.parametrize(
    "fact",
    [
        None,
        posture(),
        posture(seconds=-1, disk_encrypted=True),
        posture(disk_encrypted="true"),
        posture(disk_encrypted=1),
    ],
    ids=["nothing", "absent", "over", "text", "number"],
)
def test_what_is_absent_over_or_malformed_never_satisfies(known: Known, fact: PostureFact | None) -> None:
    known.publish(fact, compliance(compliant=True))
    assert known.status("payroll") == 403


def test_a_device_in_quarantine_is_known_to_be_nothing(known: Known) -> None:
    known.publish(posture(disk_encrypted=True), compliance(compliant=True), active=False)
    assert (known.status("payroll"), known.status("files")) == (403, 403)


@pytest.mark.parametrize(
    ("seen", "verdict", "status"),
    [
        (posture(firewall_on=True), compliance(compliant=True), 200),
        (posture(firewall_on=True), compliance(compliant=False), 403),
        (posture(firewall_on=True), compliance(compliant=True, seconds=-1), 403),
        (posture(firewall_on=True), None, 403),
        (posture(seconds=-1, firewall_on=True), compliance(compliant=True), 403),
        (None, compliance(compliant=True), 403),
    ],
    ids=["compliant", "not", "over", "unknown", "on-old-facts", "on-no-facts"],
)
def test_compliance_counts_while_it_and_the_facts_behind_it_hold(
    known: Known, seen: PostureFact | None, verdict: ComplianceFact | None, status: int
) -> None:
    known.publish(seen, verdict)
    assert known.status("files") == status


def test_a_baseline_that_is_met_is_a_fact(known: Known) -> None:
    known.publish(posture(security_updates_pending=2), compliance(compliant=True, meets=("minimum",)))
    assert known.status("wiki") == 403
    known.publish(posture(security_updates_pending=2), compliance(compliant=False, meets=("minimum", "strict")))
    assert known.status("wiki") == 200


def test_what_was_allowed_holds_no_longer_than_the_facts(known: Known) -> None:
    known.publish(posture(seconds=20, disk_encrypted=True), compliance(compliant=True, seconds=10))
    grant = grant_of(ask(known.house, "files", certificate=LEAF.fingerprint))
    assert grant is not None
    assert grant["exp"] <= time.time() + 10
    known.publish(posture(seconds=20, disk_encrypted=True))
    grant = grant_of(ask(known.house, "payroll", certificate=LEAF.fingerprint))
    assert grant is not None
    assert time.time() + 10 < grant["exp"] <= time.time() + 20


def test_the_record_says_what_was_known(known: Known) -> None:
    known.publish(posture(disk_encrypted=True, security_updates_pending=3), compliance(compliant=True))
    known.status("payroll")
    seen = known.house.events()[-1]["unmapped"]["ostiary"]["request"]["device"]
    assert seen["compliant"] is True
    assert {"disk_encrypted", "security_updates_pending"} <= {name for name, _ in seen["attributes"]}
