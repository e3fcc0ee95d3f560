"""How one revocation is judged from the client's requests and the moment of the commit."""

import pytest
from bench.disabler import Disabled
from bench.load import InvalidRun
from bench.revocation import Sample, judge, percentile

MS = 10**6
DISABLED = Disabled(commit_at=100 * MS, committed_at=103 * MS, returned_at=110 * MS)


def test_time_runs_from_the_commit_to_the_first_refusal() -> None:
    samples = [Sample(95 * MS, 96 * MS, 200), Sample(104 * MS, 105 * MS, 200), Sample(106 * MS, 107 * MS, 302)]
    trial = judge(samples, DISABLED)
    assert trial.refused_ms == 4.0
    assert trial.last_allowed_ms == 1.0
    assert trial.published_ms == 7.0
    assert trial.late_requests == 2


def test_a_refusal_before_the_commit_was_somebody_elses() -> None:
    with pytest.raises(InvalidRun):
        judge([Sample(90 * MS, 91 * MS, 200), Sample(92 * MS, 93 * MS, 403)], DISABLED)


def test_a_client_that_was_never_let_through_shows_nothing() -> None:
    with pytest.raises(InvalidRun):
        judge([Sample(104 * MS, 105 * MS, 403)], DISABLED)


def test_the_hundredth_part_is_the_largest_of_a_few() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert percentile([float(n) for n in range(1, 201)], 0.99) == 198.0
    assert percentile([5.0], 0.5) == 5.0
