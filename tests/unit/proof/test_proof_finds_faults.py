"""Rules with one fault each, of the kind that people make: the proof or the linter finds every one of them."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.policy_material import catalogue
from tests.proof_material import clause_of, rulebook

from ostiary.policy.proof.facade import ClauseOutcome, lint, prove

FAULTS = sorted((Path(__file__).parent / "faults").glob("*.yaml"))


@pytest.mark.parametrize("file", FAULTS, ids=lambda file: file.stem)
def test_the_fault_is_found(file):
    text, _, _ = file.read_text().partition("\nexpect:")
    expected = YAML(typ="safe").load(file.read_text())["expect"]
    says = [expected["says"]] if isinstance(expected["says"], str) else expected["says"]
    if "clause" in expected:
        (result,) = prove(rulebook(text), catalogue(), [clause_of(expected["clause"])], seconds=60)
        assert result.outcome is ClauseOutcome.REFUTED
        words = result.words
    else:
        found = lint(rulebook(text), catalogue(), seconds_each=60)
        (finding,) = [one for one in found if one.oddity == expected["finding"]]
        assert finding.rule == expected.get("rule", "")
        assert (finding.line > 0) == bool(finding.rule)
        assert finding.advice
        assert len(found) == 1, found
        words = finding.words
    for part in says:
        assert part in words, words


def test_there_are_ten_at_least():
    assert len(FAULTS) >= 10
