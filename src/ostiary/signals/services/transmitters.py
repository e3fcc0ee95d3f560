"""Registering and removing the systems whose signals are listened to. Each change is one transaction, on record."""

import time
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from ostiary.config.domain_name import parse_domain
from ostiary.outgoing.addresses import may_be_asked
from ostiary.outgoing.sealed import seal
from ostiary.policy.identifiers import parse_slug
from ostiary.programs.stored import new_token
from ostiary.programs.tokens import digest_of
from ostiary.signals.adapters.keys import default_metadata_url, describe
from ostiary.signals.adapters.wire import PURPOSE
from ostiary.signals.domain.errors import TransmitterExists, UnusableTransmitter
from ostiary.signals.domain.streams import is_header
from ostiary.signals.domain.trust import May, Transmitter
from ostiary.signals.journal import TRANSMITTER
from ostiary.signals.models import StoredTransmitter
from ostiary.signals.queries.receivers import issuer as own_issuer
from ostiary.signals.queries.transmitters import get_transmitter, transmitter_of, unknown_transmitter
from ostiary.visibility.facade import Actor, record_entity_change

MAX_ADDRESS_CHARACTERS: Final = 300
MAX_AUDIENCE_CHARACTERS: Final = 300


class NewTransmitter(msgspec.Struct, frozen=True, kw_only=True):
    """A transmitter that was just added, with the token it has to send: shown once and kept nowhere."""

    transmitter: Transmitter
    token: str


def add_transmitter(
    name: str, *, issuer: str, actor: Actor, audience: str = "", metadata_url: str = "", may: str = May.RECORD.value,
    subject_issuers: tuple[str, ...] = (), email_domains: tuple[str, ...] = (), may_disable_administrators: bool = False,
    older_form: bool = False, by_signature: bool = False, management_token: str = "", reason: str = "",
) -> NewTransmitter:  # fmt: skip
    """Listen to a system, and return the token that it has to send with each signal.

    It is asked to describe itself before anything is stored.

    Args:
        name: as it stands on record: 1 to 63 of `a-z`, `0-9` and inner `-`.
        issuer: the issuer of its tokens, exactly.
        actor: who does it.
        audience: what we are called there; our sign-in host's address when empty.
        metadata_url: where it describes itself; found by its issuer when empty.
        may: what its events may bring about: `record`, `end-sessions` or `disable`.
        subject_issuers: whose accounts it may speak of; its own when empty.
        email_domains: whose addresses it may name people by.
        may_disable_administrators: whether people who may use the console are disabled too.
        older_form: whether tokens without a type, with the subject in the event, are taken.
        by_signature: whether it may send without a token.
        management_token: by which we ask it for streams, verifications and events; empty for none.
        reason: why.

    Raises:
        MalformedIdentifier, UnusableTransmitter: when a value cannot be used; nothing was changed.
        TransmitterExists: when there is one of this name or issuer.
        Unreachable: when it does not describe itself.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    name = parse_slug(name, what="transmitter")
    if may not in {one.value for one in May}:
        raise UnusableTransmitter(f"{may[:40]!r} is nothing it may do.", hint="Write record, end-sessions or disable.")
    if management_token and not is_header(management_token):
        raise UnusableTransmitter("The token cannot be sent.", hint="Put the token alone into the file.")
    if len(audience) > MAX_AUDIENCE_CHARACTERS or not audience.isascii() or not audience.isprintable():
        raise UnusableTransmitter("This cannot be an audience.", hint="Copy what the transmitter calls us.")
    url = _address(metadata_url or default_metadata_url(_address(issuer)))
    if issuer.rstrip("/") == own_issuer():
        raise UnusableTransmitter("That is this instance itself.")
    document = describe(url, issuer, fresh=True)
    token, digest = ("", "") if by_signature else new_token()
    now = datetime.fromtimestamp(time.time(), UTC)
    row = StoredTransmitter(
        name=name,
        issuer=document.issuer,
        metadata_url=url,
        audience=audience or own_issuer(),
        may=may,
        subject_issuers=[_address(one).rstrip("/") for one in subject_issuers or (issuer,)],
        email_domains=sorted({parse_domain(one) for one in email_domains}),
        may_disable_administrators=may_disable_administrators,
        older_form=older_form,
        by_signature=by_signature,
        digest=digest,
        sealed_token=seal(management_token, purpose=PURPOSE),
        added_at=now,
        added_by=actor.label,
        counted_from=now,
    )
    with transaction.atomic():
        taken = StoredTransmitter.objects.filter(pk=name) | StoredTransmitter.objects.filter(issuer=issuer)
        if taken.exists():
            raise TransmitterExists(
                "A transmitter with this name, or of this issuer, is trusted already.",
                hint="See which there are: ostiary signal transmitter list",
            )
        row.save(force_insert=True)
        transmitter = transmitter_of(row)
        record_entity_change(
            TRANSMITTER, name, "create", actor=actor, after=msgspec.to_builtins(transmitter), comment=reason
        )
    return NewTransmitter(transmitter=transmitter, token=token)


@transaction.atomic
def allow_transmitter(name: str, *, may: str, actor: Actor, reason: str = "") -> Transmitter:
    """Change what a transmitter's events may bring about.

    Raises:
        UnknownTransmitter: when there is none.
        UnusableTransmitter: when there is no such permission.
    """
    if may not in {one.value for one in May}:
        raise UnusableTransmitter(f"{may[:40]!r} is nothing it may do.", hint="Write record, end-sessions or disable.")
    row = lock_transmitter(name)
    before, row.may = row.may, may
    row.save(update_fields=["may"])
    record_entity_change(
        TRANSMITTER, name, "update", actor=actor, before={"may": before}, after={"may": may}, comment=reason
    )
    return get_transmitter(name)


@transaction.atomic
def remove_transmitter(name: str, *, actor: Actor, reason: str = "") -> Transmitter:
    """Listen to a system no more, and return what it was. What it told goes with it; the record keeps it.

    Whom it disabled stays disabled.

    Raises:
        UnknownTransmitter: when there is none.
    """
    row = lock_transmitter(name)
    removed = transmitter_of(row)
    row.delete()
    record_entity_change(TRANSMITTER, name, "delete", actor=actor, before=msgspec.to_builtins(removed), comment=reason)
    return removed


def renew_token(row: StoredTransmitter) -> str:
    """Return a new token that a transmitter has to send, in place of the one before."""
    token, row.digest = new_token()
    row.save(update_fields=["digest"])
    return token


def authorized_transmitter(name: str, token: str | None) -> Transmitter | None:
    """Return the transmitter that may send to an address, when the token is its own; `None` otherwise."""
    row = StoredTransmitter.objects.filter(pk=name).first() if settings.INSTANCE.configuration.signals.enabled else None
    given = digest_of(token or "").hex()
    if row is None or not (row.by_signature or (row.digest and constant_time_compare(row.digest, given))):
        return None
    return transmitter_of(row)


def lock_transmitter(name: str) -> StoredTransmitter:
    """Return a transmitter, locked until the transaction ends.

    Raises:
        UnknownTransmitter: when there is none.
    """
    row = StoredTransmitter.objects.select_for_update().filter(pk=name).first() if name.isprintable() else None
    if row is None:
        raise unknown_transmitter(name)
    return row


def _address(text: str) -> str:
    if len(text) > MAX_ADDRESS_CHARACTERS or not may_be_asked(text) or urlsplit(text).query:
        raise UnusableTransmitter(
            f"{text[:100]!r} is not an https address.", hint="Copy it as the transmitter states it."
        )
    return text
