"""Services nobody uses: their owner is told, and when nothing comes of it they are switched off. For the worker."""

import time
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from ostiary.visibility.facade import Actor
from ostiary.workloads.domain.services import DAY_SECONDS, Closed, Service, State
from ostiary.workloads.models import StoredService
from ostiary.workloads.queries import list_services
from ostiary.workloads.services.issuing import forget_used_assertions
from ostiary.workloads.services.register import disable_service
from ostiary.workloads.services.unused import closes_at

TENDED_BY: Final = Actor(kind="system", id="tend_services", label="Ostiary")

log = structlog.get_logger(__name__)


def tend_services(*, now: float) -> int:
    """Tell owners of services that will be closed or are about to end; close those that stayed unused; forget used assertions.

    Args:
        now: seconds since the epoch.

    Returns:
        How many services were told of or closed.
    """
    forget_used_assertions(now=now)
    return sum(_tend(service, now) for service in list_services() if service.state(now) is State.WORKS)


def _tend(service: Service, now: float) -> int:
    notice = settings.INSTANCE.configuration.workloads.notice_days * DAY_SECONDS
    unused_at = closes_at(service)
    ends_at = service.ends_at if unused_at is None else min(unused_at, service.ends_at)
    if now < ends_at - notice:
        return 0
    told_at = StoredService.objects.filter(pk=service.id).values_list("told_at", flat=True).first()
    if told_at is None:
        return _tell(service, closes_unused=unused_at is not None and unused_at <= service.ends_at, at=ends_at, now=now)
    # Whoever could not be told in time has the whole notice all the same.
    if unused_at is None or now < max(unused_at, told_at.timestamp() + notice):
        return 0
    disable_service(service.id, actor=TENDED_BY, why=Closed.UNUSED, reason="nobody used it")
    return 1


def _tell(service: Service, *, closes_unused: bool, at: float, now: float) -> int:
    """Send the mail, and note that it was; a service whose owner is gone has nobody to tell."""
    instance = settings.INSTANCE
    if not service.owner_gone:
        notice = instance.configuration.workloads.notice_days * DAY_SECONDS
        shown = {
            "organisation": instance.display_name,
            "service": service,
            "unused": closes_unused,
            "at": _words(max(at, now + notice) if closes_unused else at),
            "used_at": _words(service.used_at) if service.used_at else "",
        }
        subject, _, body = render_to_string("workloads/mail/notice.txt", shown).partition("\n")
        message = EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[service.owner])
        try:
            message.send()
        except Exception as error:
            log.error("service_notice_not_sent", service=service.id, error=str(error))
            return 0
    StoredService.objects.filter(pk=service.id, told_at=None).update(told_at=datetime.fromtimestamp(now, UTC))
    return 1


def _words(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
