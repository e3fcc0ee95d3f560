"""`ostiary rules`, as a person and as a script uses it."""

import json
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from ostiary.applications.facade import ensure_builtin_apps
from ostiary.cli import rules_change, rules_proposals  # noqa: F401 - they add commands
from ostiary.cli.output import ExitCode, NeedsConfirmation
from ostiary.cli.rules import UnreadableRules, app
from ostiary.cli.rules_results import UnwritableResults
from ostiary.rulebook.facade import get_current, initial_rules, list_history

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    ensure_builtin_apps()
    return lambda *words, **more: CliRunner().invoke(app, list(words), **more)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(initial_rules())
    return path


def test_check_says_what_the_rules_mean_and_changes_nothing(run, file):
    result = run("check", str(file))
    assert result.exit_code == ExitCode.OK
    assert "members of helpdesk may use console, with a passkey or security key." in result.stdout
    assert get_current().number == 0


def test_check_finds_the_place(run, file):
    file.write_text(file.read_text().replace("group:administrators", "group:administratos"))
    result = run("check", str(file))
    assert result.exit_code == ExitCode.FINDINGS
    assert f"{file}:9:13: there is no group `administratos`" in result.stdout
    assert "did you mean `administrators`?" in result.stdout
    report = json.loads(run("check", str(file), "--json").stdout)
    assert report["valid"] is False
    assert report["report"]["problems"][0]["line"] == 9


def test_check_reads_standard_input_and_the_rules_in_force(run, file):
    assert run("check", "-", input="version: 2").exit_code == ExitCode.FINDINGS
    assert run("apply", str(file), "--yes").exit_code == ExitCode.OK
    assert "administrators" in run("check").stdout


def test_apply_shows_the_difference_and_asks(run, file):
    result = run("apply", str(file))
    assert (
        "+ console-with-a-passkey: Members of administrators, members of auditors and members of helpdesk may use console"
        in result.stdout
    )
    assert isinstance(result.exception, NeedsConfirmation)
    assert get_current().number == 0


def test_apply_with_yes(run, file):
    assert run("apply", str(file), "--yes", "--comment", "first").exit_code == ExitCode.OK
    assert get_current().comment == "first"
    file.write_text(file.read_text().replace("phishing-resistant", "otp"))
    result = run("apply", str(file), "--yes")
    assert "when: with a passkey or security key → with a one-time code" in result.stdout
    assert list_history().total == 2
    assert "in force already" in run("apply", str(file), "--yes").stderr
    assert list_history().total == 2


def test_apply_refuses_problems(run, file):
    file.write_text("version: 1\nrules: [{name: a}]")
    assert run("apply", str(file), "--yes").exit_code == ExitCode.FINDINGS
    assert get_current().number == 0


def test_apply_with_cedar_beside(run, file, tmp_path):
    cedar = tmp_path / "more.cedar"
    cedar.write_text('@id("more") permit (principal in Group::"night", action, resource);')
    assert run("apply", str(file), "--cedar", str(cedar), "--yes").exit_code == ExitCode.OK
    assert '@id("more")' in run("cedar").stdout
    cedar.write_text("permit permit")
    result = run("apply", str(file), "--cedar", str(cedar), "--yes")
    assert result.exit_code == ExitCode.FINDINGS
    assert result.stdout.startswith("cedar: ")


def test_show_and_history(run, file):
    assert "No rules were ever applied" in run("show").stderr
    assert "No rules were ever applied" in run("history").stderr
    run("apply", str(file), "--yes", "--comment", "first")
    assert run("show").stdout == initial_rules()
    first = get_current().number
    file.write_text("version: 1\n")
    run("apply", str(file), "--yes")
    assert run("show", "--number", str(first)).stdout == initial_rules()
    assert [row["comment"] for row in json.loads(run("history", "--json").stdout)["items"]] == ["", "first"]
    assert "first" in run("history").stdout
    assert json.loads(run("show", "--json").stdout)["document"] == "version: 1\n"


def test_cedar(run, file):
    assert 'resource in App::"console"' in run("cedar", str(file)).stdout


def test_files_that_cannot_be_read(run, tmp_path):
    assert isinstance(run("check", str(tmp_path / "none")).exception, UnreadableRules)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("# Grüße".encode("latin-1"))
    assert isinstance(run("check", str(latin)).exception, UnreadableRules)


TESTS = """
tests:
  - {name: administrators-in, as: group:administrators, mfa: phishing-resistant, to: app:console, expect: allow}
  - {name: a-code-is-enough, as: group:helpdesk, mfa: otp, to: app:console, expect: {allow: console-with-a-passkey}}
"""
FIXED = TESTS.replace("expect: {allow: console-with-a-passkey}", "expect: {deny: conditions_unmet}")
WORDS = "This needs a passkey or security key; you gave a one-time code."


@pytest.fixture
def failing(file):
    file.write_text(initial_rules() + TESTS)
    return file


def test_check_runs_the_tests_of_the_document(run, failing):
    line = failing.read_text().splitlines().index(TESTS.splitlines()[3]) + 1
    result = run("check", str(failing))
    assert result.exit_code == ExitCode.FINDINGS
    assert (
        f"{failing}:{line}: test `a-code-is-enough` fails: allowed by `console-with-a-passkey` was expected; "
        "it was refused, as a condition is not met (`conditions_unmet`)\n"
        f"    console-with-a-passkey: {WORDS}\n"
        "1 of 2 tests fails.\n"
    ) in result.stdout
    assert "can be applied" not in result.stderr
    failing.write_text(initial_rules() + FIXED)
    result = run("check", str(failing))
    assert result.exit_code == ExitCode.OK
    assert "2 tests pass." in result.stderr


