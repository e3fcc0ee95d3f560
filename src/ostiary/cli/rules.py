"""`ostiary rules`: the rules are checked, compared, applied and shown."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
)
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.rulebook.facade import CheckReport, Known, RulesDifference

app = typer.Typer(help="What may happen: the rules in force and changes to them.", no_args_is_help=True)

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The rules document; - reads standard input.")]
OptionalFile = Annotated[
    str,
    typer.Argument(metavar="FILE", help="The rules document; the rules in force when left out.", show_default=False),
]
CedarOption = Annotated[Path | None, typer.Option("--cedar", help="Cedar text that stands beside the document.")]


class UnreadableRules(OstiaryError):
    """A file of rules cannot be read."""


@app.command(epilog=examples("ostiary rules check rules.yaml", "ostiary rules check rules.yaml --json"))
def check(file: OptionalFile = "", cedar: CedarOption = None, as_json: JsonOption = False) -> None:
    """Find what is wrong with rules and say what they mean. Changes nothing; exits with 5 when there are problems."""
    setup()
    from ostiary.rulebook.facade import check_rules

    document, beside = _texts(file, cedar)
    report = check_rules(document, beside, known=_known())
    if as_json:
        print_json({"valid": report.is_valid, "report": report})
    else:
        _print_report(report, file or "rules in force")
    if not report.is_valid:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command(
    epilog=examples(
        "ostiary rules apply rules.yaml", 'ostiary rules apply rules.yaml --yes --comment "Finance on site"'
    )
)
def apply(
    file: FileArgument,
    cedar: CedarOption = None,
    comment: Annotated[str, typer.Option(help="Why, for those who read the history.")] = "",
    yes: YesOption = False,
) -> None:
    """Put rules in force, after showing what they change. Exits with 5 when there are problems."""
    setup()
    from ostiary.rulebook.facade import apply_rules, check_rules, compare_rules, get_current

    known, current = _known(), get_current()
    document, beside = _texts(file, cedar)
    report = check_rules(document, beside, known=known)
    if not report.is_valid:
        _print_report(report, file)
        raise typer.Exit(ExitCode.FINDINGS)
    if current.number and (current.document, current.cedar) == (document, beside):
        print_done(f"These rules are in force already (number {current.number}, version {current.version}).")
        return
    _print_difference(compare_rules(current.document, document, old_cedar=current.cedar, new_cedar=beside))
    for warning in report.warnings:
        print_note(warning)
    confirm("This changes who may do what, from now on.", yes=yes)
    applied = apply_rules(document, beside, comment=comment, known=known, actor=operator_actor())
    print_done(f"In force: number {applied.number}, version {applied.version}.")


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
        ("Number", "Version", "Applied", "By", "Comment"),
        ((one.number, one.version, day_and_time(one.applied_at), one.applied_by, one.comment) for one in listed.items),
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

    print_text(show_cedar(*_texts(file, beside)))


def _texts(file: str, cedar: Path | None) -> tuple[str, str]:
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


def _known() -> "Known":
    """Return the names that exist here, so that misspelt ones are found."""
    from ostiary.applications.facade import list_apps
    from ostiary.identity.facade import list_groups
    from ostiary.rulebook.facade import Known

    return Known(
        groups=frozenset(str(group.id) for group in list_groups()), apps=frozenset(str(one.id) for one in list_apps())
    )


def _print_report(report: "CheckReport", place: str) -> None:
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
    print_done("The rules can be applied.")


def _print_difference(difference: "RulesDifference") -> None:
    if difference.is_empty:
        print_text("The rules mean the same; only their text differs.")
    for rule in difference.added:
        print_text(f"+ {rule.name}: {rule.words}")
    for rule in difference.removed:
        print_text(f"- {rule.name}: {rule.words}")
    for change in difference.changed:
        print_text(f"~ {change.name}: {change.after}")
        for part in change.parts:
            print_text(f"    {part.part}: {part.before or 'nothing'} → {part.after or 'nothing'}")
    if difference.cedar_changed:
        print_text("~ the Cedar text beside the document")
