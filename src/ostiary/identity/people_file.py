"""What a CSV file of people would change, and what is wrong with it: worked out whole before anything is done.

How cells are written is `people_table`'s; carrying a plan out is `services.people_import`'s.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.identity.domain import PersonKind, RoleId
from ostiary.identity.people_table import COLUMNS, Entry, Line, UnreadablePeopleFile, read_end, read_table, show_end
from ostiary.identity.services.guards import parse_email, parse_end, parse_name
from ostiary.identity.services.profiles import MAX_NUMBER_CHARACTERS
from ostiary.policy.identifiers import GroupId

MAX_FILE_BYTES: Final = 50_000_000


class PlannedInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to invite, with their roles, groups and profile."""

    email: str
    name: str
    groups: tuple[GroupId, ...]
    roles: tuple[RoleId, ...] = ()
    kind: PersonKind = PersonKind.EMPLOYEE
    title: str = ""
    department: str = ""
    employee_number: str = ""
    manager: str = ""
    ends_at: float | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that changes for one person; before and after are as in the file."""

    column: str
    before: str
    after: str


class PlannedChange(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has an account, and what changes: `before` and `after` are whole, `changes` says only what differs."""

    email: str
    changes: tuple[Change, ...]
    before: Entry
    after: Entry


class LineProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A line that cannot be used. `line` counts from 1, the heading included."""

    line: int
    words: str


class ImportPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What importing a file would do.

    Args:
        invite: who would be invited.
        change: who has an account, and what would change; empty unless the file is to update.
        known: addresses that have an account already; nothing happens to them.
        problems: lines that must be mended first; while there are any, nothing is done.
    """

    invite: tuple[PlannedInvitation, ...]
    change: tuple[PlannedChange, ...] = ()
    known: tuple[str, ...]
    problems: tuple[LineProblem, ...]


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is compared with.

    Args:
        people: everybody, by address.
        waiting: addresses of those who have not taken up their invitation.
        groups: every group.
        roles: every role.
    """

    people: Mapping[str, Entry]
    waiting: frozenset[str]
    groups: frozenset[str]
    roles: frozenset[str]


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        UnreadablePeopleFile: when it cannot be opened, is too large or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            return decode_people_file(file.read(MAX_FILE_BYTES + 1))
    except OSError as error:
        raise UnreadablePeopleFile(f"{path} cannot be read ({error.strerror}).") from None


def decode_people_file(content: bytes, limit: int = MAX_FILE_BYTES) -> str:
    """Return the text of a file's content, without its byte order mark.

    Raises:
        UnreadablePeopleFile: when it is longer than `limit` bytes or not UTF-8.
    """
    if len(content) > limit:
        raise UnreadablePeopleFile(f"The file is larger than {limit // 1_000_000} MB.", hint="Cut it into several.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadablePeopleFile("The file is not UTF-8.", hint="Save it as “CSV UTF-8”.") from None


def plan_import(text: str, directory: Directory, *, update: bool = False) -> ImportPlan:
    """Work out what importing a file would do.

    Columns that are absent change nothing. An empty cell empties the field; an empty name or kind leaves it as it is.

    Args:
        text: of the file.
        directory: what is there now.
        update: also change people who have an account; otherwise they are left alone, and whoever has not taken up
            an invitation is invited again.

    Raises:
        UnreadablePeopleFile: when the file as a whole cannot be used.
    """
    columns, lines = read_table(text)
    invite: dict[str, PlannedInvitation] = {}
    change: list[PlannedChange] = []
    known: list[str] = []
    problems: list[LineProblem] = []
    places: dict[str, int] = {}
    after: dict[str, Entry] = {}
    for line in lines:
        try:
            email = _address(line, places)
            before = directory.people.get(email)
            entry = _entry(line, columns, before or Entry(email=email), directory)
        except OstiaryError as error:
            problems.append(LineProblem(line=line.number, words=str(error)))
            continue
        if before is None or (email in directory.waiting and not update):
            invite[email] = _invitation(entry)
            after[email] = entry
        elif update and (differences := _differences(before, entry)):
            change.append(PlannedChange(email=email, changes=differences, before=before, after=entry))
            after[email] = entry
        else:
            known.append(email)
    problems += _hierarchy_problems(after, directory, places)
    return ImportPlan(
        invite=tuple(invite.values()),
        change=tuple(change),
        known=tuple(known),
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
    )


def _address(line: Line, places: dict[str, int]) -> str:
    if line.surplus:
        raise UnreadablePeopleFile("This line has more cells than there are columns.")
    email = parse_email(line.cells["email"])
    if email in places:
        raise UnreadablePeopleFile(f"{email} stands in line {places[email]} already.")
    places[email] = line.number
    return email


def _entry(line: Line, columns: frozenset[str], before: Entry, directory: Directory) -> Entry:
    """Return what somebody is to be like: what the file says, and what they are where it says nothing."""
    said = {column: line.cells[column] for column in columns}
    entry = Entry(
        email=before.email,
        name=parse_name(said.get("name", "")) or before.name,
        kind=_kind(said.get("kind", ""), before.kind),
        title=parse_name(said.get("title", before.title), what="title"),
        department=parse_name(said.get("department", before.department), what="department"),
        employee_number=parse_name(
            said.get("employee_number", before.employee_number), what="employee number", limit=MAX_NUMBER_CHARACTERS
        ),
        manager=_manager(said["manager"]) if "manager" in said else before.manager,
        ends_at=read_end(said["ends_at"]) if "ends_at" in said else before.ends_at,
        roles=tuple(map(RoleId, _names(said["roles"], directory.roles, "role"))) if "roles" in said else before.roles,
        groups=tuple(map(GroupId, _names(said["groups"], directory.groups, "group")))
        if "groups" in said
        else before.groups,
    )
    if entry.ends_at != before.ends_at:
        parse_end(entry.ends_at)
    if entry.kind is PersonKind.CONTRACTOR and entry.ends_at is None and entry != before:
        raise UnreadablePeopleFile("A contractor's account needs an end.", hint="Fill in the column ends_at.")
    return entry


def _kind(text: str, before: PersonKind) -> PersonKind:
    word = text.strip().lower()
    if not word:
        return before
    if word not in set(PersonKind):
        raise UnreadablePeopleFile(f"There is no kind {text[:40]!r}.", hint=f"Write {' or '.join(PersonKind)}.")
    return PersonKind(word)


def _manager(text: str) -> str:
    return parse_email(text) if text.strip() else ""


def _names(text: str, there: frozenset[str], what: str) -> tuple[str, ...]:
    names = tuple(sorted(set(text.split())))
    if unknown := [name for name in names if name not in there]:
        raise UnreadablePeopleFile(f"There is no {what} {unknown[0][:70]!r}.")
    return names


def _differences(before: Entry, after: Entry) -> tuple[Change, ...]:
    was, becomes = _shown(before), _shown(after)
    return tuple(
        Change(column=column, before=was[column], after=becomes[column])
        for column in COLUMNS
        if was[column] != becomes[column]
    )


def _shown(entry: Entry) -> dict[str, str]:
    return {
        "email": entry.email,
        "name": entry.name,
        "kind": entry.kind.value,
        "title": entry.title,
        "department": entry.department,
        "employee_number": entry.employee_number,
        "manager": entry.manager,
        "ends_at": show_end(entry.ends_at),
        "roles": " ".join(entry.roles),
        "groups": " ".join(entry.groups),
    }


def _hierarchy_problems(
    after: Mapping[str, Entry], directory: Directory, places: Mapping[str, int]
) -> Iterable[LineProblem]:
    """Yield the lines whose manager nobody is, or who would report to themselves over some corners."""
    managers = {email: entry.manager for email, entry in {**directory.people, **after}.items()}
    for email, entry in after.items():
        if entry.manager and entry.manager not in managers:
            yield LineProblem(line=places[email], words=f"Nobody has the manager's address {entry.manager}.")
        elif _is_in_circle(email, managers):
            yield LineProblem(line=places[email], words=f"{email} would report to {email}, if not directly.")


def _is_in_circle(email: str, managers: Mapping[str, str]) -> bool:
    seen: set[str] = set()
    above = managers.get(email, "")
    while above and above not in seen:
        if above == email:
            return True
        seen.add(above)
        above = managers.get(above, "")
    return False


def _invitation(entry: Entry) -> PlannedInvitation:
    return msgspec.convert(msgspec.to_builtins(entry), PlannedInvitation)
