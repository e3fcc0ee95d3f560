"""Which pairs are suggested: alike in everything that is looked at, and alone on both sides."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.mdm.domain.records import Record
from ostiary.mdm.domain.suggesting import Computer, suggest, system_of

COMPUTERS = st.lists(
    st.builds(
        Computer,
        id=st.uuids().map(str),
        owner=st.sampled_from(["", "ada@example.test", "Ada@Example.test", "bo@example.test"]),
        name=st.sampled_from(["", ".local", "Ada-Mac", "ada-mac.local", "ADA-MAC.example.test", "pc-7"]),
        platform=st.sampled_from(["", "macos", "windows"]),
        open=st.booleans(),
    ),
    max_size=8,
)


def alike(one: Computer, other: Computer) -> bool:
    names = [each.name.casefold().split(".")[0] for each in (one, other)]
    same = one.owner.casefold() == other.owner.casefold() and one.platform == other.platform and names[0] == names[1]
    return same and bool(one.owner and one.platform and names[0])


@settings(max_examples=100)
@given(COMPUTERS, COMPUTERS)
def test_a_pair_is_suggested_when_nothing_else_on_either_side_is_alike(
    there: list[Computer], here: list[Computer]
) -> None:
    expected = {
        (one.id, other.id)
        for one in there
        for other in here
        if alike(one, other)
        and one.open
        and other.open
        and sum(alike(each, other) for each in there) == 1
        and sum(alike(one, each) for each in here) == 1
    }
    found = suggest(there, here)
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("says", "system"),
    [
        ("macOS 15.6.1", "macOS 15.6.1"),
        ("Windows 10.0.26100", "Windows 10.0.26100"),
        ("iOS 18.1", ""),
        ("iPadOS 18.1", ""),
        ("Android 15", ""),
        (None, ""),
        (True, ""),
    ],
)
def test_phones_and_what_does_not_say_are_no_candidates(says: str | bool | None, system: str) -> None:
    assert system_of(Record(there="1", facts={} if says is None else {"os_version": says})) == system
