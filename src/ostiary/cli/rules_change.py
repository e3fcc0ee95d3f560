"""`ostiary rules apply` and what follows it: plan, confirm, roll back, revert; proposals of others."""

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    Refused,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    progress,
)
from ostiary.cli.rules import CedarOption, FileArgument, app, read_texts
from ostiary.cli.rules_plan import REPLAY_DAYS, print_plan
from ostiary.cli.rules_replay import replay_days

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


@app.command(epilog=examples("ostiary rules plan rules.yaml", "ostiary rules plan rules.yaml --json"))
def plan(file: FileArgument, cedar: CedarOption = None, as_json: JsonOption = False) -> None:
    """Show what applying rules would do, and change nothing. Exits with 5 when there are problems, a test fails or a clause does not hold."""
    setup()
    made = _plan(*read_texts(file, cedar))
    if as_json:
        replayed = replay_days(made.document, made.cedar, days=REPLAY_DAYS) if made.is_valid else None
        content = {"valid": made.is_valid, "people_to_name": made.people_to_name, "plan": made, "replay": replayed}
        print_json(content)
    else:
        print_plan(made, file)
    if not made.is_valid or made.has_findings:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command(
    epilog=examples(
        "ostiary rules apply rules.yaml", 'ostiary rules apply rules.yaml --yes --comment "Finance on site"'
    )
)
def apply(
    file: FileArgument,
    cedar: CedarOption = None,
    comment: CommentOption = "",
    takes_from: TakesFromOption = None,
    despite_failing_tests: DespiteOption = False,
    despite_follow: FollowOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put rules in force, after showing what they change. Exits with 5 when there are problems, a test fails or a clause does not hold.

    Rules that no administrator could reach the console under are on trial first: confirm them, or they roll back.
    """
    setup()
    _refuse_followed(despite_follow=despite_follow)
    made = _plan(*read_texts(file, cedar))
    _carry_out(
        made,
        file,
        comment=comment,
        takes_from=takes_from,
        despite_failing_tests=despite_failing_tests,
        despite_follow=despite_follow,
        yes=yes,
        as_json=as_json,
    )


@app.command(epilog=examples("ostiary rules revert", "ostiary rules revert 12 --yes"))
def revert(
    number: Annotated[
        int, typer.Argument(metavar="[NUMBER]", help="Which rules to go back to; those before the present ones.")
    ] = 0,
    comment: CommentOption = "",
    takes_from: TakesFromOption = None,
    despite_follow: FollowOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put earlier rules in force again, as a new entry of the history."""
    setup()
    _refuse_followed(despite_follow=despite_follow)
    from ostiary.rulebook.facade import get_applied, get_applied_before, get_current

    earlier = get_applied(number) if number else get_applied_before(get_current().number)
    if not earlier.number:
        raise Refused("There are no earlier rules to go back to.", hint="See them all: ostiary rules history")
    made = _plan(earlier.document, earlier.cedar)
    words = comment or f"Back to number {earlier.number}"
    place = f"rules {earlier.number}"
    _carry_out(
        made,
        place,
        comment=words,
        takes_from=takes_from,
        yes=yes,
        as_json=as_json,
        restores=earlier.number,
        despite_follow=despite_follow,
    )


@app.command("confirm", epilog=examples("ostiary rules confirm", "ostiary rules confirm --json"))
def confirm_(as_json: JsonOption = False) -> None:
    """Let rules that are on trial stay."""
    setup()
    from ostiary.rulebook.facade import confirm_hold, get_hold

    hold = get_hold()
    if hold is None:
        raise Refused("No rules are on trial.", hint="See what is in force: ostiary rules history")
    rules = confirm_hold(number=hold.number, actor=operator_actor(), proved=True)
    _print_in_force(rules, as_json)


@app.command("roll-back", epilog=examples("ostiary rules roll-back", 'ostiary rules roll-back --why "Wrong group"'))
def roll_back_(
    why: Annotated[str, typer.Option(help="Why, for those who read the history.")] = "", as_json: JsonOption = False
) -> None:
    """Bring back the rules before those on trial, now."""
    setup()
    from ostiary.rulebook.facade import get_hold, roll_back

    hold = get_hold()
    if hold is None:
        raise Refused("No rules are on trial.", hint="To go back all the same: ostiary rules revert")
    _print_in_force(roll_back(number=hold.number, actor=operator_actor(), why=why), as_json)


@app.command(epilog=examples("ostiary rules proposals", "ostiary rules proposals --json"))
def proposals(as_json: JsonOption = False) -> None:
    """List rules that wait for a second administrator."""
    setup()
    from ostiary.rulebook.facade import list_proposals

    waiting = list_proposals()
    if as_json:
        print_json(waiting)
        return
    print_table(
        ("Number", "Proposed", "By", "Until", "Comment", "Waits because"),
        (
            (one.id, day_and_time(one.proposed_at), one.actor, day_and_time(one.expires_at), one.comment, one.waits_for)
            for one in waiting
        ),
        empty="Nothing waits to be approved.",
        right=("Number",),
    )


ProposalArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="As listed by `ostiary rules proposals`.")]


