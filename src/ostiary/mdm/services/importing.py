"""Bringing in what device management knows, page by page; each page is kept as it comes, and a failure loses none of it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from django.db import transaction
from django.db.models import Q

from ostiary.errors import OstiaryError
from ostiary.mdm.adapters.asked import Asked, Busy, Wait
from ostiary.mdm.domain.connections import Connection, UnusableConnection
from ostiary.mdm.domain.records import Record, UnreadableAnswer
from ostiary.mdm.models import StoredConnection, StoredRecord
from ostiary.mdm.queries import get_connection, to_described, to_record
from ostiary.mdm.services.connections import asked_at, secret_of
from ostiary.mdm.services.linking import take_apart, tell_facts
from ostiary.outgoing.addresses import Unreachable
from ostiary.outgoing.wording import fit
from ostiary.visibility.facade import Actor

EVERY_SECONDS: Final = 15 * 60.0
FIRST_WAIT_SECONDS: Final = 60.0
LONGEST_WAIT_SECONDS: Final = 3600.0
GIVEN_UP_SECONDS: Final = 1800
"""An import that began so long ago and did not end was killed."""

MOST_FAILURES: Final = 3
"""So many linked devices may fail by themselves before the rest is left for the next time."""

FORGOTTEN_DAYS: Final = 30
IMPORTED_BY: Final = Actor(kind="system", id="import_management", label="Ostiary")
CHANGED_HARDWARE: Final = "The record is about other hardware now."

Progress = Callable[[Connection], None]


def import_records(name: str, *, now: float, wait: Wait = time.sleep, progress: Progress | None = None) -> Connection:
    """Bring in all that a connection knows, and return how it stands then.

    Args:
        name: of the connection.
        now: seconds since the epoch.
        wait: waits so many seconds, where the vendor asks for it.
        progress: is told after each page.

    Raises:
        UnknownConnection: when there is none of this name.
        UnusableConnection: when one is under way already, or the vendor does not let us in.
        Unreachable, UnreadableAnswer: when the vendor does not answer as it should. When it is tried next, and why, is kept.
    """
    get_connection(name)
    began = datetime.fromtimestamp(now, UTC)
    old = Q(running_since=None) | Q(running_since__lt=began - timedelta(seconds=GIVEN_UP_SECONDS))
    if not StoredConnection.objects.filter(old, pk=name).update(running_since=began, tried_at=began, pages=0):
        raise UnusableConnection("An import is under way.", hint="See how far it is: ostiary mdm list")
    try:
        found, skipped = _all_pages(name, began=began, wait=wait, progress=progress)
    except Exception as error:
        _failed(name, error, now=now)
        raise
    row = StoredConnection.objects.filter(pk=name)
    row.update(
        running_since=None, imported_at=began, found=found, skipped=skipped, problem="", failures=0,
        next_try_at=began + timedelta(seconds=EVERY_SECONDS),
    )  # fmt: skip
    forgotten = began - timedelta(days=FORGOTTEN_DAYS)
    StoredRecord.objects.filter(connection_id=name, device=None, seen_at__lt=forgotten).delete()
    return get_connection(name)


def import_due(*, now: float) -> int:
    """Bring in what is due; return how many imports went through. What fails is kept with the connection, and tried again."""
    due = StoredConnection.objects.filter(next_try_at__lte=datetime.fromtimestamp(now, UTC)).order_by("next_try_at")
    done = 0
    for name in list(due.values_list("pk", flat=True)):
        try:
            import_records(name, now=now)
        except OstiaryError:
            continue
        done += 1
    return done


def _all_pages(name: str, *, began: datetime, wait: Wait, progress: Progress | None) -> tuple[int, int]:
    row = StoredConnection.objects.get(pk=name)
    asked = asked_at(to_described(row), secret_of(row), wait=wait)
    seen: set[str] = set()
    skipped = 0
    for number, page in enumerate(asked.pages(), 1):
        with transaction.atomic():
            for record in page.records:
                if record.there not in seen:
                    _keep(row, record, began=began)
            StoredConnection.objects.filter(pk=name).update(pages=number)
        seen |= {record.there for record in page.records}
        skipped += page.skipped
        if progress is not None:
            progress(get_connection(name))
    trouble: list[OstiaryError] = []
    for linked in list(row.records.exclude(device=None).filter(seen_at=began)):
        try:
            _tell(linked, asked)
        except Busy:
            raise
        except (Unreachable, UnreadableAnswer) as error:
            trouble.append(error)
            if len(trouble) >= MOST_FAILURES:
                break
    if trouble:
        raise trouble[0]
    return len(seen), skipped


def _keep(row: StoredConnection, record: Record, *, began: datetime) -> None:
    """Keep a record as it is now. One that is about other hardware than before is about another device."""
    kept = row.records.select_for_update().filter(there=record.there).first()
    if kept is not None and kept.device_id is not None and kept.serial and kept.serial != record.serial:
        take_apart(kept, actor=IMPORTED_BY, reason=CHANGED_HARDWARE)
    fields = msgspec.structs.asdict(record)
    synced = None if record.synced_at is None else datetime.fromtimestamp(record.synced_at, UTC)
    fields |= {"synced_at": synced, "source": row.kind, "seen_at": began}
    row.records.update_or_create(there=fields.pop("there"), defaults=fields)


def _tell(linked: StoredRecord, asked: Asked) -> None:
    """Have what a record says count for its device."""
    whole = asked.complete(to_record(linked))
    with transaction.atomic():
        row = StoredRecord.objects.select_for_update().filter(pk=linked.pk).exclude(device=None).first()
        if row is None:
            return
        row.facts, row.standing, row.managed = whole.facts, whole.standing, whole.managed
        row.synced_at = None if whole.synced_at is None else datetime.fromtimestamp(whole.synced_at, UTC)
        row.save(update_fields=["facts", "standing", "managed", "synced_at"])
        tell_facts(row, now=time.time())


def _failed(name: str, error: Exception, *, now: float) -> None:
    row = StoredConnection.objects.filter(pk=name).first()
    if row is None:
        return
    row.failures = min(row.failures + 1, 100)
    pause = min(FIRST_WAIT_SECONDS * 2 ** min(row.failures - 1, 10), LONGEST_WAIT_SECONDS)
    if isinstance(error, Busy):
        pause = max(pause, min(error.later, 24 * 3600.0))
    row.problem = fit(str(error) if isinstance(error, OstiaryError) else f"Something inside failed: {error}", 500)
    row.running_since, row.next_try_at = None, datetime.fromtimestamp(now + pause, UTC)
    row.save(update_fields=["failures", "problem", "running_since", "next_try_at"])
