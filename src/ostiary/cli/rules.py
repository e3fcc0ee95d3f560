"""`ostiary rules`: the rules are checked and shown. How they are changed is in `rules_change`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
    progress,
)
from ostiary.cli.rules_results import print_tests, write_junit
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.rulebook.facade import AppliedRules, CheckReport

app = typer.Typer(help="What may happen: the rules in force and changes to them.", no_args_is_help=True)

OptionalFile = Annotated[
    str,
    typer.Argument(metavar="FILE", help="The rules document; the rules in force when left out.", show_default=False),
]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The rules document; - reads standard input.")]
CedarOption = Annotated[Path | None, typer.Option("--cedar", help="Cedar text that stands beside the document.")]
JUnitOption = Annotated[
    str, typer.Option("--junit", metavar="PATH", help="Write what came of the tests as JUnit XML; - prints that alone.")
]
IN_FORCE = "rules in force"


class UnreadableRules(OstiaryError):
    """A file of rules cannot be read."""


@app.command(
    epilog=examples(
        "ostiary rules check rules.yaml",
        "ostiary rules check rules.yaml --junit results.xml",
        "ostiary rules check rules.yaml --json",
    )
)
def check(
    file: OptionalFile = "",
    cedar: CedarOption = None,
    junit: JUnitOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find what is wrong with rules, say what they mean, run their tests. Changes nothing; exits with 5 on any finding."""
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.gateway.known_names import known_names
    from ostiary.rulebook.facade import check_rules

    (document, beside), place = read_texts(file, cedar), file or IN_FORCE
    with progress("Checking the rules"):
        report = check_rules(document, beside, known=known_names(), catalogue=read_applications())
    if junit:
        write_junit(sys.stdout.buffer if junit == "-" else Path(junit), report, place)
    if as_json and junit != "-":
        print_json({"valid": report.is_valid, "passed": not report.failures, "report": report})
    elif junit != "-":
        print_report(report, place)
    if not report.is_valid or report.failures:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command(epilog=examples("ostiary rules show > rules.yaml", "ostiary rules show --number 3"))
def show(
    number: Annotated[int, typer.Option(help="An earlier set of rules; 0 means those in force.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Print the document of the rules in force, or of earlier ones."""
    setup()
    from ostiary.rulebook.facade import get_applied, get_current

    rules = get_applied(number) if number else get_current()
    if as_json:
        print_json(rules)
    elif rules.number:
        print_text(rules.document)
    else:
        print_note("No rules were ever applied, so nobody may do anything. Apply some: ostiary rules apply FILE")


@app.command(epilog=examples("ostiary rules history", "ostiary rules history --json"))
def history(
    page: Annotated[int, typer.Option(min=1, help="Which page of 50.")] = 1, as_json: JsonOption = False
) -> None:
    """List what was applied, by whom and why; the last first."""
    setup()
    from ostiary.rulebook.facade import list_history

    listed = list_history(page=page)
    if as_json:
        print_json(listed)
        return
    print_table(
        ("Number", "Version", "Applied", "By", "Comment", "Then"),
        (
            (one.number, one.version, day_and_time(one.applied_at), one.applied_by, one.comment, what_then(one))
            for one in listed.items
        ),
        empty="No rules were ever applied. Apply some: ostiary rules apply FILE",
        right=("Number",),
    )
    if listed.has_next:
        print_note(f"Page {listed.page} of {listed.pages}. The next: ostiary rules history --page {page + 1}")


@app.command(epilog=examples("ostiary rules cedar", "ostiary rules cedar rules.yaml"))
def cedar(file: OptionalFile = "", beside: CedarOption = None) -> None:
    """Print the Cedar policies that the rules compile to."""
    setup()
    from ostiary.rulebook.facade import show_cedar

    print_text(show_cedar(*read_texts(file, beside)))


def what_then(rules: "AppliedRules") -> str:
    """Return who approved rules and what became of their trial, in a few words; empty when there is nothing to say."""
    said = [f"approved by {rules.approved_by}"] if rules.approved_by else []
    if rules.hold is not None and rules.hold.ended_at:
        done = "confirmed" if rules.hold.outcome == "confirmed" else "rolled back"
        said.append(f"{done} by {rules.hold.ended_by}")
    elif rules.hold is not None:
        said.append(f"on trial until {day_and_time(rules.hold.until)}")
    return ", ".join(said)


def read_texts(file: str, cedar: Path | None) -> tuple[str, str]:
    """Return document and Cedar text: from files, or those in force."""
    from ostiary.rulebook.facade import get_current

    if not file:
        current = get_current()
        return current.document, current.cedar if cedar is None else _read(cedar)
    document = sys.stdin.read() if file == "-" else _read(Path(file))
    return document, "" if cedar is None else _read(cedar)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableRules(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise UnreadableRules(
            f"{path} is not UTF-8 (byte {error.start}).", hint="Save it as UTF-8 in your editor."
        ) from None


def print_report(report: "CheckReport", place: str) -> None:
    """Print what is wrong with rules, or what they mean and what came of their tests."""
    for problem in report.problems:
        at = f"{place}:{problem.line}:{problem.column}" if problem.line else problem.file
        print_text(f"{at}: {problem.message}")
        if problem.hint:
            print_text(f"    {problem.hint}")
    if not report.is_valid:
        return
    print_table(("Rule", "Means"), ((rule.name, rule.words) for rule in report.rules), empty="There are no rules.")
    for warning in report.warnings:
        print_note(warning)
    print_tests(report.tests, place)
    if not report.failures:
        print_done("The rules can be applied.")
