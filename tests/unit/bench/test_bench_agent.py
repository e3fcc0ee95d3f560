"""What an agent may cost, and that a benchmark which misses it says so."""

import pytest
from bench.agent import is_light


@pytest.mark.parametrize(
    ("cpu", "memory", "light"), [(0.2, 47.0, True), (1.0, 60.0, True), (1.1, 47.0, False), (0.2, 60.1, False)]
)
def test_an_agent_is_light_within_both_bounds(cpu: float, memory: float, light: bool) -> None:
    assert is_light({"agent_cpu_percent": cpu, "agent_resident_mb": memory}) is light
