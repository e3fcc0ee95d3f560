"""`ostiary rules test-from`: a decision on record becomes a test that passes under the rules that made it."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from tests.console_company import OPERATOR, RULES, Company
from typer.testing import CliRunner

from ostiary.applications.facade import change_app, read_applications
from ostiary.cli.output import ExitCode
from ostiary.cli.rules_tests import app
from ostiary.gateway.kept_tests import keep_as_test
from ostiary.policy.decision import Decision, Deny, ReasonCode
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, MalformedIdentifier, PolicyVersion
from ostiary.policy.recorded_case import NotATest
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import Rules
from ostiary.policy.testing import run_tests
from ostiary.rulebook.facade import apply_rules
from ostiary.rulebook.facts import read_rulebook
from ostiary.visibility.facade import DecisionRecord, UnknownDecision, get_decision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def every(company: Company) -> list[DecisionRecord]:
    return [get_decision(reference) for reference in company.references]


def again(record: DecisionRecord, decision: Decision) -> DecisionRecord:
    """The same question, answered otherwise."""
    return msgspec.structs.replace(record, decision=decision)


def test_every_decision_of_the_company_becomes_a_test_that_passes_under_its_rules(company: Company) -> None:
    kept = [keep_as_test(record) for record in every(company)]
    document = read_rules("version: 1\ntests:\n" + "".join(one.yaml for one in kept))
    assert len(document.tests) == len(company.references) > 20
    results = run_tests(document, Rules(document=RULES), read_applications())
    assert all(result.passed for result in results), [result for result in results if not result.passed]
    assert {case.expect.allowed for case in document.tests} == {True, False}


def test_other_rules_fail_it(company: Company, tmp_path: Path) -> None:
    allowed = next(record for record in every(company) if "staff-use-wiki" in record.decision.rules)
    file = tmp_path / "rules.yaml"
    file.write_text(RULES + "tests:\n" + run("test-from", allowed.reference, "--name", "reads-the-wiki").stdout)
    assert run("check", str(file)).exit_code == ExitCode.OK
    file.write_text(file.read_text().replace("to: app:wiki\n    do: [view, edit]", "to: app:wiki\n    do: [edit]"))
    result = run("check", str(file))
    assert result.exit_code == ExitCode.FINDINGS
    assert "test `reads-the-wiki` fails: allowed was expected; it was refused" in result.stdout


def test_it_tells_what_was_asked(company: Company) -> None:
    record = next(one for one in every(company) if one.email.startswith("dana"))
    kept = json.loads(run("test-from", record.reference.lower(), "--json").stdout)
    assert kept["name"] == f"payroll-refused-{record.reference.lower()}"
    (case,) = read_rules("version: 1\ntests:\n" + kept["yaml"]).tests
    assert case.request.subject.groups == {"contractors"}
    assert (case.request.resource.app, case.request.resource.labels) == ("payroll", frozenset())
    assert case.at == int(record.at)


def test_labels_that_an_app_had_then_are_said(company: Company) -> None:
    record = next(one for one in every(company) if one.email.startswith("dana"))
    change_app(AppId("payroll"), labels=(), actor=OPERATOR)
    kept = keep_as_test(record, name="dana")
    assert "to: [app:payroll, label:restricted]" in kept.yaml
    (result,) = run_tests(read_rules("version: 1\ntests:\n" + kept.yaml), Rules(document=RULES), read_applications())
    assert result.passed


def test_it_is_made_from_the_rules_of_then(company: Company) -> None:
    apply_rules("version: 1\nrules: []\n", actor=OPERATOR)
    assert keep_as_test(every(company)[0]).yaml.startswith("  - name: ")


def test_people_are_named_by_identifier_only_where_a_rule_does(company: Company) -> None:
    record = next(one for one in every(company) if one.email.startswith("alice"))
    assert record.request is not None
    alice = company.people["alice_meyer"].id
    assert alice not in keep_as_test(record).yaml
    apply_rules(RULES + f"  - {{name: not-alice, deny: 'person:{alice}', to: anything}}\n", actor=OPERATOR)
    refused = PolicyEngine(read_rulebook(), read_applications(), Generation(1)).decide(record.request, record.at)
    kept = keep_as_test(again(record, refused))
    assert f"person:{alice}" in kept.yaml
    assert "expect: deny" in kept.yaml


@pytest.mark.parametrize("name", ["Reads the wiki", "a" * 64, "-"])
def test_a_name_that_no_test_can_have(company: Company, name: str) -> None:
    assert isinstance(run("test-from", company.references[0], "--name", name).exception, MalformedIdentifier)


def test_a_reference_that_is_none() -> None:
    assert isinstance(run("test-from", "7F3K9-2QXAB").exception, UnknownDecision)


def test_what_rules_did_not_decide_is_no_test(company: Company) -> None:
    record = every(company)[0]
    stale = Deny(reason=ReasonCode.STALE_FACTS, policy_version=record.decision.policy_version, generation=Generation(1))
    with pytest.raises(NotATest, match="The rules did not decide this"):
        keep_as_test(again(record, stale))


def test_rules_that_are_not_in_the_history(company: Company) -> None:
    gone = Deny(reason=ReasonCode.NO_RULE_APPLIES, policy_version=PolicyVersion("0" * 12), generation=Generation(1))
    with pytest.raises(NotATest, match="not in the history"):
        keep_as_test(again(every(company)[0], gone))
