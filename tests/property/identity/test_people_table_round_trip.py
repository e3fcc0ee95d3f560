"""A directory written as a file and read again changes nothing, whatever stands in it; and no cell of it is a formula."""

import contextlib
import csv
import io
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.identity.domain import PersonKind, RoleId
from ostiary.identity.people_file import Directory, plan_import
from ostiary.identity.people_table import COLUMNS, Entry, UnreadablePeopleFile, read_table, write_table
from ostiary.policy.identifiers import GroupId

GROUPS = ("cars", "finance", "staff")
ROLES = ("clerk", "driver")
EMAILS = ("ada@example.test", "+bo@example.test", "=cy@example.test", "-dee@example.test", "eve@example.test")
TEXTS = st.one_of(
    st.text(st.sampled_from("'=+-@ab,\"; ä\n\r\t"), max_size=8),
    st.text(st.characters(exclude_categories=("C",)), max_size=8),
).map(lambda text: " ".join(unicodedata.normalize("NFC", text).split()))
ENDS = st.one_of(
    st.none(),
    st.integers(0, 40_000).map(lambda day: day * 86400.0),
    st.integers(0, 4_000_000_000_000).map(lambda n: n / 1000),
)


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """Draw a directory in which everybody reports to somebody who stands before them."""
    people: dict[str, Entry] = {}
    for email in draw(st.lists(st.sampled_from(EMAILS), unique=True)):
        people[email] = Entry(
            email=email,
            name=draw(TEXTS),
            kind=draw(st.sampled_from(PersonKind)),
            title=draw(TEXTS),
            department=draw(TEXTS),
            employee_number=draw(TEXTS),
            manager=draw(st.sampled_from(["", *people])),
            ends_at=draw(ENDS),
            roles=tuple(sorted(map(RoleId, draw(st.sets(st.sampled_from(ROLES)))))),
            groups=tuple(sorted(map(GroupId, draw(st.sets(st.sampled_from(GROUPS)))))),
        )
    waiting = frozenset(draw(st.sets(st.sampled_from(sorted(people)))) if people else ())
    return Directory(people=people, waiting=waiting, groups=frozenset(GROUPS), roles=frozenset(ROLES))


@given(directories())
def test_what_is_written_and_read_again_changes_nothing(directory: Directory) -> None:
    plan = plan_import(write_table(directory.people.values()), directory, update=True)
    assert not plan.problems
    assert not plan.change
    assert not plan.invite
    assert set(plan.known) == set(directory.people)


@given(directories())
def test_no_cell_is_computed_by_a_spreadsheet(directory: Directory) -> None:
    for row in csv.reader(io.StringIO(write_table(directory.people.values()))):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


@given(directories(), directories())
def test_one_directory_becomes_the_other_and_then_nothing_is_left_to_do(now: Directory, wanted: Directory) -> None:
    text = write_table(wanted.people.values())
    plan = plan_import(text, now, update=True)
    if plan.problems:
        return
    after = {one.email: one.after for one in plan.change}
    assert set(after) | {one.email for one in plan.invite} | set(plan.known) == set(wanted.people)
    for email, entry in after.items():
        kept_name = now.people[email].name
        assert entry.name == (wanted.people[email].name or kept_name)
        assert entry.manager == wanted.people[email].manager
        assert entry.roles == wanted.people[email].roles


@settings(max_examples=100)
@given(st.text(max_size=80), st.booleans())
def test_nonsense_is_refused_and_never_breaks(text: str, update: bool) -> None:
    directory = Directory(people={}, waiting=frozenset(), groups=frozenset(GROUPS), roles=frozenset(ROLES))
    for wrong in (text, f"email,name,ends_at,kind\n{text}", f"{','.join(COLUMNS)}\nada@example.test,{text}"):
        with contextlib.suppress(UnreadablePeopleFile):
            assert plan_import(wrong, directory, update=update).change == ()


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    _columns, lines = read_table('email,name\n\n"a@example.test","two\nlines"\nb@example.test,B\n')
    assert [line.number for line in lines] == [4, 5]
