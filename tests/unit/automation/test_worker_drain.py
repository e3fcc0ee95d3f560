"""What a job does with a backlog: part after part, with rests, and never for long."""

from ostiary.automation.jobs import _ONE_BACKLOG, DRAIN_SECONDS, RESTS, drain


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.rested: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rested.append(seconds)
        self.now += seconds


def test_it_ends_with_the_backlog_and_counts_what_it_did() -> None:
    clock, left = Clock(), [500, 500, 120, 0, 99]

    def step(now: float) -> int:
        assert now == 7.0
        clock.now += 0.1
        return left.pop(0)

    assert drain(step, clock=clock, sleep=clock.sleep)(7.0) == 1120
    assert left == [99]


def test_after_each_part_it_rests_longer_than_it_worked() -> None:
    clock, parts = Clock(), iter([(500, 0.25), (500, 0.5), (0, 0.25)])

    def step(_now: float) -> int:
        done, seconds = next(parts)
        clock.now += seconds
        return done

    drain(step, clock=clock, sleep=clock.sleep)(0.0)
    assert clock.rested == [0.25 * RESTS, 0.5 * RESTS]


def test_an_endless_backlog_is_left_for_the_next_run() -> None:
    clock = Clock()

    def step(_now: float) -> int:
        clock.now += 0.125
        return 500

    done = drain(step, clock=clock, sleep=clock.sleep)(0.0)
    assert done == 500 * DRAIN_SECONDS / (0.125 * (1 + RESTS))
    assert clock.now - 1000.0 <= DRAIN_SECONDS + 1


def test_with_nothing_to_do_it_does_not_rest() -> None:
    clock = Clock()
    assert drain(lambda _now: 0, clock=clock, sleep=clock.sleep)(0.0) == 0
    assert clock.rested == []


def test_jobs_with_a_backlog_take_turns_also_while_one_rests() -> None:
    clock, taken, left = Clock(), [], [500, 500, 0]

    def rest(seconds: float) -> None:
        taken.append(_ONE_BACKLOG.locked())
        clock.sleep(seconds)

    drain(lambda _now: left.pop(0), clock=clock, sleep=rest)(0.0)
    assert taken == [True, True]
    assert not _ONE_BACKLOG.locked()
