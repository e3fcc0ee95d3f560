"""What a device's TPM says of how it started. It counts for a while, as attested by hardware where the TPM's maker is known."""

from datetime import UTC, datetime
from typing import Final

import structlog
from django.db import transaction

from ostiary.devices.domain.answers import AgentRefused, Code, Judged
from ostiary.devices.domain.messages import Quote, read_message
from ostiary.devices.domain.posture import Evidence, Reported
from ostiary.devices.domain.tpm.attest import quoted_nonce, require_quoted
from ostiary.devices.domain.tpm.event_log import read_log, require_replayed, secure_boot_of
from ostiary.devices.domain.tpm.wire import UnprovenTpm, UnreadableTpm
from ostiary.devices.journal import record_change
from ostiary.devices.models import DeviceTpm
from ostiary.devices.queries import get_device
from ostiary.devices.services.freshness import already_sent, judge_message, require_enabled
from ostiary.devices.services.knowing import take_facts
from ostiary.devices.services.renewing import agent_on, refusal_of, sender_of
from ostiary.devices.services.tpm import attestation_key_of

SOURCE: Final = "tpm"
QUOTE_LASTS_SECONDS: Final = 24 * 3600.0
"""The agent has its TPM say it when it starts and twice a day."""

log = structlog.get_logger(__name__)


def take_quote(text: str, firmware_log: bytes, *, address: str, now: float) -> Judged:
    """Take what a device's TPM says, and return what it is worth.

    Args:
        text: the signed `Quote`.
        firmware_log: as it was sent beside it; the TPM's registers prove it, or it proves nothing.
        address: where it was sent from.
        now: seconds since the epoch.

    Raises:
        UnreadableMessage, UnreadableTpm: when it is no such message.
        UnprovenTpm: when another TPM said it, or at another moment, or of other values. Nothing was changed.
        AgentRefused: when the device is not known, stands otherwise, has no TPM, or its message is stale.
    """
    require_enabled()
    message, received = read_message(text, Quote)
    row = sender_of(message, received)
    given_at = judge_message(message, now=now)
    if (refusal := refusal_of(row)) is not None:
        raise refusal
    with transaction.atomic():
        kept = DeviceTpm.objects.select_for_update().filter(pk=row.pk).first()
        if kept is None:
            raise AgentRefused(Code.INVALID, "No TPM was enrolled with this device.")
        if kept.quoted_at is not None and given_at <= kept.quoted_at.timestamp():
            raise already_sent()
        said = message.quoted
        try:
            require_quoted(
                said.said,
                said.signature,
                by=attestation_key_of(kept),
                registers=said.registers,
                nonce=quoted_nonce(message.nonce, device=row.pk),
            )
        except UnprovenTpm as error:
            log.warning("device_quote_refused", device=row.pk, why=error.message)
            raise
        secure_boot, why = _read(firmware_log, said.registers)
        before = get_device(row.pk)
        kept.quoted_at, kept.secure_boot, kept.boot_words = datetime.fromtimestamp(now, UTC), secure_boot, why[:250]
        kept.save(update_fields=["quoted_at", "secure_boot", "boot_words"])
        after = get_device(row.pk)
        if before.tpm is None or before.tpm.quoted_at is None or before.tpm.secure_boot is not secure_boot:
            actor = agent_on(row, address)
            record_change("update", actor=actor, before=before, after=after, reason="its TPM said how it started")
        vouched = bool(kept.maker)
        take_facts(
            device=row.pk,
            source=SOURCE,
            evidence=Evidence.HARDWARE_ATTESTED if vouched else Evidence.SELF_REPORTED,
            facts=[Reported(name="secure_boot", value=secure_boot, at=now, problem=why)],
            taken_at=now,
            lasts=QUOTE_LASTS_SECONDS,
            now=now,
        )
        return Judged(secure_boot=secure_boot, why=why, vouched=vouched)


def _read(firmware_log: bytes, registers: tuple[bytes, ...]) -> tuple[bool | None, str]:
    """Return whether Secure Boot was on, or why that cannot be told."""
    if not firmware_log:
        return None, "The firmware's log was not sent: the agent may not read it, or there is none."
    try:
        entries = read_log(firmware_log)
        require_replayed(entries, registers)
    except (UnreadableTpm, UnprovenTpm) as error:
        return None, error.message
    found = secure_boot_of(entries)
    return found, "" if found is not None else "The firmware's log does not begin with whether Secure Boot was on."
