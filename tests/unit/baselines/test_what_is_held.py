"""What a hold covers: while anything else blocks a device, it does not count as before."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.baselines.domain.holding import counts_until, fault_of, still_met

NOW = 1_000_000.0
checks = st.sets(st.sampled_from(["disk", "wall", "lock"]))


@settings(max_examples=40)
@given(checks, checks, st.sampled_from([0.0, NOW - 1, NOW, NOW + 1]))
def test_a_device_counts_as_before_only_while_all_that_blocks_it_is_held(
    blocking: set[str], held: set[str], ends: float
) -> None:
    until = counts_until(blocking, held, ends, NOW)
    assert until in (0.0, ends)
    assert bool(until) == (ends > NOW and blocking != set() and not blocking - held)


@pytest.mark.parametrize(
    ("lost", "met"),
    [
        ({"minimum": ["wall"]}, ("minimum",)),
        ({"minimum": ["wall"], "strict": ["disk", "wall"]}, ("minimum",)),
        ({"gone": []}, ()),
        ({}, ()),
    ],
)
def test_a_baseline_is_still_met_where_all_that_lacks_of_it_is_held(
    lost: dict[str, list[str]], met: tuple[str, ...]
) -> None:
    assert still_met(lost, ["wall"]) == met


def test_a_fault_shows_on_more_than_one_device() -> None:
    assert fault_of([["wall"], ["wall", "disk", "disk"], ["lock"]]) == {"wall"}
    assert fault_of([["wall", "lock"], ["wall", "lock"]]) == {"wall", "lock"}
    assert fault_of([]) == frozenset()
