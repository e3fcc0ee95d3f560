"""The documents of baselines in the guides can be used as they stand, and the reference names every key."""

import re
from pathlib import Path

from ostiary.baselines.adapters.built_in import built_in
from ostiary.baselines.domain import check_reader, reader
from ostiary.baselines.domain.reader import read_baseline

DOCS = Path(__file__).parents[3] / "docs"


def test_the_examples_of_the_guide_are_baselines() -> None:
    text = (DOCS / "how-to/baselines.md").read_text()
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if block.startswith("version:")]
    office, server = (read_baseline(block, built_in) for block in blocks)
    assert (office.name, office.based_on) == ("office", "standard")
    left = [check.name for check in server.checks]
    assert left == [check.name for check in built_in("minimum").checks if check.name != "screen-lock"]


def test_the_reference_names_every_key() -> None:
    text = (DOCS / "reference/baselines.md").read_text()
    for key in (*reader._KEYS, *check_reader._KEYS):
        assert f"| `{key}` |" in text, key
