"""`ostiary rules apply` and what follows it: plan, confirm, roll back, revert."""

from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import ExitCode, JsonOption, Refused, YesOption, examples, print_json
from ostiary.cli.rules import CedarOption, FileArgument, app, read_texts
from ostiary.cli.rules_carrying_out import (
    CommentOption,
    DespiteOption,
    FollowOption,
    TakesFromOption,
    carry_out,
    make_plan,
    print_in_force,
    refuse_followed,
)
from ostiary.cli.rules_plan import REPLAY_DAYS, print_plan
from ostiary.cli.rules_replay import replay_days


@app.command(epilog=examples("ostiary rules plan rules.yaml", "ostiary rules plan rules.yaml --json"))
def plan(file: FileArgument, cedar: CedarOption = None, as_json: JsonOption = False) -> None:
    """Show what applying rules would do, and change nothing. Exits with 5 when there are problems, a test fails or a clause does not hold."""
    setup()
    made = make_plan(*read_texts(file, cedar))
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
    refuse_followed(despite_follow=despite_follow)
    made = make_plan(*read_texts(file, cedar))
    carry_out(
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
    refuse_followed(despite_follow=despite_follow)
    from ostiary.rulebook.facade import get_applied, get_applied_before, get_current

    earlier = get_applied(number) if number else get_applied_before(get_current().number)
    if not earlier.number:
        raise Refused("There are no earlier rules to go back to.", hint="See them all: ostiary rules history")
    made = make_plan(earlier.document, earlier.cedar)
    words = comment or f"Back to number {earlier.number}"
    place = f"rules {earlier.number}"
    carry_out(
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
    print_in_force(rules, as_json)


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
    print_in_force(roll_back(number=hold.number, actor=operator_actor(), why=why), as_json)
