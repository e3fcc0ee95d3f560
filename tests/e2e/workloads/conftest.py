"""Services and tokens are shown on the whole instance, which starts once a process."""

from collections.abc import Iterator

import pytest
from tests.running_instance import RunningInstance
from tests.workload_asking import SERVICE_RULES, Program


@pytest.fixture(scope="module")
def owner(running: RunningInstance) -> str:
    return running.make_person("staff", name="Olga Owner").email


@pytest.fixture(scope="module")
def robot(running: RunningInstance, owner: str) -> Iterator[Program]:
    """Have rules for services, and one service that proves itself with a key."""
    program = Program(running, "robot", owner=owner)
    with running.rules(SERVICE_RULES):
        yield program
    running.operator("ostiary.workloads.facade:remove_service", "robot")
