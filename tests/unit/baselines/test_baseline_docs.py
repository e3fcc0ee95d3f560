"""The documents of baselines in the guides can be used as they stand, and the reference names every key."""

import re
from pathlib import Path

from ostiary.baselines.adapters.built_in import built_in
from ostiary.baselines.domain import check_reader, reader
from ostiary.baselines.domain.reader import read_baseline

DOCS = Path(__file__).parents[3] / "docs"


def test_the_example_of_the_guide_is_a_baseline() -> None:
    text = (DOCS / "how-to/baselines.md").read_text()
    (example,) = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if block.startswith("version:")]
    found = read_baseline(example, built_in)
    assert (found.name, found.based_on) == ("office", "standard")


def test_the_reference_names_every_key() -> None:
    text = (DOCS / "reference/baselines.md").read_text()
    for key in (*reader._KEYS, *check_reader._KEYS):
        assert f"| `{key}` |" in text, key
