"""`ostiary review`: access reviews are started, listed, shown, answered, reminded of and closed."""

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import TermOption, day_and_time, until_when
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_table,
    print_text,
    progress,
)
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.reviews.facade import Campaign, Item

app = typer.Typer(help="Access reviews, their signed reports, and the register of access rights.", no_args_is_help=True)

ReviewArgument = Annotated[str, typer.Argument(metavar="REVIEW", help="Its identifier: see `ostiary review list`.")]
ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="Its identifier: see `ostiary review show`.")]
CommentOption = Annotated[str, typer.Option("--comment", "-c", help="Why, for the record.")]


class UnknownWord(OstiaryError):
    """A word on the command line is none of those that are known."""


@app.command(epilog=examples("ostiary review start everything", "ostiary review start label:restricted --days 7"))
def start(
    scope: Annotated[str, typer.Argument(help="everything, app:NAME, group:NAME, role:NAME or label:NAME.")],
    name: Annotated[str, typer.Option(help="What people read.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=365, help="Until its deadline.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Start a review: whoever answers for the access is asked by mail, each question answered from use beforehand."""
    setup()
    from ostiary.reviews.facade import parse_scope, start_campaign

    with progress("Looking at who holds what, and how it was used"):
        made = start_campaign(scope=parse_scope(scope), name=name, days=days, actor=operator_actor())
    if as_json:
        print_json(made)
        return
    print_done(f"{made.id} has {made.progress.items} items, to be answered until {day_and_time(made.deadline_at)}.")


@app.command("list", epilog=examples("ostiary review list", "ostiary review list payroll --json"))
def list_(
    text: Annotated[str, typer.Argument(help="Words in name or scope.")] = "",
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """List reviews, the newest first."""
    setup()
    from ostiary.reviews.facade import list_campaigns

    found = list_campaigns(text=text, page=page)
    if as_json:
        print_json(found.items)
        return
    print_table(
        ("Review", "Name", "Started", "Deadline", "Items", "Answered", "Open", "Closed"),
        (
            (
                one.id,
                one.name,
                day_and_time(one.started_at),
                day_and_time(one.deadline_at),
                one.progress.items,
                f"{one.progress.percent} %",
                one.progress.open,
                day_and_time(one.closed_at),
            )
            for one in found.items
        ),
        empty="No review matches. Start one with: ostiary review start everything",
        right=("Items", "Answered", "Open"),
    )


@app.command(
    epilog=examples("ostiary review show c_0123456789", "ostiary review show c_0123456789 --state waiting --json")
)
def show(
    review: ReviewArgument,
    text: Annotated[str, typer.Option("--text", "-t", help="Words in person, group or role.")] = "",
    state: Annotated[str, typer.Option(help="waiting, kept, owed, elsewhere, settled, gone or unanswered.")] = "",
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Show one review with its items: who has what, what use suggests, what was answered, what was read back."""
    setup()
    from ostiary.reviews.facade import ItemState, alarms_of, get_campaign, list_items
    from ostiary.reviews.words import alarm_words

    if state and state not in {one.value for one in ItemState}:
        known = ", ".join(one.value for one in ItemState)
        raise UnknownWord(f"No item is {state!r}.", hint=f"Say one of: {known}.")
    campaign, alarms = get_campaign(review), alarms_of(review)
    found = list_items(review, text=text, state=ItemState(state) if state else None, page=page)
    if as_json:
        print_json({"review": campaign, "items": found.items, "total": found.total, "alarms": alarms})
        return
    _print_campaign(campaign)
    for alarm in alarms:
        print_text(f"Look at this: {alarm_words(alarm)}")
    _print_items(found.items)


def _print_campaign(campaign: "Campaign") -> None:
    progress_ = campaign.progress
    print_text(
        f"{campaign.name} ({campaign.scope.text}): {progress_.answered} of {progress_.items} answered, "
        f"{progress_.open} open; deadline {day_and_time(campaign.deadline_at)}."
    )
    if campaign.closed_at is not None:
        print_text(f"Closed by {campaign.closed_by}, {day_and_time(campaign.closed_at)}.")


def _print_items(items: "tuple[Item, ...]") -> None:
    from ostiary.reviews.words import STATES, answered_of, ground_of, suggested_of, use_of

    print_table(
        ("Item", "Person", "Has", "Use", "Suggested", "Because", "Answer", "State", "Reviewers"),
        (
            (
                one.id,
                one.email,
                one.title if one.is_service else f"{one.kind} {one.name}",
                use_of(one),
                suggested_of(one),
                ground_of(one),
                answered_of(one) or None,
                one.trouble or STATES[one.state],
                ", ".join(who.email for who in one.reviewers) or "on the machine",
            )
            for one in items
        ),
        empty="No item matches.",
    )


@app.command(
    epilog=examples(
        "ostiary review answer i_0123 keep -c 'Closes the books'", "ostiary review answer i_0123 reduce --until 90d"
    )
)
def answer(
    item: ItemArgument,
    answer: Annotated[str, typer.Argument(metavar="ANSWER", help="keep, reduce, remove, or as-suggested.")],
    comment: CommentOption = "",
    until: TermOption = "",
    narrower: Annotated[
        str, typer.Option("--instead", help="For reduce: the group or role that takes its place.")
    ] = "",
    delegate_to: Annotated[str, typer.Option("--to", help="With `delegate` as the answer: whose address.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Answer one item on the machine; `delegate` with --to lets somebody else answer it."""
    setup()
    from ostiary.reviews.facade import Answer, answer_item, confirm_suggested, delegate_item, get_item

    if answer == "delegate":
        delegate_item(item_id=item, to=delegate_to, comment=comment, actor=operator_actor())
    elif answer == "as-suggested":
        if not confirm_suggested(item_ids=(item,), actor=operator_actor()):
            raise UnknownWord(
                "Nothing is suggested for this item, or it is answered.", hint="Look: ostiary review show"
            )
    elif answer in {one.value for one in Answer}:
        answer_item(
            item_id=item,
            answer=Answer(answer),
            comment=comment,
            until=until_when(until),
            narrower=narrower,
            actor=operator_actor(),
        )
    else:
        raise UnknownWord(f"{answer!r} is no answer.", hint="Say keep, reduce, remove, as-suggested or delegate.")
    if as_json:
        print_json(get_item(item))
        return
    print_done(f"{item} is noted; what is to be removed is carried out at once and read back.")


@app.command(
    "remind", epilog=examples("ostiary review remind c_0123456789", "ostiary review remind c_0123456789 --json")
)
def remind_(review: ReviewArgument, as_json: JsonOption = False) -> None:
    """Remind everybody who still has something to answer, now."""
    setup()
    from ostiary.reviews.facade import remind

    told = remind(campaign_id=review, actor=operator_actor())
    if as_json:
        print_json({"reminded": told})
        return
    print_done(f"Reminded: {told}.")


@app.command(
    epilog=examples(
        "ostiary review close c_0123456789 -c 'Access is appropriate'",
        "ostiary review close c_0123456789 --leave-open --yes -c 'Appropriate, but for what is open'",
    )
)
def close(
    review: ReviewArgument,
    comment: Annotated[
        str, typer.Option("--comment", "-c", help="What you acknowledge; it stands in the report.")
    ] = "",
    leave_open: Annotated[
        bool,
        typer.Option(
            "--leave-open", help="Close it although something is open; what was answered is done all the same."
        ),
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Close a review and sign its report. Whoever closes it acknowledges what the report says."""
    setup()
    from ostiary.reviews.facade import close_campaign, get_campaign

    campaign = get_campaign(review)
    confirm(f"{campaign.name} is closed for good, and you acknowledge its report.", yes=yes)
    digest = close_campaign(campaign_id=review, actor=operator_actor(), statement=comment, leave_open=leave_open)
    if as_json:
        print_json({"report_sha256": digest})
        return
    print_done(f"{campaign.name} is closed. Its report has the SHA-256 {digest}.")
