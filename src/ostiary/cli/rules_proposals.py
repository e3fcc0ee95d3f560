"""`ostiary rules proposals` and what is done with them: rules that wait for a second administrator."""

from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import JsonOption, YesOption, confirm, examples, print_done, print_json, print_table
from ostiary.cli.rules import app
from ostiary.cli.rules_carrying_out import (
    DespiteOption,
    FollowOption,
    TakesFromOption,
    make_plan,
    name_people,
    print_in_force,
    refuse_followed,
    stop_at_problems,
)
from ostiary.cli.rules_plan import print_plan


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
    refuse_followed(despite_follow=despite_follow or bool(proposal.origin))
    made, place = make_plan(proposal.document, proposal.cedar), f"proposal {number}"
    stop_at_problems(made, place, despite=despite_failing_tests, as_json=as_json)
    if not as_json:
        print_plan(made, place)
    named = name_people(made, takes_from)
    confirm(f"{proposal.actor} proposed this; it changes who may do what, from now on.", yes=yes)
    applied = approve_proposal(
        number,
        made,
        people_named=named,
        despite_failing_tests=despite_failing_tests,
        despite_follow=despite_follow,
    )
    print_in_force(applied, as_json)


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
