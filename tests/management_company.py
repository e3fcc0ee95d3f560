"""Who else speaks of the small company's devices: device management, without anybody to ask, and hosts that run osquery."""

from datetime import UTC, datetime, timedelta

from ostiary.mdm.models import StoredConnection
from ostiary.osquery.facade import Enrol, add_secret, enrol_host
from ostiary.osquery.models import StoredHost
from ostiary.outgoing.sealed import seal
from ostiary.visibility.facade import Actor
from tests.osquery_host import DETAILS


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


def enrol_hosts(device: str) -> tuple[int, int]:
    """Have one host that is linked with a device, and two more that call themselves the same; return the first and the last."""
    secret = add_secret("office", actor=Actor(kind="machine", id="root", label="root")).token
    now = datetime.now(UTC).timestamp()
    for name in ("linked", "same", "same"):
        message = Enrol(enroll_secret=secret, host_identifier=name, host_details=DETAILS)
        assert "node_key" in enrol_host(message, address="192.0.2.17", now=now)
    linked, _, last = StoredHost.objects.order_by("pk").values_list("pk", flat=True)
    StoredHost.objects.filter(pk=linked).update(device_id=device)
    return linked, last
