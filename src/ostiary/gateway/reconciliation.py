"""What the worker does every few seconds: publish what may wait so long and what a crash left, then say that the facts hold."""

import structlog
from django.conf import settings

from ostiary.config.places import Instance
from ostiary.gateway.heartbeat import beat
from ostiary.gateway.publisher import Publication, publish

_log = structlog.get_logger(__name__)


def reconcile(now: float) -> Publication:
    """Publish what was not, and beat the heart.

    The heart beats only when the snapshot holds what the database holds: any failure before lets it stop, and after
    `decisions.facts_max_age_seconds` everything is refused.

    Args:
        now: seconds since the epoch.

    Raises:
        OSError: when something cannot be written.
        django.db.Error: when the database does not answer.
    """
    instance: Instance = settings.INSTANCE
    publication = publish("reconciled")
    if publication.ended_grants:
        _log.warning("facts_mended", generation=publication.generation, sections=list(publication.sections))
    beat(instance.facts, now)
    return publication
