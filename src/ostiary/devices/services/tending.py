"""What the worker does for devices: the authority in good time, and nothing kept that is over."""

from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from ostiary.changes import announce_change
from ostiary.config.places import Instance
from ostiary.devices.adapters.authority import (
    describe_authority,
    ensure_authority,
    rotate_authority,
    withdraw_authority,
)
from ostiary.devices.journal import AUTHORITY
from ostiary.devices.models import UsedNonce
from ostiary.devices.services.enrolling import forget_old_enrolments
from ostiary.devices.services.register import SECTION
from ostiary.devices.services.renewing import forget_old_certificates
from ostiary.visibility.facade import Actor, record_entity_change

TENDED_BY: Final = Actor(kind="system", id="tend_devices", label="Ostiary")


def ready_authority(*, now: float, actor: Actor = TENDED_BY) -> bool:
    """See to it that certificates can be made and are asked for where devices are on, and are not where they are off.

    Args:
        now: seconds since the epoch.
        actor: who sees to it.

    Returns:
        Whether anything changed.

    Raises:
        UnusableAuthority: when its files are there and cannot be used.
        OSError: when they cannot be written.
    """
    instance: Instance = settings.INSTANCE
    if not instance.configuration.devices.enabled:
        changed = withdraw_authority(instance)
        if changed:
            with transaction.atomic():
                announce_change(SECTION, takes_away=True)
        return changed
    changed = ensure_authority(instance, now=datetime.fromtimestamp(now, UTC))
    if changed:
        with transaction.atomic():
            announce_change(SECTION, takes_away=False)
            _record(instance, actor, "devices' certificates are signed and asked for")
    return changed


def change_authority(*, now: float, actor: Actor, reason: str = "") -> None:
    """Have another key sign from now on, whatever the age of the one before. Arguments and errors as `ready_authority`."""
    instance: Instance = settings.INSTANCE
    rotate_authority(instance, now=datetime.fromtimestamp(now, UTC))
    _record(instance, actor, reason)


def tend_devices(*, now: float) -> int:
    """Renew the authority in good time and forget what is over: enrolments, certificates, nonces.

    Args:
        now: seconds since the epoch.

    Returns:
        How much there was to do.
    """
    moment = datetime.fromtimestamp(now, UTC)
    forgotten = forget_old_enrolments(now=now) + forget_old_certificates(now=now)
    forgotten += UsedNonce.objects.filter(ends_at__lte=moment).delete()[0]
    return forgotten + int(ready_authority(now=now))


def _record(instance: Instance, actor: Actor, reason: str) -> None:
    root, issuing, *_ = describe_authority(instance)
    told = {"root": root.fingerprint, "issuing": issuing.fingerprint, "ends_at": issuing.ends_at}
    record_entity_change(
        AUTHORITY, issuing.fingerprint, "update", actor=actor, name=issuing.name, after=told, comment=reason
    )
