"""Services nobody uses: their owner is told, and when nothing comes of it they are switched off. For the worker.

Mail that cannot be sent puts that off by as long as the notice would have been, and no longer: else a broken mail server would
keep every forgotten service open.
"""

import time
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from ostiary.errors import OstiaryError
from ostiary.visibility.facade import Actor, RecordUnavailable
from ostiary.workloads.domain.services import DAY_SECONDS, Closed, Service, State
from ostiary.workloads.models import StoredService
from ostiary.workloads.queries import get_service, list_services
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
    return sum(_tend_one(service, now) for service in list_services() if service.state(now) is State.WORKS)


def _tend_one(service: Service, now: float) -> int:
    """One service that was changed at this very moment, or cannot be closed, keeps no other from being tended."""
    try:
        return _tend(service, now)
    except RecordUnavailable:
        raise
    except OstiaryError as error:
        log.warning("service_not_tended", service=service.id, error=error.message)
        return 0


def _tend(service: Service, now: float) -> int:
    notice = settings.INSTANCE.configuration.workloads.notice_days * DAY_SECONDS
    unused_at = closes_at(service)
    ends_at = service.ends_at if unused_at is None else min(unused_at, service.ends_at)
    if now < ends_at - notice:
        return 0
    told_at = StoredService.objects.filter(pk=service.id).values_list("told_at", flat=True).first()
    if told_at is None:
        closes_unused = unused_at is not None and unused_at <= service.ends_at
        if _tell(service, closes_unused=closes_unused, at=ends_at, now=now):
            return 1
        if unused_at is None or now < unused_at + notice:
            return 0
    # Whoever could not be told in time has the whole notice all the same.
    elif unused_at is None or now < max(unused_at, told_at.timestamp() + notice):
        return 0
    if (still := closes_at(get_service(service.id))) is None or now < still:
        return 0  # used since the list was read
    why = "nobody used it" if told_at is not None else "nobody used it; whoever answers for it could not be told"
    disable_service(service.id, actor=TENDED_BY, why=Closed.UNUSED, reason=why)
    _send("closed", service, used_at=_words(service.used_at) if service.used_at else "")
    return 1


def _tell(service: Service, *, closes_unused: bool, at: float, now: float) -> bool:
    """Send the notice, and note that it was; a service whose owner is gone has nobody to tell."""
    notice = settings.INSTANCE.configuration.workloads.notice_days * DAY_SECONDS
    shown_at = max(at, now + notice) if closes_unused else at
    used_at = _words(service.used_at) if service.used_at else ""
    if not _send("notice", service, unused=closes_unused, at=_words(shown_at), used_at=used_at):
        return False
    StoredService.objects.filter(pk=service.id, told_at=None).update(told_at=datetime.fromtimestamp(now, UTC))
    return True


def _send(mail: str, service: Service, **shown: object) -> bool:
    """Return whether a mail was sent, or there is nobody to send it to."""
    if service.owner_gone:
        return True
    context = {"organisation": settings.INSTANCE.display_name, "service": service, **shown}
    subject, _, body = render_to_string(f"workloads/mail/{mail}.txt", context).partition("\n")
    message = EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[service.owner])
    try:
        message.send()
    except Exception as error:
        log.error("service_mail_not_sent", mail=mail, service=service.id, error=str(error))
        return False
    return True


def _words(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
