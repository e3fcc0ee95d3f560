"""How long Hypothesis searches: a few hundred examples by default, tens of thousands with HYPOTHESIS_PROFILE=deep."""

import os

from hypothesis import HealthCheck, settings

_SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("default", max_examples=200, deadline=None, suppress_health_check=_SLOW_MACHINE)
settings.register_profile(
    "deep",
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "30000")),
    deadline=None,
    suppress_health_check=_SLOW_MACHINE,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
