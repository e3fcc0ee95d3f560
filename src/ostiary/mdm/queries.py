"""Reads of connections and of what they know. They return frozen types and change nothing."""

from datetime import datetime

import msgspec
from django.db.models import Count, Q, QuerySet

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.mdm.domain.connections import Connection, Described, Kind, UnknownConnection, UnknownRecord
from ostiary.mdm.domain.records import Record
from ostiary.mdm.models import StoredConnection, StoredRecord


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it is kept.

    Args:
        id: its number here.
        connection: the name of its connection.
        source: the connection's kind.
        record: what it says.
        seen_at: when an import brought it last, seconds since the epoch.
        gone: whether the last import that went through did not bring it.
        device: which of our devices is meant; `None` while it is not linked.
        device_name: what that one is called.
        linked_by: who linked them.
        claims: how many records of this connection say the same serial number, itself included.
    """

    id: int
    connection: str
    source: str
    record: Record
    seen_at: float
    gone: bool
    device: str | None = None
    device_name: str = ""
    linked_by: str = ""
    claims: int = 1


def list_connections() -> tuple[Connection, ...]:
    """Return every connection by name."""
    return tuple(map(_to_connection, _counted()))


def get_connection(name: str) -> Connection:
    """Return one connection.

    Raises:
        UnknownConnection: when there is none of this name.
    """
    row = _counted().filter(pk=name).first() if can_be_stored(name) else None
    if row is None:
        raise unknown_connection(name)
    return _to_connection(row)


def list_records(*, connection: str = "", linked: bool | None = None) -> tuple[Kept, ...]:
    """Return what is kept, by name.

    Args:
        connection: of one connection alone; of all when empty.
        linked: only those that are linked with a device, or only those that are not.
    """
    rows = StoredRecord.objects.select_related("connection", "device")
    if connection:
        rows = rows.filter(connection_id=connection)
    if linked is not None:
        rows = rows.filter(device__isnull=not linked)
    claims = _claims()
    return tuple(_to_kept(row, claims.get((row.connection_id, row.serial), 1)) for row in rows)


def get_record(number: int) -> Kept:
    """Return one record by its number.

    Raises:
        UnknownRecord: when there is none.
    """
    row = StoredRecord.objects.select_related("connection", "device").filter(pk=number).first()
    if row is None:
        raise UnknownRecord(f"There is no record {number}.", hint="See: ostiary mdm records NAME")
    return _to_kept(row, _claims().get((row.connection_id, row.serial), 1))


def find_record(connection: str, there: str) -> Kept:
    """Return one record by its identifier there, or by its serial number where only one has it.

    Raises:
        UnknownRecord: when there is none, or several have the serial number.
    """
    get_connection(connection)
    rows = StoredRecord.objects.filter(connection_id=connection)
    usable = can_be_stored(there) and len(there) <= 100
    found = list(rows.filter(Q(there=there) | Q(serial=there.lower()))[:2]) if usable and there else []
    if len(found) > 1:
        raise UnknownRecord(
            f"Several records at {connection} say {there[:60]!r}.", hint="Name one by its identifier there."
        )
    if not found:
        raise UnknownRecord(
            f"{connection} knows no device {there[:60]!r}.", hint=f"See: ostiary mdm records {connection}"
        )
    return get_record(found[0].pk)


def unknown_connection(name: str) -> UnknownConnection:
    """Return the error for a name that no connection has."""
    return UnknownConnection(f"There is no connection {name[:40]!r}.", hint="See: ostiary mdm list")


def _counted() -> QuerySet[StoredConnection]:
    counts = {
        "all_records": Count("records"),
        "linked_records": Count("records", filter=Q(records__device__isnull=False)),
    }
    return StoredConnection.objects.annotate(**counts)


def _claims() -> dict[tuple[str, str], int]:
    rows = StoredRecord.objects.exclude(serial="").order_by().values_list("connection_id", "serial")
    return {(name, serial): count for name, serial, count in rows.annotate(count=Count("pk")).filter(count__gt=1)}


def to_record(row: StoredRecord) -> Record:
    """Return what a stored record says."""
    return Record(
        there=row.there,
        name=row.name,
        serial=row.serial,
        hardware_uuid=row.hardware_uuid,
        owner=row.owner,
        standing=row.standing,
        managed=row.managed,
        synced_at=_seconds(row.synced_at),
        facts=row.facts,
    )


def _to_kept(row: StoredRecord, claims: int) -> Kept:
    last = row.connection.imported_at
    return Kept(
        id=row.pk,
        connection=row.connection_id,
        source=row.source,
        record=to_record(row),
        seen_at=row.seen_at.timestamp(),
        gone=last is not None and row.seen_at < last,
        device=row.device_id,
        device_name=row.device.name if row.device else "",
        linked_by=row.linked_by,
        claims=claims,
    )


def to_described(row: StoredConnection) -> Described:
    """Return where and what a stored connection is."""
    return Described(kind=Kind(row.kind), address=row.address, token_address=row.token_address, client_id=row.client_id)


def _to_connection(row: StoredConnection) -> Connection:
    return Connection(
        name=row.name,
        described=to_described(row),
        added_at=row.added_at.timestamp(),
        added_by=row.added_by,
        tried_at=_seconds(row.tried_at),
        imported_at=_seconds(row.imported_at),
        next_try_at=_seconds(row.next_try_at),
        running_since=_seconds(row.running_since),
        pages=row.pages,
        found=row.found,
        skipped=row.skipped,
        problem=row.problem,
        records=getattr(row, "all_records", 0),
        linked=getattr(row, "linked_records", 0),
    )


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
