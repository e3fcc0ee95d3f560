"""Device management of the small company: a connection, and what it knows, without anybody to ask."""

from datetime import UTC, datetime, timedelta

from ostiary.mdm.models import StoredConnection
from ostiary.outgoing.sealed import seal


def ask_management(device: str) -> tuple[int, int]:
    """Have Fleet know a device, which is linked, and two more that say one serial number; return the first's record and the last's."""
    linked = last = 0
    now = datetime.now(UTC)
    fleet = StoredConnection.objects.create(
        name="fleet",
        kind="fleet",
        address="https://fleet.example.test",
        sealed_secret=seal("only for tests", purpose="mdm"),
        added_at=now,
        added_by="root",
        imported_at=now,
        next_try_at=now + timedelta(minutes=15),
        found=3,
    )
    for there, serial in (("17", "c02f0017"), ("18", "c02f0018"), ("19", "c02f0018")):
        host = {"name": f"laptop-{there}", "serial": serial, "owner": "bruno.costa@example.test", "synced_at": now}
        row = fleet.records.create(there=there, source="fleet", seen_at=now, standing="On (automatic)", **host)
        if there == "17":
            row.device_id = device
            row.save()
            linked = row.pk
        last = row.pk
    return linked, last
