"""What hosts are asked for on each platform, and which facts their answers are. Pure.

Where osquery cannot tell a thing, nobody asks it: a Linux firewall by nftables, for instance, is not in its tables.
Source: osquery's schema: os_version, disk_encryption, mounts, bitlocker_info, alf, windows_security_center,
windows_security_products, secureboot, screenlock, listening_ports, logged_in_users, users, user_groups, groups.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.devices.domain.administrators import POWERFUL_GROUPS, WINDOWS_ADMINISTRATORS
from ostiary.osquery.domain.messages import Row, Snapshot
from ostiary.outgoing.wording import fit

EVERY_SECONDS: Final = 300
PREFIX: Final = "ostiary_"
Value = bool | int | str
Rows = Sequence[Row]
Read = Callable[[Rows], dict[str, Value | None]]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One query: its SQL, the platforms it is for, and what its rows say. `facts`: the names it may speak of."""

    sql: str
    on: tuple[str, ...]
    facts: tuple[str, ...]
    read: Read


def _system(rows: Rows) -> dict[str, Value | None]:
    words = fit(f"{rows[0].get('name', '')} {rows[0].get('version', '')}", 200).strip() if rows else ""
    return {"os_version": words or None}


def _start_volume(rows: Rows) -> dict[str, Value | None]:
    said = {row.get("encrypted") for row in rows}
    return {"disk_encrypted": _yes_if(said == {"1"}, known=bool(said) and said <= {"0", "1"})}


def _file_vault(rows: Rows) -> dict[str, Value | None]:
    said = {row.get("filevault_status") for row in rows}
    return {"disk_encrypted": _yes_if(said == {"on"}, known=bool(said) and said <= {"on", "off"})}


def _bit_locker(rows: Rows) -> dict[str, Value | None]:
    said = {row.get("protection_status") for row in rows}
    return {"disk_encrypted": _yes_if(said == {"1"}, known=bool(said) and said <= {"0", "1"})}


def _application_firewall(rows: Rows) -> dict[str, Value | None]:
    state = rows[0].get("global_state") if rows else None
    return {"firewall_on": _yes_if(state in {"1", "2"}, known=state in {"0", "1", "2"})}


def _security_centre(rows: Rows) -> dict[str, Value | None]:
    row = rows[0] if rows else {}
    return {"firewall_on": _good(row.get("firewall")), "automatic_updates": _good(row.get("autoupdate"))}


def _security_products(rows: Rows) -> dict[str, Value | None]:
    running = [row for row in rows if row.get("state") == "On"]
    known = all(row.get("state") for row in rows)
    current = any(row.get("signatures_up_to_date") == "1" for row in running)
    return {
        "antivirus_running": _yes_if(bool(running), known=known),
        "antivirus_current": _yes_if(current, known=known),
    }


def _secure_boot(rows: Rows) -> dict[str, Value | None]:
    state = rows[0].get("secure_boot") if rows else None
    return {"secure_boot": _yes_if(state == "1", known=state in {"0", "1"})}


def _screen(rows: Rows) -> dict[str, Value | None]:
    said = {row.get("enabled") for row in rows}
    return {"screen_lock": _yes_if(said == {"1"}, known=bool(said) and said <= {"0", "1"})}


def _listening(rows: Rows) -> dict[str, Value | None]:
    return {"listening_services": _count(rows, "services")}


def _administrators(rows: Rows) -> dict[str, Value | None]:
    people, administrators = _count(rows, "people"), _count(rows, "administrators")
    return {"daily_administrator": None if not people or administrators is None else administrators > 0}


def _good(word: str | None) -> bool | None:
    return _yes_if(word == "Good", known=word in {"Good", "Poor", "Snoozed", "Not Monitored"})


def _yes_if(value: bool, *, known: bool) -> bool | None:
    return value if known else None


def _count(rows: Rows, column: str) -> int | None:
    text = rows[0].get(column, "") if rows else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


