"""`ostiary rules prove`, `compare`, `lint`, `who-can` and `what-can`: what rules do for every possible request."""

import sys
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
    print_note,
    print_table,
    print_text,
    progress,
)
from ostiary.cli.rules import CedarOption, OptionalFile, app, read_texts
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.policy.proof.facade import ClauseResult, Comparison, WhoCan
    from ostiary.policy.request import ActionClass, Subject
    from ostiary.policy.rules.document import RulesDocument, Target
    from ostiary.policy.snapshot import Directory, Rules

IN_FORCE: Final = "current"
MAX_PEOPLE: Final = 50
SecondsOption = Annotated[float, typer.Option(min=0.1, help="How long the solver may work.")]
EachOption = Annotated[float, typer.Option("--seconds", min=0.1, help="How long the solver may work on one question.")]
RulesOption = Annotated[
    str, typer.Option("--rules", help="A rules document; the rules in force when left out.", show_default=False)
]


class NotASelector(OstiaryError):
    """What was typed does not say whom or what it means."""


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

    rules, document = _read(file, cedar)
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

    (before, _), (after, _) = _read(old, old_cedar), _read(new, new_cedar)
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
    from ostiary.policy.proof.facade import lint as lint_rules

    rules, _ = _read(file, cedar)
    with progress("Looking at every rule"):
        findings = lint_rules(rules, read_applications(), _directory(), seconds_each=seconds)
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


@app.command(
    "who-can", epilog=examples("ostiary rules who-can view app:payroll", "ostiary rules who-can any label:restricted")
)
def who_can(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="view, edit, delete, connect or any.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="app:…, label:… or anything.")],
    file: RulesOption = "",
    cedar: CedarOption = None,
    seconds: EachOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """List the rules by which something can ever be done, what refuses it, and the people who can do it."""
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.policy.proof.facade import who_can as who_can_do

    rules, _ = _read(file, cedar)
    directory, catalogue, wanted = _directory(), read_applications(), _target(target)
    act = _action(action)
    with progress("Looking at every rule"):
        found = who_can_do(rules, catalogue, act, wanted, directory=directory, seconds_each=seconds)
    if not found.apps:
        raise NotASelector(f"No app is {target}.", hint="See which exist, with their labels: ostiary app list")
    if as_json:
        print_json(found)
    else:
        _print_who_can(found, directory)


@app.command(
    "what-can",
    epilog=examples("ostiary rules what-can person:anna@example.com", "ostiary rules what-can group:contractors"),
)
def what_can(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="person:…, group:… or service:…")],
    file: RulesOption = "",
    cedar: CedarOption = None,
    seconds: EachOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """List the apps that somebody can reach, what they can do there, and by which rules. Proofs and devices are left open."""
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.policy.proof.facade import what_can as what_can_do

    rules, _ = _read(file, cedar)
    asking = _subject(subject, _directory())
    with progress("Looking at every rule"):
        reached = what_can_do(rules, read_applications(), asking, seconds_each=seconds)
    if as_json:
        print_json(reached)
        return
    print_table(
        ("App", "Can", "By"),
        ((one.app, ", ".join(one.actions), ", ".join(way.rule for way in one.rules)) for one in reached),
        empty=f"No rule lets {subject} do anything.",
    )


def _read(file: str, cedar: Path | None) -> tuple["Rules", "RulesDocument"]:
    """Return rules to prove something about. Those in force may name what was deleted since; a file must not."""
    from ostiary.gateway.known_names import known_names
    from ostiary.policy.rules.reader import read_rules
    from ostiary.policy.snapshot import Rules

    named = "" if file == IN_FORCE else file
    document, beside = read_texts(named, cedar)
    return Rules(document=document, cedar=beside), read_rules(document, known_names() if named else None)


def _directory() -> "Directory":
    from ostiary.identity.facts import read_identity

    return read_identity()


def _action(word: str) -> "ActionClass | None":
    from ostiary.policy.request import ActionClass

    actions = {action.value: action for action in ActionClass if action is not ActionClass.UNKNOWN}
    if word != "any" and word not in actions:
        raise NotASelector(f"`{word}` is not an action.", hint=f"Say {', '.join(actions)} or any.")
    return actions.get(word)


def _target(text: str) -> "Target":
    from ostiary.policy.rules.document import Target, TargetKind

    kind, _, name = text.partition(":")
    if text == TargetKind.ANYTHING:
        return Target(TargetKind.ANYTHING)
    if name and kind in (TargetKind.APP, TargetKind.LABEL):
        return Target(TargetKind(kind), name)
    raise NotASelector(f"`{text}` does not say what is meant.", hint="Say app:NAME, label:NAME or anything.")


def _subject(text: str, directory: "Directory") -> "Subject":
    """Return whom the text means. A member of a group is somebody who is in no other."""
    from ostiary.policy.identifiers import GroupId, PersonId, ServiceId
    from ostiary.policy.request import Subject

    kind, _, name = text.partition(":")
    if kind == "person" and name:
        for person in directory.people.values():
            if name.lower() in (person.id.lower(), person.email.lower()):
                return Subject(person=person.id, email=person.email, groups=frozenset(person.groups))
        raise NotASelector(f"There is nobody with the address or id {name}.", hint="List people: ostiary user list")
    if kind == "group" and name:
        if name not in directory.groups:
            raise NotASelector(f"There is no group `{name}`.", hint="List groups: ostiary group list")
        member = PersonId("somebody")
        return Subject(person=member, email="somebody@example.com", groups=frozenset({GroupId(name)}))
    if kind == "service" and name:
        return Subject(service=ServiceId(name))
    raise NotASelector(f"`{text}` does not say who is meant.", hint="Say person:ADDRESS, group:NAME or service:NAME.")


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


def _print_who_can(found: "WhoCan", directory: "Directory") -> None:
    print_table(
        ("Rule", "Means", "For instance"),
        ((way.rule, way.words, way.example.words if way.example else None) for way in found.ways),
        empty="Nobody can: no rule allows it.",
    )
    for way in found.limits:
        print_note(f"Refused by `{way.rule}`: {way.words}")
    for number, person in enumerate(directory.people[one] for one in found.people):
        if number == MAX_PEOPLE:
            print_note(f"… and {len(found.people) - MAX_PEOPLE} more; --json lists everybody.")
            break
        sys.stdout.write(f"{person.name} <{person.email}>\n")
    if found.ways and not found.people:
        print_note("Nobody in the directory is meant by these rules.")
