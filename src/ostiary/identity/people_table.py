"""A directory as a table: the columns of a CSV file of people, how cells are written and read. No database here."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.identity.domain import PersonKind, RoleId
from ostiary.policy.identifiers import GroupId

COLUMNS: Final = (
    "email",
    "name",
    "kind",
    "title",
    "department",
    "employee_number",
    "manager",
    "ends_at",
    "roles",
    "groups",
)
MAX_LINES: Final = 100_000
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_QUOTED: Final = re.compile(r"'+[=+\-@\t\r]")
_DAY_CHARACTERS: Final = len("2026-12-31")


class UnreadablePeopleFile(OstiaryError):
    """The file is not a CSV file of people."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One person as a line of the file.

    Args:
        manager: an address; empty for nobody.
        ends_at: when the account ends by itself, seconds since the epoch; `None` for never.
        roles: sorted.
        groups: those they were put into by hand, sorted; what roles bring follows from the roles.
    """

    email: str
    name: str = ""
    kind: PersonKind = PersonKind.EMPLOYEE
    title: str = ""
    department: str = ""
    employee_number: str = ""
    manager: str = ""
    ends_at: float | None = None
    roles: tuple[RoleId, ...] = ()
    groups: tuple[GroupId, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """One line as it stands in the file: its number, the heading being 1, and its cells by column."""

    number: int
    cells: Mapping[str, str]
    surplus: bool = False


def write_table(entries: Iterable[Entry]) -> str:
    """Return people as CSV with every column; a spreadsheet shows each cell and computes none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in _cells(entry)] for entry in entries)
    return text.getvalue()


def read_table(text: str) -> tuple[frozenset[str], tuple[Line, ...]]:
    """Return the columns of a file and its lines.

    Args:
        text: of the file; a byte order mark is no part of it.

    Raises:
        UnreadablePeopleFile: when it is no CSV, has no column `email`, a column that is not known or twice the same,
            or more than 100,000 lines.
    """
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        _require_columns(columns)
        reader.fieldnames = columns
        lines = tuple(_lines(reader))
    except csv.Error as error:
        raise UnreadablePeopleFile(f"This cannot be read as a CSV file: {error}.") from None
    return frozenset(columns), lines


def show_end(ends_at: float | None) -> str:
    """Return an end as its cell: a day, which is included, where that says it exactly; else the moment; empty for none."""
    if ends_at is None:
        return ""
    moment = datetime.fromtimestamp(ends_at, UTC)
    if moment.time() == time.min:
        return (moment - timedelta(days=1)).strftime("%Y-%m-%d")
    return moment.isoformat()


def read_end(text: str) -> float | None:
    """Return what a cell says about an end: a day, which is included, or a moment (ISO 8601, in UTC unless it names a zone).

    Raises:
        UnreadablePeopleFile: when it is neither.
    """
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        end = moment + timedelta(days=1) if len(text.strip()) == _DAY_CHARACTERS else moment
        return end.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UnreadablePeopleFile(f"{text[:40]!r} is no day.", hint="Write it as 2026-12-31.") from None


def _require_columns(columns: list[str]) -> None:
    hint = f"The first line names columns, email among them: {','.join(COLUMNS)}"
    if "email" not in columns:
        raise UnreadablePeopleFile("Line 1: there is no column email.", hint=hint)
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise UnreadablePeopleFile(f"Line 1: the column {unknown[0][:40]!r} is not known.", hint=hint)
    if len(set(columns)) < len(columns):
        raise UnreadablePeopleFile("Line 1: a column stands there twice.", hint=hint)


def _lines(reader: "csv.DictReader[str]") -> Iterator[Line]:
    for count, row in enumerate(reader, start=1):
        if count > MAX_LINES:
            raise UnreadablePeopleFile(f"The file has more than {MAX_LINES} lines.", hint="Cut it into several.")
        surplus = None in row
        cells = {key: _as_meant(value or "") for key, value in row.items() if key is not None}
        yield Line(reader.line_num, cells, surplus)


def _cells(entry: Entry) -> tuple[str, ...]:
    return (
        entry.email,
        entry.name,
        entry.kind.value,
        entry.title,
        entry.department,
        entry.employee_number,
        entry.manager,
        show_end(entry.ends_at),
        " ".join(entry.roles),
        " ".join(entry.groups),
    )


def _harmless(cell: str) -> str:
    """Return a cell that a spreadsheet shows instead of computing; `_as_meant` is its inverse."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _as_meant(cell: str) -> str:
    return cell[1:] if _QUOTED.match(cell) else cell
