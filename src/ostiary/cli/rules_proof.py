"""`ostiary rules prove`, `compare` and `lint`: what rules do for every possible request."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ostiary.cli.django import setup
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    examples,
    print_done,
    print_json,
    print_table,
    print_text,
    progress,
)
from ostiary.cli.rules import CedarOption, OptionalFile, app, read_texts

if TYPE_CHECKING:
    from ostiary.policy.proof.facade import ClauseResult, Comparison
    from ostiary.policy.rules.document import RulesDocument
    from ostiary.policy.snapshot import Rules

IN_FORCE: Final = "current"
SecondsOption = Annotated[float, typer.Option(min=0.1, help="How long the solver may work.")]
EachOption = Annotated[float, typer.Option("--seconds", min=0.1, help="How long the solver may work on one question.")]


@app.command(epilog=examples("ostiary rules prove", "ostiary rules prove rules.yaml --seconds 30 --json"))
def prove(
    file: OptionalFile = "", cedar: CedarOption = None, seconds: SecondsOption = 10.0, as_json: JsonOption = False
) -> None:
    """Prove the clauses of `never` and `always` for every possible request, or show one that contradicts them.

    Exits with 0 when every clause is proved, with 5 when one is refuted, not decided in time, or cannot be proved.
    """
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.policy.proof.facade import ClauseOutcome
    from ostiary.policy.proof.facade import prove as prove_clauses

    rules, document = read_rulebook(file, cedar)
    with progress("Proving"):
        results = prove_clauses(rules, read_applications(), document.clauses, seconds=seconds)
    if as_json:
        print_json(results)
    else:
        _print_results(results)
    if any(result.outcome is not ClauseOutcome.PROVED for result in results):
        raise typer.Exit(ExitCode.FINDINGS)


@app.command(
    epilog=examples("ostiary rules compare current rules.yaml", "ostiary rules compare old.yaml new.yaml --json")
)
def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A rules document; `current` is the one in force.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another; - reads standard input.")],
    old_cedar: Annotated[Path | None, typer.Option(help="Cedar text beside the old document.")] = None,
    new_cedar: Annotated[Path | None, typer.Option(help="Cedar text beside the new document.")] = None,
    seconds: SecondsOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Say whether new rules allow the same as old ones, less, or more, with a request for each difference.

    Exits with 0 when the new rules allow nothing that the old ones refuse, with 5 when they do or it is not known.
    """
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.policy.proof.facade import ComparisonOutcome
    from ostiary.policy.proof.facade import compare as compare_rules

    (before, _), (after, _) = read_rulebook(old, old_cedar), read_rulebook(new, new_cedar)
    with progress("Comparing"):
        result = compare_rules(before, after, read_applications(), seconds=seconds)
    if as_json:
        print_json(result)
    else:
        _print_comparison(result)
    if result.outcome not in (ComparisonOutcome.EQUIVALENT, ComparisonOutcome.STRICTER):
        raise typer.Exit(ExitCode.FINDINGS)


@app.command(epilog=examples("ostiary rules lint", "ostiary rules lint rules.yaml --json"))
def lint(
    file: OptionalFile = "", cedar: CedarOption = None, seconds: EachOption = 10.0, as_json: JsonOption = False
) -> None:
    """Find rules without effect, conditions that say nothing, apps nobody can reach, groups without a rule.

    Exits with 0 when nothing is odd, with 5 otherwise.
    """
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.identity.facts import read_identity
    from ostiary.policy.proof.facade import lint as lint_rules

    rules, _ = read_rulebook(file, cedar)
    with progress("Looking at every rule"):
        findings = lint_rules(rules, read_applications(), read_identity(), seconds_each=seconds)
    if as_json:
        print_json(findings)
    elif findings:
        print_table(
            ("Line", "What", "What to do"),
            ((one.line or None, one.words, one.advice) for one in findings),
            empty="",
            right=("Line",),
        )
    else:
        print_done("Every rule has an effect, and every app somebody who can reach it.")
    if findings:
        raise typer.Exit(ExitCode.FINDINGS)


def read_rulebook(file: str, cedar: Path | None) -> tuple["Rules", "RulesDocument"]:
    """Return rules to prove something about. Those in force may name what was deleted since; a file must not."""
    from ostiary.gateway.known_names import known_names
    from ostiary.policy.rules.reader import read_rules
    from ostiary.policy.snapshot import Rules

    named = "" if file == IN_FORCE else file
    document, beside = read_texts(named, cedar)
    return Rules(document=document, cedar=beside), read_rules(document, known_names() if named else None)


def _print_results(results: tuple["ClauseResult", ...]) -> None:
    print_table(
        ("Clause", "Says", "Outcome", "Why"),
        ((one.clause.rule.name, one.clause.kind, one.outcome.replace("_", " "), _why(one)) for one in results),
        empty="The document has no clauses. Write some under `never:` and `always:`.",
    )


def _why(result: "ClauseResult") -> str:
    return f"For instance: {result.words}" if result.counterexample else result.words


def _print_comparison(result: "Comparison") -> None:
    print_text(result.words)
    if result.allowed_only_by_new:
        print_text(f"+ Only with the new rules: {result.allowed_only_by_new.words}")
    if result.allowed_only_by_old:
        print_text(f"- Only with the old rules: {result.allowed_only_by_old.words}")
