"""How much that is new one device may bring, however it cuts it up."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.software.domain.allowance import EACH_LIST, MOST, owed_after
from ostiary.software.domain.packages import MAX_PACKAGES


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-60, 24 * 3600), st.integers(0, MAX_PACKAGES)), max_size=60))
def test_no_more_than_twice_everything_and_once_more_each_day(lists: list[tuple[float, int]]) -> None:
    owed, brought, seconds = 0.0, 0, 0.0
    for pause, packages in lists:
        after = owed_after(owed, seconds=pause, packages=packages)
        if after is not None:
            owed, brought = after, brought + packages
            seconds += max(pause, 0.0)
    assert brought <= MOST + MAX_PACKAGES * seconds / (24 * 3600.0) + 1


def test_a_first_list_of_everything_and_another_one_are_taken() -> None:
    first = owed_after(0.0, seconds=0.0, packages=MAX_PACKAGES - EACH_LIST)
    assert first == MAX_PACKAGES
    assert owed_after(first, seconds=0.0, packages=MAX_PACKAGES - EACH_LIST) == MOST
    assert owed_after(MOST, seconds=0.0, packages=0) is None