@app.command(epilog=examples("ostiary rules approve 3", "ostiary rules approve 3 --yes"))
def approve(
    number: ProposalArgument,
    takes_from: TakesFromOption = None,
    despite_failing_tests: DespiteOption = False,
    despite_follow: FollowOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a proposal of somebody else in force, after showing what it changes. Exits with 5 when a test fails or a clause does not hold."""
    setup()
    from ostiary.rulebook.facade import approve_proposal, get_proposal

    proposal = get_proposal(number)
    _refuse_followed(despite_follow=despite_follow or bool(proposal.origin))
    made, place = _plan(proposal.document, proposal.cedar), f"proposal {number}"
    _stop_at_problems(made, place, despite=despite_failing_tests, as_json=as_json)
    if not as_json:
        print_plan(made, place)
    named = _name_people(made, takes_from)
    confirm(f"{proposal.actor} proposed this; it changes who may do what, from now on.", yes=yes)
    applied = approve_proposal(
        number,
        made,
        people_named=named,
        despite_failing_tests=despite_failing_tests,
        despite_follow=despite_follow,
    )
    _print_in_force(applied, as_json)


@app.command(epilog=examples("ostiary rules withdraw 3", "ostiary rules withdraw 3 --json"))
def withdraw(number: ProposalArgument, as_json: JsonOption = False) -> None:
    """Take a proposal back."""
    setup()
    from ostiary.rulebook.facade import get_proposal, withdraw_proposal

    withdraw_proposal(number, actor=operator_actor())
    if as_json:
        print_json(get_proposal(number))
    else:
        print_done(f"Proposal number {number} is withdrawn.")


def _refuse_followed(*, despite_follow: bool) -> None:
    """Return when rules may be changed here. Asked before anything is worked out, and once more when it is done."""
    from django.conf import settings

    from ostiary.rulebook.facade import refuse_followed

    refuse_followed(settings.INSTANCE.configuration.rules.follow, despite_follow=despite_follow)


def _plan(document: str, cedar: str) -> "Plan":
    from ostiary.gateway.surroundings import read_surroundings
    from ostiary.rulebook.facade import plan_change

    with progress("Working out what the rules would do"):
        return plan_change(
            document, cedar, actor=operator_actor(), actor_request=None, surroundings=read_surroundings()
        )


def _stop_at_problems(made: "Plan", place: str, *, despite: bool, as_json: bool) -> None:
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


def _carry_out(
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
    from ostiary.rulebook.facade import apply_plan, propose_plan

    if made.is_in_force:
        before = made.before
        print_done(f"These rules are in force already (number {before.number}, version {before.version}).")
        return
    _stop_at_problems(made, place, despite=despite_failing_tests or bool(restores), as_json=as_json)
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
    named = _name_people(made, takes_from)
    confirm("This changes who may do what, from now on.", yes=yes)
    applied = apply_plan(
        made,
        comment=comment,
        people_named=named,
        restores=restores,
        despite_failing_tests=despite_failing_tests,
        despite_follow=despite_follow,
    )
    _print_in_force(applied, as_json)


def _name_people(made: "Plan", takes_from: int | None) -> int | None:
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


def _print_in_force(rules: "AppliedRules", as_json: bool) -> None:
    if as_json:
        print_json(rules)
        return
    print_done(f"In force: number {rules.number}, version {rules.version}.")
    if rules.hold is not None and not rules.hold.ended_at:
        print_note(f"They are on trial, and roll back by themselves at {day_and_time(rules.hold.until)}.")
        print_note("To let them stay: ostiary rules confirm. To go back now: ostiary rules roll-back.")
