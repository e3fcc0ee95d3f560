"""Back-off grows, is bounded, and forgets."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.supervisor.backoff import Backoff

chances = st.floats(0, 1, exclude_max=True)


def test_the_wait_doubles_until_the_longest():
    waits = [Backoff(first_seconds=1, longest_seconds=10).delay_seconds(deaths, 0.999999) for deaths in range(1, 7)]
    assert [round(wait) for wait in waits] == [1, 2, 4, 8, 10, 10]


@given(st.integers(1, 10_000), chances)
def test_the_wait_is_never_zero_nor_longer_than_the_longest(deaths, chance):
    backoff = Backoff()
    assert backoff.first_seconds / 2 <= backoff.delay_seconds(deaths, chance) <= backoff.longest_seconds


@given(st.integers(1, 40), chances, chances)
def test_more_deaths_never_halve_the_wait(deaths, one, other):
    backoff = Backoff()
    assert backoff.delay_seconds(deaths + 1, one) >= backoff.delay_seconds(deaths, other) / 2


def test_whoever_lived_long_enough_starts_afresh():
    backoff = Backoff(stable_seconds=60)
    assert backoff.deaths_after(7, 59.9) == 8
    assert backoff.deaths_after(7, 60) == 1
