"""When a service that nobody uses is switched off. Doing it, and telling its owner before, is `closing`'s."""

from django.conf import settings

from ostiary.workloads.domain.services import DAY_SECONDS, Service


def closes_at(service: Service) -> float | None:
    """Return when a service is switched off if it stays unused (seconds since the epoch); `None` for never."""
    days = settings.INSTANCE.configuration.workloads.unused_days
    return service.idle_since + days * DAY_SECONDS if days else None