_ADMINISTRATORS: Final = (
    "SELECT COUNT(DISTINCT l.user) AS people, COUNT(DISTINCT CASE WHEN u.uid = 0 "  # noqa: S608 - only constants
    f"OR g.groupname IN ({', '.join(repr(one) for one in sorted(POWERFUL_GROUPS))}) "
    f"OR g.group_sid = '{WINDOWS_ADMINISTRATORS}' THEN l.user END) AS administrators FROM logged_in_users l "
    "JOIN users u ON u.username = l.user JOIN user_groups ug ON ug.uid = u.uid JOIN groups g ON g.gid = ug.gid "
    "WHERE l.type IN ('user', 'active');"
)
"""`group_sid` is a column everywhere, and empty where it means nothing: on all but Windows it is hidden."""
QUERIES: Final[Mapping[str, Query]] = {
    "os_version": Query(
        sql="SELECT name, version FROM os_version;",
        on=("linux", "macos", "windows"),
        facts=("os_version",),
        read=_system,
    ),
    "start_volume": Query(
        sql="SELECT de.encrypted FROM mounts m JOIN disk_encryption de ON de.name = m.device_alias WHERE m.path = '/';",
        on=("linux",),
        facts=("disk_encrypted",),
        read=_start_volume,
    ),
    "filevault": Query(
        sql="SELECT de.filevault_status FROM mounts m JOIN disk_encryption de ON de.name = m.device WHERE m.path = '/';",
        on=("macos",),
        facts=("disk_encrypted",),
        read=_file_vault,
    ),
    "bitlocker": Query(
        sql="SELECT protection_status FROM bitlocker_info WHERE drive_letter = 'C:';",
        on=("windows",),
        facts=("disk_encrypted",),
        read=_bit_locker,
    ),
    "alf": Query(
        sql="SELECT global_state FROM alf;", on=("macos",), facts=("firewall_on",), read=_application_firewall
    ),
    "security_center": Query(
        sql="SELECT firewall, autoupdate FROM windows_security_center;",
        on=("windows",),
        facts=("firewall_on", "automatic_updates"),
        read=_security_centre,
    ),
    "security_products": Query(
        sql="SELECT state, signatures_up_to_date FROM windows_security_products WHERE type = 'Antivirus';",
        on=("windows",),
        facts=("antivirus_running", "antivirus_current"),
        read=_security_products,
    ),
    "secureboot": Query(
        sql="SELECT secure_boot FROM secureboot;", on=("linux", "windows"), facts=("secure_boot",), read=_secure_boot
    ),
    "screenlock": Query(sql="SELECT enabled FROM screenlock;", on=("macos",), facts=("screen_lock",), read=_screen),
    "listening_ports": Query(
        sql="SELECT COUNT(DISTINCT port) AS services FROM listening_ports WHERE protocol = 6 AND port > 0 "
        "AND address NOT LIKE '127.%' AND address NOT IN ('::1', '::ffff:127.0.0.1');",
        on=("linux", "macos", "windows"),
        facts=("listening_services",),
        read=_listening,
    ),
    "administrators": Query(
        sql=_ADMINISTRATORS,
        on=("linux", "macos", "windows"),
        facts=("daily_administrator",),
        read=_administrators,
    ),
}
"""Every query, by the name under which its answer comes back."""


def configuration(platform: str) -> dict[str, Any]:
    """Return what a host is told to do: its schedule, and how it sends.

    Args:
        platform: `linux`, `macos` or `windows`; empty where it did not say: then it is asked all of them.
    """
    schedule = {
        f"{PREFIX}{name}": {"query": one.sql, "interval": EVERY_SECONDS, "snapshot": True}
        for name, one in QUERIES.items()
        if not platform or platform in one.on
    }
    return {
        "options": {"logger_tls_period": 10, "logger_tls_max_lines": 200, "distributed_interval": 60},
        "decorators": {"load": ["SELECT uuid AS host_uuid, hardware_serial FROM system_info;"]},
        "schedule": schedule,
    }


def wanted(platform: str) -> dict[str, str]:
    """Return the queries a host is asked at once, because nothing is known of it yet."""
    return {f"{PREFIX}{name}": one.sql for name, one in QUERIES.items() if not platform or platform in one.on}


def facts_of(snapshot: Snapshot) -> dict[str, Value | None]:
    """Return the facts that an answer is, `None` for what it could have told and did not; nothing for a query that is not ours."""
    query = QUERIES.get(snapshot.query.removeprefix(PREFIX)) if snapshot.query.startswith(PREFIX) else None
    return {} if query is None else query.read(snapshot.rows)
