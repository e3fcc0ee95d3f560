"""How rules come into force from a terminal: worked out, shown, agreed to."""

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import ExitCode, Refused, confirm, print_done, print_json, print_note, progress
from ostiary.cli.rules_plan import print_plan

if TYPE_CHECKING:
    from ostiary.rulebook.facade import AppliedRules, Plan

CommentOption = Annotated[str, typer.Option(help="Why, for those who read the history.")]
TakesFromOption = Annotated[
    int | None,
    typer.Option("--takes-from", min=1, help="From how many people this takes access; asked for when they are many."),
]
DespiteOption = Annotated[
    bool,
    typer.Option(
        "--despite-failing-tests", help="Go on although tests fail or clauses do not hold; the history says so."
    ),
]
FollowOption = Annotated[
    bool, typer.Option("--despite-follow", help="Change the rules here although they come from a repository.")
]


def refuse_followed(*, despite_follow: bool) -> None:
    """Return when rules may be changed here. Asked before anything is worked out, and once more when it is done."""
    from django.conf import settings

    from ostiary.rulebook.facade import refuse_followed

    refuse_followed(settings.INSTANCE.configuration.rules.follow, despite_follow=despite_follow)


def make_plan(document: str, cedar: str) -> "Plan":
    """Return what these rules would do, worked out under the eyes of the person at the terminal."""
    from ostiary.gateway.surroundings import read_surroundings
    from ostiary.rulebook.facade import plan_change

    with progress("Working out what the rules would do"):
        return plan_change(
            document, cedar, actor=operator_actor(), actor_request=None, surroundings=read_surroundings()
        )


def stop_at_problems(made: "Plan", place: str, *, despite: bool, as_json: bool) -> None:
    """Return when the rules can be used and their tests pass, or are meant to be passed over."""
    if made.is_valid and (despite or not made.has_findings):
        return
    if as_json:
        print_json(
            {"valid": made.is_valid, "passed": not made.has_findings, "report": made.report, "clauses": made.clauses}
        )
    else:
        print_plan(made, place)
        if made.is_valid:
            print_note("Nothing was changed. If the rules are meant all the same: --despite-failing-tests")
    raise typer.Exit(ExitCode.FINDINGS)


def carry_out(
    made: "Plan",
    place: str,
    *,
    comment: str,
    takes_from: int | None,
    yes: bool,
    as_json: bool,
    restores: int = 0,
    despite_failing_tests: bool = False,
    despite_follow: bool = False,
) -> None:
    """Show a plan, ask, and put it in force; or propose it, where somebody else must agree."""
    from ostiary.rulebook.facade import apply_plan, propose_plan

    if made.is_in_force:
        before = made.before
        print_done(f"These rules are in force already (number {before.number}, version {before.version}).")
        return
    stop_at_problems(made, place, despite=despite_failing_tests or bool(restores), as_json=as_json)
    if not as_json:
        print_plan(made, place)
    if made.needs_approval:
        confirm("This waits until another administrator approves it.", yes=yes)
        proposal = propose_plan(made, comment=comment)
        if as_json:
            print_json(proposal)
        else:
            print_done(
                f"Proposed as number {proposal.id}. Somebody else approves it: ostiary rules approve {proposal.id}"
            )
        return
    named = name_people(made, takes_from)
    confirm("This changes who may do what, from now on.", yes=yes)
    applied = apply_plan(
        made,
        comment=comment,
        people_named=named,
        restores=restores,
        despite_failing_tests=despite_failing_tests,
        despite_follow=despite_follow,
    )
    print_in_force(applied, as_json)


def name_people(made: "Plan", takes_from: int | None) -> int | None:
    """Return the number of people that somebody named, where it must be named."""
    import sys

    wanted = made.people_to_name
    if not wanted or takes_from == wanted:
        return takes_from
    if takes_from is None and sys.stdin.isatty():
        takes_from = typer.prompt(f"This takes access from {wanted} people. How many?", type=int, err=True)
    if takes_from != wanted:
        given = "" if takes_from is None else f", not {takes_from}"
        raise Refused(
            f"This takes access from {wanted} people{given}. Nothing was changed.",
            hint=f"Look at who loses what. If it is meant: --takes-from {wanted}",
        )
    return takes_from


def print_in_force(rules: "AppliedRules", as_json: bool) -> None:
    """Say which rules are in force now, and what is left to do."""
    if as_json:
        print_json(rules)
        return
    print_done(f"In force: number {rules.number}, version {rules.version}.")
    if rules.hold is not None and not rules.hold.ended_at:
        print_note(f"They are on trial, and roll back by themselves at {day_and_time(rules.hold.until)}.")
        print_note("To let them stay: ostiary rules confirm. To go back now: ostiary rules roll-back.")
