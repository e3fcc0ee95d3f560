"""Reads a CSV file of people to invite, and says what is wrong with it before anybody is invited."""

import csv
from pathlib import Path

import msgspec

from ostiary.errors import OstiaryError
from ostiary.identity.models import Group, Person
from ostiary.identity.services.guards import parse_email, parse_name
from ostiary.policy.identifiers import GroupId

MAX_LINES = 100_000
COLUMNS = frozenset({"email", "name", "groups"})


class UnreadablePeopleFile(OstiaryError):
    """The file is not a CSV file of people."""


class PlannedInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to invite."""

    email: str
    name: str
    groups: tuple[GroupId, ...]


class LineProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A line that cannot be used. `line` counts from 1, the heading included."""

    line: int
    words: str


class ImportPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What importing a file would do.

    Args:
        invite: who would be invited.
        known: addresses that have an account already; nothing happens to them.
        problems: lines that must be mended first.
    """

    invite: tuple[PlannedInvitation, ...]
    known: tuple[str, ...]
    problems: tuple[LineProblem, ...]


def read_people_file(path: Path) -> ImportPlan:
    """Read a file with the columns `email`, `name` and `groups` (identifiers, by spaces); the last two may be absent.

    Raises:
        UnreadablePeopleFile: when it cannot be opened, is not UTF-8 or lacks the column `email`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = {(name or "").strip().lower() for name in reader.fieldnames or ()}
            if "email" not in columns or columns - COLUMNS:
                raise UnreadablePeopleFile(
                    f"{path} does not have the right columns.", hint="The first line must read: email,name,groups"
                )
            rows = [
                (number, {(key or "").strip().lower(): value or "" for key, value in row.items() if key is not None})
                for number, row in enumerate(reader, start=2)
                if number <= MAX_LINES
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadablePeopleFile(f"{path} cannot be read as a CSV file: {error}.") from None
    return _plan(rows)


def _plan(rows: list[tuple[int, dict[str, str]]]) -> ImportPlan:
    groups = set(Group.objects.values_list("id", flat=True))
    accounts = set(Person.objects.filter(accepted_at__isnull=False).values_list("email", flat=True))
    invite: dict[str, PlannedInvitation] = {}
    known, problems = [], []
    for line, row in rows:
        try:
            one = PlannedInvitation(
                email=parse_email(row["email"]),
                name=parse_name(row.get("name", "")),
                groups=tuple(GroupId(group) for group in row.get("groups", "").split()),
            )
            if unknown := sorted(set(one.groups) - groups):
                raise UnreadablePeopleFile(f"There is no group {unknown[0]!r}.")
            if one.email in invite:
                raise UnreadablePeopleFile(f"{one.email} stands here twice.")
        except OstiaryError as error:
            problems.append(LineProblem(line=line, words=str(error)))
            continue
        if one.email in accounts:
            known.append(one.email)
        else:
            invite[one.email] = one
    return ImportPlan(invite=tuple(invite.values()), known=tuple(known), problems=tuple(problems))
