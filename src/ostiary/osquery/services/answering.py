"""Answers osqueryd: its node key, its configuration, its queries; and takes what it found."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import transaction

from ostiary.devices.facade import Reported, State, get_device
from ostiary.osquery.domain.hosts import UnusableHost
from ostiary.osquery.domain.messages import Answered, Asked, Enrol, Logged, Snapshot, answers, describe, snapshots
from ostiary.osquery.domain.queries import configuration, facts_of, wanted
from ostiary.osquery.journal import HOST
from ostiary.osquery.models import StoredHost
from ostiary.osquery.services.hosts import tell_facts
from ostiary.osquery.services.secrets import find_secret
from ostiary.programs.stored import new_token
from ostiary.programs.tokens import digest_of
from ostiary.visibility.facade import Actor, record_entity_change

MAX_UNLINKED: Final = 2000
FORGOTTEN_DAYS: Final = 30
SEEN_EVERY: Final = timedelta(minutes=1)
CANNOT_TELL: Final = "osquery cannot tell."
INVALID: Final[dict[str, Any]] = {"node_invalid": True}


@transaction.atomic
def enrol_host(message: Enrol, *, address: str, now: float) -> dict[str, Any]:
    """Give a host that knows an enrol secret a node key; it is a new one each time, and counts for no device until it is linked.

    Args:
        message: what it sent.
        address: where it came from.
        now: seconds since the epoch.

    Raises:
        UnusableHost: when so many wait to be linked that no more come in.
        RecordUnavailable: when it cannot be put on record; nothing was changed.
    """
    secret = find_secret(message.enroll_secret)
    if secret is None:
        return INVALID
    moment = datetime.fromtimestamp(now, UTC)
    unlinked = StoredHost.objects.filter(device=None)
    unlinked.filter(seen_at__lt=moment - timedelta(days=FORGOTTEN_DAYS)).delete()
    if unlinked.count() >= MAX_UNLINKED:
        raise UnusableHost(f"{MAX_UNLINKED} hosts wait to be linked; no more can come in.", hint="Link or remove some.")
    key, digest = new_token()
    fields = msgspec.structs.asdict(describe(message))
    row = StoredHost.objects.create(
        digest=digest, secret=secret.name, address=address[:45], enrolled_at=moment, seen_at=moment, **fields
    )
    actor = Actor(kind="machine", id=f"osquery:{secret.name}", label=f"osquery:{secret.name}", address=address or None)
    told = {"identifier": row.identifier, "serial": row.serial, "secret": secret.name, "address": address}
    record_entity_change(HOST, str(row.pk), "create", actor=actor, name=row.name, after=told)
    return {"node_key": key, "node_invalid": False}


def configure_host(message: Asked, *, now: float) -> dict[str, Any]:
    """Return what a host is to do."""
    row = _known(message.node_key, now=now)
    return INVALID if row is None else {**configuration(row.platform), "node_invalid": False}


def ask_host(message: Asked, *, now: float) -> dict[str, Any]:
    """Return the queries a host is to answer at once: all of them while nothing is known of it, then none."""
    row = _known(message.node_key, now=now)
    if row is None:
        return INVALID
    return {"queries": {} if row.facts else wanted(row.platform), "node_invalid": False}


def take_log(message: Logged, *, now: float) -> dict[str, Any]:
    """Take what scheduled queries found.

    Raises:
        UnreadableRequest: when it is more than a host sends.
    """
    return _take(message.node_key, snapshots(message), now=now)


def take_answers(message: Answered, *, now: float) -> dict[str, Any]:
    """Take what queries found that were asked at once."""
    return _take(message.node_key, answers(message), now=now)


def _take(key: str, found: Iterable[Snapshot], *, now: float) -> dict[str, Any]:
    known = _known(key, now=now)
    if known is None:
        return INVALID
    with transaction.atomic():
        row = StoredHost.objects.select_for_update().filter(pk=known.pk).first()
        if row is None:
            return INVALID
        if _merge(row, found, now=now):
            row.save(update_fields=["facts"])
            tell_facts(row, now=now)
    return {"node_invalid": False}


def _merge(row: StoredHost, found: Iterable[Snapshot], *, now: float) -> bool:
    """Put what was found in place of what was said before, unless that is newer; return whether there was anything."""
    changed = False
    for snapshot in found:
        at = min(now, float(int(now)) if snapshot.at is None else snapshot.at)  # hosts say whole seconds
        for name, value in facts_of(snapshot).items():
            if row.facts.get(name, {}).get("at", 0.0) <= at:
                said = Reported(name=name, value=value, at=at, problem=CANNOT_TELL if value is None else "")
                row.facts[name] = msgspec.to_builtins(said)
                changed = True
    return changed


def _known(key: str, *, now: float) -> StoredHost | None:
    """Return whose node key this is, and note that it came; `None` for one that is unknown, or whose device has ended."""
    row = StoredHost.objects.filter(digest=digest_of(key).hex()).first() if key else None
    if row is None or (row.device_id is not None and get_device(row.device_id).state in {State.LOST, State.RETIRED}):
        return None
    moment = datetime.fromtimestamp(now, UTC)
    if row.seen_at < moment - SEEN_EVERY:
        StoredHost.objects.filter(pk=row.pk).update(seen_at=moment)
    return row
