"""`docs/reference/events.md` says what the code does."""

import re
from pathlib import Path
from typing import get_args

from ostiary.policy.decision import ReasonCode
from ostiary.visibility.domain import ocsf
from ostiary.visibility.domain.events import AccountChange, EntityChange, GroupChange

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


def test_the_page_names_the_version() -> None:
    assert f"OCSF {ocsf.OCSF_VERSION}" in PAGE


def test_every_class_is_there_with_its_number_and_activities() -> None:
    listed = {int(row[0]): (row[1], row[2]) for row in table("Classes")}
    assert listed.keys() == ocsf.CLASSES.keys()
    for uid, (name, activities) in listed.items():
        known = ocsf.CLASSES[uid]
        assert name == known.name
        assert {int(number): words.strip() for number, words in re.findall(r"(\d+) ([A-Za-z ]+)", activities)} == dict(
            known.activities
        )


def test_every_reason_is_there() -> None:
    assert {row[0] for row in table("Reasons")} == {reason.value for reason in ReasonCode}


def test_every_change_is_there() -> None:
    listed = {row[0]: {word.strip("` ") for word in row[1].split(",")} for row in table("Changes")}
    assert listed == {
        "account": set(get_args(AccountChange)),
        "group": set(get_args(GroupChange)),
        "entity": set(get_args(EntityChange)),
        "log": {"gap", "repair", "retention"},
    }
