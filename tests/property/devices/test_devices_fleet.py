"""All devices together: nobody is counted twice or left out, and links find exactly those that were counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.devices.domain.fleet import Looks, Member, Telling, fact_is, summarise, telling_of
from ostiary.devices.domain.glance import JUDGED
from ostiary.devices.domain.platforms import platform_of
from ostiary.devices.domain.posture import Evidence, Posture, Reported, SourceFacts, combine
from ostiary.policy.identifiers import DeviceId

NOW = 1_000_000.0
SAID = (
    {},
    {"disk_encrypted": True, "os_version": "Debian 12", "security_update_age_days": 3},
    {"disk_encrypted": False, "os_version": "Debian 12", "os_support_days": -2, "security_update_age_days": 40},
    {"disk_encrypted": None, "firewall_on": 1, "listening_services": 4, "daily_administrator": True},
    {"os_version": "macOS 15", "os_support_days": 300, "security_updates_pending": 0},
)


def told(number: int, lasts: float) -> Posture:
    facts = {name: Reported(name=name, value=value, at=NOW - 10) for name, value in SAID[number].items()}
    return combine([SourceFacts(source="agent", evidence=Evidence.SELF_REPORTED, lasts=lasts, facts=facts)], NOW)


def member(number: int, posture: Posture, platform: str = "Debian 12, x86_64") -> Member:
    return Member(
        id=DeviceId(f"dev-{number}"),
        name=f"d{number}",
        owner="a@example.test",
        family=platform_of(platform),
        values=posture.for_rules(),
        telling=telling_of(posture),
    )


@given(st.lists(st.tuples(st.integers(0, len(SAID) - 1), st.sampled_from([1.0, 3600.0])), max_size=5))
@settings(max_examples=30)
def test_every_device_counts_once_and_is_found_again(devices: list[tuple[int, float]]) -> None:
    found = [told(number, lasts) for number, lasts in devices]
    fleet = summarise([member(number, posture) for number, posture in enumerate(found)])
    assert fleet.devices == sum(count for _one, count in fleet.platforms) == len(found)
    assert sum(count for _one, count in fleet.telling) == len(found)
    assert [one.name for one in fleet.facts] == list(JUDGED)
    for one in fleet.facts:
        assert one.good + one.bad + one.unknown == len(found)
        for looks, count in ((Looks.GOOD, one.good), (Looks.BAD, one.bad), (Looks.UNKNOWN, one.unknown)):
            assert sum(fact_is(posture.for_rules(), one.name, looks) for posture in found) == count
    for version in fleet.versions:
        assert sum(fact_is(posture.for_rules(), "os_version", version.name) for posture in found) == version.devices
    assert [one.days for one in fleet.waiting] == sorted((one.days for one in fleet.waiting), reverse=True)


def test_what_went_silent_is_not_taken_for_what_never_told() -> None:
    said = {"disk_encrypted": Reported(name="disk_encrypted", value=True, at=NOW - 100)}
    source = SourceFacts(source="agent", evidence=Evidence.SELF_REPORTED, lasts=50.0, facts=said)
    assert telling_of(combine([source], NOW - 60)) is Telling.TELLS
    assert telling_of(combine([source], NOW)) is Telling.SILENT
    assert telling_of(Posture()) is Telling.NEVER


@pytest.mark.parametrize(
    ("value", "wanted", "found"),
    [(True, "yes", True), (True, "TRUE", True), (False, "no", True), (True, "1", False), (True, "perhaps", False)],
)
def test_a_value_is_asked_for_as_people_write_it(value: bool, wanted: str, found: bool) -> None:
    said = {"disk_encrypted": Reported(name="disk_encrypted", value=value, at=NOW)}
    source = SourceFacts(source="agent", evidence=Evidence.SELF_REPORTED, lasts=50.0, facts=said)
    assert fact_is(combine([source], NOW).for_rules(), "disk_encrypted", wanted) is found
