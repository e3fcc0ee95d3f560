"""`ostiary explain`, as an administrator uses it: about somebody who asks now, and about a decision on record."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.console_company import OPERATOR, RULES, Company
from typer.testing import CliRunner

from ostiary.cli.explain import app
from ostiary.cli.output import ExitCode, Refused
from ostiary.identity.facade import UnknownPerson, UnknownSession, disable_person
from ostiary.policy.why.question import InvalidQuestion
from ostiary.rulebook.facade import InvalidRules, apply_rules
from ostiary.visibility.facade import UnknownDecision, get_decision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]

ALICE, BRUNO, DANA = "alice.meyer@example.test", "bruno.costa@example.test", "dana.novak@example.test"
STAFF_ONLY = """\
version: 1
rules:
  - name: staff-use-everything
    allow: group:staff
    to: anything
    do: any
    when:
      networks: 192.0.2.0/24
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def explained(*words: str) -> dict[str, Any]:
    ended = run(*words, "--json")
    assert ended.exit_code == ExitCode.OK, ended.exception
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def least(found: dict[str, Any]) -> list[list[str]]:
    return [[one["words"] for one in way["changes"]] for way in found["ways"]]


def test_somebody_is_explained_with_their_groups_and_the_best_proof_they_have() -> None:
    found = explained("--as", ALICE, "--to", "app:payroll")
    assert found["allowed"] is False
    assert {"fact": "proof", "value": "otp"} in found["assumed"]
    subject = found["explanation"]["request"]["subject"]
    assert sorted(subject["groups"]) == ["finance", "staff"]
    assert subject["authentications"][0]["method"] == "totp"
    assert found["explanation"]["request"]["resource"]["labels"] == ["restricted"]
    assert least(found["explanation"]) == [["Set up a passkey or security key, and confirm with it"]]


def test_what_is_said_is_not_assumed() -> None:
    words = ("--to", "app:wiki", "--do", "edit", "--path", "/a", "--mfa", "none", "--from", "192.0.2.9")
    more = ("--device", "managed=true,os_version=14", "--country", "de", "--risk", "7", "--at", "2026-11-23 09:00 UTC")
    found = explained("--as", ALICE, *words, *more)
    assert found["assumed"] == []
    request = found["explanation"]["request"]
    assert (request["action"], request["resource"]["path"]) == ("edit", "/a")
    assert request["context"] == {"address": "192.0.2.9", "country": "DE", "risk": 7}
    assert request["device"]["managed"] is True
    assert request["device"]["attributes"] == [["os_version", 14]]
    assert found["explanation"]["at"] == 1795424400
    assert [one["method"] for one in request["subject"]["authentications"]] == ["password"]
    assert least(found["explanation"])[0] == ["Confirm with a second factor"]


def test_the_words_say_what_each_rule_asked_and_saw() -> None:
    text = run("--as", BRUNO, "--to", "payroll").stdout
    assert f"{BRUNO} may not view payroll at /, on " in text
    assert "Assumed: proof otp, just then; do view; path /; device not known; address not known" in text
    assert "Refused: no_rule_applies." in text
    assert "1. Set up a passkey or security key, and confirm with it; Join the group finance" in text
    assert "✗ finance-opens-payroll (allow) lacks 2" in text
    assert "✗ who              members of finance" in text
    assert f"saw: {BRUNO}, in staff" in text
    assert "saw: a one-time code, just then" in text
    allowed = run("--as", BRUNO, "--to", "wiki").stdout
    assert "Allowed by staff-use-wiki." in allowed
    assert "Time alone does not end it." in allowed


def test_a_session_counts_with_what_was_proved_in_it(company: Company) -> None:
    session = company.sessions["bruno_costa"].id
    found = explained("--as", company.people["bruno_costa"].id, "--to", "app:wiki", "--session", session)
    proofs = found["explanation"]["request"]["subject"]["authentications"]
    assert [one["method"] for one in proofs] == ["password", "totp"]
    assert not [one for one in found["assumed"] if one["fact"] == "proof"]
    assert isinstance(run("--as", ALICE, "--to", "app:wiki", "--session", session).exception, UnknownSession)


