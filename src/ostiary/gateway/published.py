"""The facts as they are published: what the decision service stands on, for proving afterwards what somebody reaches."""

from django.conf import settings

from ostiary.gateway.snapshots import read_snapshot
from ostiary.reviews.facade import World


def read_published() -> World:
    """Return the facts of the newest snapshot.

    Raises:
        FactsUnusable: when there is none that can be used.
    """
    found = read_snapshot(settings.INSTANCE.facts)
    return World(
        generation=found.generation,
        directory=found.identity,
        catalogue=found.applications,
        rules=found.rulebook,
        services=found.workloads.services,
    )
