"""Mails to whoever a device belongs to, sent once what they tell of is certain. One that cannot be sent is in the log."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

from ostiary.devices.domain.devices import Device, State, shown_key
from ostiary.devices.domain.seen import Seen

log = structlog.get_logger(__name__)


def tell_owner(device: Device, what: Literal["enrolled", "quarantined"]) -> None:
    """Tell the owner of a device what became of it, when the transaction that is open has done so."""
    transaction.on_commit(partial(_send, device, what))


def ask_to_enrol_by_mail(address: str, seen: Seen) -> None:
    """Ask somebody to enrol the device they were seen on, when the transaction that is open has noted so."""
    instance = settings.INSTANCE
    shown = {
        "organisation": instance.display_name,
        "seen": seen,
        "instance": instance.url(instance.identity_host, ""),
        "address": instance.url(instance.identity_host, "/devices"),
    }
    transaction.on_commit(partial(_mail, address, "asked", shown))


def _send(device: Device, what: str) -> None:
    instance = settings.INSTANCE
    shown = {
        "organisation": instance.display_name,
        "device": device,
        "key": shown_key(device.thumbprint),
        "waits": device.state is State.WAITING,
        "address": instance.url(instance.identity_host, "/devices"),
    }
    _mail(device.owner, what, shown)


def _mail(address: str, what: str, shown: Mapping[str, object]) -> None:
    subject, _, body = render_to_string(f"devices/mail/{what}.txt", dict(shown)).partition("\n")
    try:
        EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[address]).send()
    except Exception as error:
        log.error("device_mail_not_sent", to=address, what=what, error=str(error))