def test_other_rules_are_tried_without_applying_them(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(STAFF_ONLY)
    found = explained("--as", BRUNO, "--to", "app:files", "--rules", str(file))
    assert least(found["explanation"]) == [["Come from the network 192.0.2.0/24"]]
    assert explained("--as", BRUNO, "--to", "app:files")["explanation"]["in_reach"] == []


def test_a_misspelt_name_in_other_rules_is_no_group_to_join(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(STAFF_ONLY.replace("group:staff", "group:staf"))
    refused = run("--as", ALICE, "--to", "app:wiki", "--rules", str(file)).exception
    assert isinstance(refused, InvalidRules)
    assert "did you mean `staff`?" in str(refused)


def test_nobody_by_that_identifier_says_what_to_give_instead() -> None:
    refused = run("--as", "alice", "--to", "app:wiki").exception
    assert isinstance(refused, UnknownPerson)
    assert str(refused) == "There is nobody with the identifier alice. Give their e-mail address instead."


def test_a_disabled_person_is_refused_before_any_rule(company: Company) -> None:
    disable_person(person_id=company.people["bruno_costa"].id, reason="Left", actor=OPERATOR)
    found = explained("--as", BRUNO, "--to", "app:wiki")
    assert found["explanation"]["decision"]["reason"] == "person_disabled"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--to", "app:wikki"), "there is no app `wikki` (did you mean `wiki`?)"),
        (("--to", "app:wiki", "--device", "managed"), "a device fact has no value"),
        (("--to", "app:wiki", "--device", "managed=perhaps"), "`perhaps` is not a value of `managed`"),
        (("--to", "app:wiki", "--at", "tomorrow"), "`tomorrow`: not a moment"),
        (("--to", "app:wiki", "--mfa", "fax"), "`fax` is not a value of `mfa`"),
        (("--to", "app:wiki", "--mfa", "none", "--mfa-age", "10m"), "there is no second factor that could have an age"),
        (("--to", "app:wiki", "--from", "here", "--risk", "x"), "`here` is not an address"),
    ],
)
def test_a_question_that_cannot_be_asked_says_what_is_wrong(words: tuple[str, ...], message: str) -> None:
    error = run("--as", ALICE, *words).exception
    assert isinstance(error, InvalidQuestion)
    assert message in str(error)


def test_what_is_not_there_is_refused() -> None:
    assert isinstance(run("--as", "nobody@example.test", "--to", "app:wiki").exception, UnknownPerson)
    assert isinstance(run("7F3K9-2QXAB").exception, UnknownDecision)
    for words in ((), ("--as", ALICE), ("--to", "app:wiki"), ("7F3K9-2QXAB", "--as", ALICE)):
        assert isinstance(run(*words).exception, Refused)


def test_a_decision_on_record_is_explained_by_the_rules_of_then_and_of_now(company: Company) -> None:
    reference = refused_on_record(company)
    found = explained(reference)
    assert found["agrees"] is True
    assert found["number_then"] == found["number_now"] == company.rules
    assert found["now"] is None
    assert found["then"]["decision"]["reason"] == "denied_by_rule"
    assert found["then"]["at"] == get_decision(reference).at
    apply_rules(RULES.replace("contractors", "staff"), actor=OPERATOR)
    found = explained(reference)
    assert found["number_then"] == company.rules
    assert found["number_now"] == company.rules + 1
    assert found["then"]["decision"]["rules"] == ["contractors-never-see-restricted-data"]
    assert found["now"]["decision"]["reason"] == "no_rule_applies"
    text = run(reference).stdout
    assert f"{DANA} was refused on " in text
    assert f"Under the rules of then (number {company.rules})" in text
    assert f"Under the rules in force now (number {company.rules + 1})" in text
    assert "✓ contractors-never-see-restricted-data (deny) applies" in text
    assert "1. Set up a passkey or security key, and confirm with it; Join the group finance; Leave" in text


def refused_on_record(company: Company) -> str:
    dana = company.people["dana_novak"].id
    return next(one for one in company.references if get_decision(one).person_id == dana)