def test_check_gives_programs_what_came_of_the_tests(run, failing):
    result = run("check", str(failing), "--json")
    assert result.exit_code == ExitCode.FINDINGS
    said = json.loads(result.stdout)
    assert (said["valid"], said["passed"]) == (True, False)
    passed, failed = said["report"]["tests"]
    assert (passed["passed"], passed["rules"]) == (True, ["console-with-a-passkey"])
    assert (failed["passed"], failed["reason"], failed["unmet"][0]["words"]) == (False, "conditions_unmet", WORDS)


def test_check_writes_junit_for_build_servers(run, failing, tmp_path):
    written = tmp_path / "results.xml"
    assert run("check", str(failing), "--junit", str(written)).exit_code == ExitCode.FINDINGS
    suite = ElementTree.parse(written).getroot().find("testsuite")  # noqa: S314 - written here
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    passed, failed = suite.findall("testcase")
    assert (passed.get("name"), list(passed)) == ("administrators-in", [])
    failure = failed.find("failure")
    assert failure is not None
    assert failed.get("file") == str(failing)
    assert WORDS in (failure.text or "")
    assert (failure.get("message") or "").startswith("allowed by `console-with-a-passkey` was expected")


def test_junit_can_be_all_that_is_printed(run, failing):
    result = run("check", "-", "--junit", "-", input=failing.read_text())
    assert result.exit_code == ExitCode.FINDINGS
    suite = ElementTree.fromstring(result.stdout_bytes).find("testsuite")  # noqa: S314 - written here
    assert suite is not None
    assert suite.get("failures") == "1"


def test_junit_holds_what_keeps_tests_from_being_run_and_any_text(run, file, tmp_path):
    written = tmp_path / "results.xml"
    file.write_text("version: 1\nrules: [{name: a, deny: 'group:\\ufffe<&\ufffd', to: anything}]\ntests: [x]\n")
    assert run("check", str(file), "--junit", str(written)).exit_code == ExitCode.FINDINGS
    suite = ElementTree.parse(written).getroot().find("testsuite")  # noqa: S314 - written here
    assert suite is not None
    assert (suite.get("tests"), suite.get("errors")) == ("2", "2")
    assert [case.get("line") for case in suite.findall("testcase")] == ["2", "3"]
    assert all(case.find("error") is not None for case in suite.findall("testcase"))


def test_a_test_can_only_ask_for_apps_and_groups_that_exist(run, file):
    file.write_text("version: 1\ntests: [{name: a, as: group:staf, to: app:consol, expect: deny}]\n")
    result = run("check", str(file))
    assert result.exit_code == ExitCode.FINDINGS
    assert "there is no group `staf`" in result.stdout
    assert "there is no app `consol`" in result.stdout
    assert "did you mean `console`?" in result.stdout


def test_apply_refuses_rules_whose_tests_fail(run, failing):
    result = run("apply", str(failing), "--yes")
    assert result.exit_code == ExitCode.FINDINGS
    assert WORDS in result.stdout
    assert get_current().number == 0


def test_apply_despite_failing_tests_says_so_in_the_history(run, failing):
    assert run("apply", str(failing), "--yes", "--despite-failing-tests", "--comment", "Go").exit_code == ExitCode.OK
    assert get_current().comment == "Despite failing tests (a-code-is-enough). Go"
    failing.write_text(initial_rules() + FIXED)
    assert run("apply", str(failing), "--yes", "--despite-failing-tests", "--comment", "Go").exit_code == ExitCode.OK
    assert get_current().comment == "Go"


def test_plan_shows_what_came_of_the_tests_and_ends_with_5(run, failing):
    result = run("plan", str(failing))
    assert result.exit_code == ExitCode.FINDINGS
    assert WORDS in result.stdout
    said = json.loads(run("plan", str(failing), "--json").stdout)
    assert [one["passed"] for one in said["plan"]["report"]["tests"]] == [True, False]


def test_apply_tells_programs_which_tests_failed(run, failing):
    result = run("apply", str(failing), "--yes", "--json")
    assert result.exit_code == ExitCode.FINDINGS
    said = json.loads(result.stdout)
    assert (said["valid"], said["passed"]) == (True, False)
    assert get_current().number == 0


def test_rules_that_were_in_force_come_back_without_a_word_about_their_tests(run, failing, tmp_path):
    assert run("apply", str(failing), "--yes", "--despite-failing-tests").exit_code == ExitCode.OK
    other = tmp_path / "other.yaml"
    other.write_text(initial_rules())
    assert run("apply", str(other), "--yes").exit_code == ExitCode.OK
    assert run("revert", "--yes").exit_code == ExitCode.OK
    assert get_current().document == failing.read_text()
    assert get_current().comment.startswith("Despite failing tests (a-code-is-enough). Back to number ")


def test_junit_cannot_be_written_where_there_is_no_folder(run, file, tmp_path):
    result = run("check", str(file), "--junit", str(tmp_path / "none" / "results.xml"))
    assert isinstance(result.exception, UnwritableResults)
    assert "results.xml cannot be written (No such file or directory)." in str(result.exception)
