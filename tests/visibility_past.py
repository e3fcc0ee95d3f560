"""Past requests in an instance of its own: kept as the worker keeps them, and read back, for tests of keeping."""

from collections.abc import Iterator

import msgspec
import pytest
from pytest_django import Settings

from ostiary.config.places import Instance
from ostiary.policy.past import Situation, from_ticks
from ostiary.visibility.keeping import PastKeeper
from ostiary.visibility.past import read_past_requests
from tests.visibility_material import NOW

DAY = 86_400.0


@pytest.fixture
def keeper(instance: Instance) -> Iterator[PastKeeper]:
    made = PastKeeper(instance)
    yield made
    made.close()


def keep_all(keeper: PastKeeper, *, now: float = NOW, limit: int = 7) -> int:
    total = 0
    while done := keeper.keep(now, limit=limit):
        total += done
    return total


def kept(stream: str = "decisions") -> list[tuple[float, int, Situation]]:
    """Every request that is kept of a stream, in order."""
    return [
        (from_ticks(requests.ticks[row]), requests.outcome[row], requests.situation(row))
        for _, requests in read_past_requests(since=0.0)
        if requests.stream == stream
        for row in range(len(requests))
    ]


def configured(settings: Settings, instance: Instance, **record: int) -> Instance:
    """The instance with other settings of the record."""
    configuration = msgspec.structs.replace(
        instance.configuration, record=msgspec.structs.replace(instance.configuration.record, **record)
    )
    settings.INSTANCE = Instance(home=instance.home, configuration=configuration)
    made: Instance = settings.INSTANCE
    return made
