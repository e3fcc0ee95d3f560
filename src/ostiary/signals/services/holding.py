"""Signals that were too many at once: an administrator lets them through, or throws them away. They are told by mail."""

from datetime import UTC, datetime

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

from ostiary.identity.facade import ADMINISTRATORS, list_members
from ostiary.signals.domain.errors import NothingHeld
from ostiary.signals.domain.events import Effect
from ostiary.signals.domain.trust import Outcome, allowed
from ostiary.signals.journal import TRANSMITTER
from ostiary.signals.models import Received, StoredTransmitter
from ostiary.signals.queries.transmitters import transmitter_of
from ostiary.signals.services.acting import act
from ostiary.signals.services.receiving import put_on_record
from ostiary.signals.services.transmitters import lock_transmitter
from ostiary.visibility.facade import Actor, record_entity_change

log = structlog.get_logger(__name__)


def release_signals(name: str, *, actor: Actor, reason: str = "") -> int:
    """Let through what is held of a transmitter, in the order in which it came; return how many signals that were.

    Nothing comes of what the transmitter may not bring about any more.

    Raises:
        UnknownTransmitter: when there is none.
        NothingHeld: when nothing of it is held.
    """
    return _settle(name, actor=actor, reason=reason, through=True)


def discard_signals(name: str, *, actor: Actor, reason: str = "") -> int:
    """Throw away what is held of a transmitter; return how many signals that were.

    Raises:
        UnknownTransmitter: when there is none.
        NothingHeld: when nothing of it is held.
    """
    return _settle(name, actor=actor, reason=reason, through=False)


def tell_administrators() -> int:
    """Write to the administrators about transmitters whose signals are held, once each time. For the worker.

    Who cannot be written to is no reason to write to the others again.

    Returns:
        Of how many transmitters was written.

    Raises:
        OSError: when nobody could be written to; it is tried again.
    """
    rows = list(StoredTransmitter.objects.filter(told_at=None).exclude(held_at=None))
    for row in rows:
        failures: list[OSError] = []
        told = 0
        for member in list_members(ADMINISTRATORS):
            if member.active:
                try:
                    told += _letter(row, member.email).send()
                except OSError as error:
                    failures.append(error)
                    log.warning("held_signals_not_told", to=member.email, error=str(error))
        if failures and not told:
            raise failures[0]
        StoredTransmitter.objects.filter(pk=row.pk, held_at=row.held_at).update(told_at=datetime.now(UTC))
    return len(rows)


@transaction.atomic
def _settle(name: str, *, actor: Actor, reason: str, through: bool) -> int:
    stored = lock_transmitter(name)
    if stored.held_at is None:
        raise NothingHeld(f"Nothing of {name} is held.")
    transmitter = transmitter_of(stored)
    held = list(
        Received.objects.select_related("person").filter(transmitter=stored, outcome=Outcome.HELD.value).order_by("pk")
    )
    for row in held:
        outcome, words = (
            act(row, transmitter, allowed(Effect(row.effect), transmitter.may)) if through else (Outcome.DISCARDED, "")
        )
        row.outcome, row.words = outcome.value, "; ".join(filter(None, (row.words, words)))[:500]
        row.save(update_fields=["outcome", "words"])
        put_on_record(row)
    stored.held_at, stored.told_at, stored.counted_from = None, None, datetime.now(UTC)
    stored.save(update_fields=["held_at", "told_at", "counted_from"])
    words = f"{len(held)} held signals {'let through' if through else 'thrown away'}"
    record_entity_change(TRANSMITTER, name, "update", actor=actor, after={"held": words}, comment=reason)
    return len(held)


def _letter(row: StoredTransmitter, address: str) -> EmailMessage:
    instance = settings.INSTANCE
    shown = {
        "organisation": instance.display_name,
        "name": row.name,
        "issuer": row.issuer,
        "held": Received.objects.filter(transmitter=row, outcome=Outcome.HELD.value).count(),
        "link": instance.url(instance.console_host, f"/signals/transmitters/{row.name}/"),
    }
    subject, _, body = render_to_string("signals/mail/held.txt", shown).partition("\n")
    return EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[address])
