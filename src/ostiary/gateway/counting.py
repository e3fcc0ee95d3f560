"""Counts announced changes inside the transaction that makes them, and has them published when it commits."""

from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from ostiary.changes import SectionName
from ostiary.gateway.models import FactsVersion

_log = structlog.get_logger(__name__)


def count_change(*, section: SectionName, takes_away: bool, at_once: bool = True, **_: Any) -> None:
    """Add one to a section's version; publish when the transaction commits, unless the worker may do it.

    A publication that fails does not undo the change: the worker publishes it as soon as that is possible, and
    without the worker's heartbeat everything is refused before long.
    """
    with transaction.atomic():
        FactsVersion.objects.get_or_create(section=section)
        values: dict[str, Any] = {"version": F("version") + 1}
        if takes_away:
            values["taken_away_at"] = F("version") + 1
        FactsVersion.objects.filter(section=section).update(**values)
        if at_once:
            transaction.on_commit(_publish_committed)


def _publish_committed() -> None:
    from ostiary.gateway.publisher import publish  # noqa: PLC0415 - it needs the facts of every pillar, loaded by now
    from ostiary.gateway.reconfigure import reconfigure_if_set_up  # noqa: PLC0415

    try:
        publication = publish("committed")
        if "applications" in publication.sections:
            reconfigure_if_set_up(settings.INSTANCE)
    except Exception as error:
        _log.exception("facts_not_published", error=str(error))
