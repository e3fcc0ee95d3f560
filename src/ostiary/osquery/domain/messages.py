"""What osqueryd sends, read strictly in its form and never believed in its content. Pure.

Source: osquery, "Remotely interfacing osquery": Remote server API, Remote configuration, Remote logging, Distributed queries.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ostiary.errors import OstiaryError
from ostiary.outgoing.wording import fit

MAX_ENTRIES: Final = 500
MAX_ROWS: Final = 200
Short = Annotated[str, Meta(max_length=300)]
Row = dict[str, str]


class UnreadableRequest(OstiaryError):
    """What came is not what osqueryd sends."""


class Enrol(msgspec.Struct, frozen=True, kw_only=True):
    """A host comes for its node key."""

    enroll_secret: Short = ""
    host_identifier: Short = ""
    host_details: dict[str, Any] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A host asks for its configuration, or for queries."""

    node_key: Short = ""


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """A host tells what scheduled queries found, or how it does."""

    node_key: Short = ""
    log_type: Short = ""
    data: list[Any] = []


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A host tells what queries found that it was asked just now."""

    node_key: Short = ""
    queries: dict[str, Any] = {}
    statuses: dict[str, Any] = {}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What one query found: its rows, and when (seconds since the epoch, by the host's clock; `None` where it does not say)."""

    query: str
    rows: tuple[Row, ...]
    at: float | None = None


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What a host says of itself when it enrols."""

    identifier: str
    hardware_uuid: str
    serial: str
    name: str
    platform: str
    system: str


def describe(message: Enrol) -> Described:
    """Return what a host says of itself, each text fit to be shown; empty for what it does not say."""
    system_info, os_version = _table(message, "system_info"), _table(message, "os_version")
    return Described(
        identifier=fit(message.host_identifier, 200),
        hardware_uuid=fit(system_info.get("uuid", ""), 100).lower(),
        serial=fit(system_info.get("hardware_serial", ""), 100).lower(),
        name=fit(system_info.get("computer_name", "") or system_info.get("hostname", ""), 200),
        platform=platform_of(os_version.get("platform", "") or os_version.get("platform_like", "")),
        system=fit(f"{os_version.get('name', '')} {os_version.get('version', '')}", 200).strip(),
    )


def platform_of(text: str) -> str:
    """Return `macos`, `windows` or `linux` for what osquery calls a platform; empty where it says nothing."""
    return {"darwin": "macos", "windows": "windows", "": ""}.get(text.lower(), "linux")


def snapshots(message: Logged) -> tuple[Snapshot, ...]:
    """Return what snapshot queries found; everything else that is logged is passed over.

    Raises:
        UnreadableRequest: when there are more entries than a host sends.
    """
    if message.log_type != "result":
        return ()
    if len(message.data) > MAX_ENTRIES:
        raise UnreadableRequest(f"A log has at most {MAX_ENTRIES} entries.", hint="Set logger_tls_max_lines lower.")
    found = []
    for entry in message.data:
        rows = rows_of(entry.get("snapshot")) if isinstance(entry, dict) else None
        if rows is not None and isinstance(entry.get("name"), str):
            found.append(Snapshot(query=entry["name"][:100], rows=rows, at=_moment(entry.get("unixTime"))))
    return tuple(found)


def answers(message: Answered) -> tuple[Snapshot, ...]:
    """Return what queries found that went through (status 0)."""
    went = {name: rows_of(rows) for name, rows in list(message.queries.items())[:MAX_ENTRIES]}
    return tuple(
        Snapshot(query=name[:100], rows=rows)
        for name, rows in went.items()
        if rows is not None and str(message.statuses.get(name, 0)) == "0"
    )


def rows_of(value: Any) -> tuple[Row, ...] | None:
    """Return rows with each cell as a text; `None` for what is no list of rows."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value[:MAX_ROWS]):
        return None
    return tuple({str(name): _cell(cell) for name, cell in row.items()} for row in value[:MAX_ROWS])


def _cell(cell: Any) -> str:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return ""
    return str(cell)[:300]


def _table(message: Enrol, name: str) -> Row:
    table = message.host_details.get(name)
    return {key: _cell(value) for key, value in table.items()} if isinstance(table, dict) else {}


def _moment(value: Any) -> float | None:
    text = _cell(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        return None
    return float(text)
