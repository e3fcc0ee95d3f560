"""What looks good by itself, what a device runs on, and that every fact has its words."""

import pytest

from ostiary.devices.domain.glance import AT_LEAST, AT_MOST, JUDGED, looks_good
from ostiary.devices.domain.posture import FACTS, Value
from ostiary.web.fact_words import FACT_WORDS, ShownFact, fact_value


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("disk_encrypted", True, True),
        ("disk_encrypted", False, False),
        ("daily_administrator", True, False),
        ("daily_administrator", False, True),
        ("security_updates_pending", 0, True),
        ("security_updates_pending", 1, False),
        ("security_update_age_days", 14, True),
        ("screen_lock_minutes", 16, False),
        ("os_support_days", 0, False),
        ("os_support_days", 400, True),
        ("listening_services", 3, None),
        ("os_version", "Debian 12", None),
        ("disk_encrypted", 1, None),
        ("no_such_fact", True, None),
    ],
)
def test_what_looks_good_by_itself(name: str, value: Value, good: bool | None) -> None:
    assert looks_good(name, value) is good


def test_the_facts_that_are_judged_are_those_that_have_a_better_side() -> None:
    assert {"disk_encrypted", *AT_MOST, *AT_LEAST} <= set(JUDGED)
    assert not {"os_version", "listening_services"} & set(JUDGED)
    assert {*AT_MOST, *AT_LEAST} <= FACTS.keys()


def test_every_fact_reads_in_words() -> None:
    assert FACT_WORDS.keys() == FACTS.keys()
    for name, spec in FACTS.items():
        if spec.kind is bool:
            assert len({fact_value(name, True), fact_value(name, False), ""}) == 3, name
    assert fact_value("security_update_age_days", 1) == "1 day"
    assert fact_value("security_update_age_days", 2) == "2 days"
    assert fact_value("os_support_days", -870) == "none for 870 days"
    assert fact_value("disk_encrypted", None) == "not known"


def test_where_neither_value_is_the_better_one_nobody_says_that_the_worse_counts() -> None:
    assert ShownFact("os_version", "Operating system").newest_counts
    assert not ShownFact("disk_encrypted", "Disk").newest_counts
    assert not ShownFact("listening_services", "Services").newest_counts
