"""Windows on the wall clock: over midnight, through both changes of the clock, in zones that do not use whole hours."""

import pytest
from tests.policy_material import moment

from ostiary.policy.rules.hours import parse_window, state_at

HOUR = 3600.0


def is_open(text: str, at: float) -> bool:
    return state_at(parse_window(text), at)[0]


def changes(text: str, at: float) -> float | None:
    return state_at(parse_window(text), at)[1]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Mon-Fri 07:00-20:00 Europe/Berlin", "Mon-Fri 07:00-20:00 Europe/Berlin"),
        ("7:00-20:00 UTC", "Mon-Sun 07:00-20:00 UTC"),
        ("fri-MON 22:00 - 06:00 UTC", "Mon,Fri-Sun 22:00-06:00 UTC"),
        ("Sun,Tue,Mon 00:00-24:00 UTC", "Mon-Tue,Sun 00:00-24:00 UTC"),
        ("Sat 22:00-00:00 UTC", "Sat 22:00-24:00 UTC"),
    ],
)
def test_reading_and_writing(text, written):
    window = parse_window(text)
    assert str(window) == written
    assert parse_window(written) == window


def test_edges_belong_to_what_begins():
    text = "Mon-Fri 07:00-20:00 Europe/Berlin"
    opens, closes = moment("2025-11-25T07:00"), moment("2025-11-25T20:00")
    assert not is_open(text, opens - 0.001)
    assert is_open(text, opens)
    assert is_open(text, closes - 0.001)
    assert not is_open(text, closes)
    assert changes(text, opens - 0.001) == opens
    assert changes(text, opens) == closes
    assert changes(text, moment("2025-11-28T20:00")) == moment("2025-12-01T07:00")


def test_over_midnight_it_belongs_to_the_day_it_begins():
    text = "Fri 22:00-06:00 Europe/Berlin"
    assert is_open(text, moment("2025-11-28T23:00"))
    assert is_open(text, moment("2025-11-29T05:59"))
    assert not is_open(text, moment("2025-11-29T06:00"))
    assert not is_open(text, moment("2025-11-28T05:00"))


def test_the_hour_that_is_skipped_in_spring():
    text = "02:15-04:00 Europe/Berlin"
    jump = moment("2025-03-30T03:00")
    assert not is_open(text, jump - 1)
    assert is_open(text, jump)
    assert changes(text, jump - HOUR) == jump
    assert changes(text, jump) == moment("2025-03-30T04:00")
    assert not any(is_open("02:15-02:45 Europe/Berlin", jump + minute * 60) for minute in range(-90, 90))


def test_the_hour_that_comes_twice_in_autumn():
    text = "02:15-02:45 Europe/Berlin"
    begin = moment("2025-10-26T02:15")
    assert [is_open(text, begin + minutes * 60) for minutes in (0, 29, 30, 59, 60, 89, 90)] == [
        True, True, False, False, True, True, False,
    ]  # fmt: skip
    assert changes(text, begin) == begin + HOUR / 2
    assert changes(text, begin + HOUR / 2) == begin + HOUR


def test_half_an_hour_of_summer_time():
    begin = moment("2025-04-06T01:30", "Australia/Lord_Howe")
    text = "01:30-02:00 Australia/Lord_Howe"
    assert [is_open(text, begin + minutes * 60) for minutes in (0, 29, 30, 59, 60)] == [True, True, True, True, False]
    assert changes(text, begin) == begin + HOUR


def test_a_window_that_never_closes_never_changes():
    assert state_at(parse_window("00:00-24:00 Europe/Berlin"), moment("2025-10-25T12:00")) == (True, None)


def test_all_week_by_days_never_changes_either():
    assert changes("Mon-Sun 00:00-24:00 America/New_York", moment("2025-11-01T12:00")) is None


def test_a_week_whose_window_is_skipped_looks_to_the_next():
    text = "Sun 02:15-02:45 Europe/Berlin"
    assert changes(text, moment("2025-03-29T12:00")) == moment("2025-04-06T02:15")
