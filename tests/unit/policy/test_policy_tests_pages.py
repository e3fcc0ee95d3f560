"""The pages on tests and clauses show documents that read, and what the command really prints."""

import re
from pathlib import Path

import pytest
from tests.policy_material import catalogue

from ostiary.cli.rules_results import print_tests
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import Rules
from ostiary.policy.testing import run_tests

DOCS = Path(__file__).resolve().parents[3] / "docs"
REFERENCE, GUIDE = DOCS / "reference" / "rules.md", DOCS / "how-to" / "test-your-rules.md"
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("section", ["## Tests", "## Never and always"])
def test_the_reference_shows_what_can_be_read(section):
    text = REFERENCE.read_text().partition(f"\n{section}\n")[2].partition("\n## ")[0]
    (block,) = BLOCK.findall(text)
    document = read_rules(f"version: 1\n{block}")
    assert document.tests or document.clauses


def test_the_guide_shows_what_the_command_prints(capsys):
    page = GUIDE.read_text()
    document = next(block for block in BLOCK.findall(page) if block.startswith("version: 1"))
    results = run_tests(read_rules(document), Rules(document=document), catalogue())
    assert [result.passed for result in results] == [True, False, True]
    print_tests(results, "rules.yaml")
    assert capsys.readouterr().out in page
