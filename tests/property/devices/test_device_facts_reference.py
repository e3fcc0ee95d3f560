"""The reference of facts about devices says what there is."""

from pathlib import Path

from ostiary.devices.domain.posture import FACTS

PAGE = Path(__file__).parents[3] / "docs/reference/device-facts.md"
KINDS = {bool: "`true` or `false`", int: "whole number", str: "text"}
BETTER = {"true": "`true`", "false": "`false`", "more": "more", "less": "less", None: "neither"}


def test_every_fact_stands_in_the_reference_and_no_other() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{one.name}` | {KINDS[one.kind]} | {one.words} | {BETTER[one.better]} |" for one in FACTS.values()
    ]
