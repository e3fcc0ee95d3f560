"""`ostiary request`: requests for access are listed, shown, answered, withdrawn and ended."""

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_table,
)
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.requests.facade import Review

app = typer.Typer(help="Requests for access, and access that ends by itself.", no_args_is_help=True)

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="Its identifier: see `ostiary request list`.")]
CommentOption = Annotated[str, typer.Option("--comment", "-c", help="What whoever asked is told.")]
PageOption = Annotated[int, typer.Option(min=1, help="Which page.")]


class UnknownState(OstiaryError):
    """No request can stand so."""


@app.command("list", epilog=examples("ostiary request list --state waiting", "ostiary request list ada --json"))
def list_(
    text: Annotated[str, typer.Argument(help="Words in person, group, app or reason.")] = "",
    state: Annotated[str, typer.Option(help="waiting, granted, refused, withdrawn, lapsed, returned or over.")] = "",
    kind: Annotated[str, typer.Option(help="access, emergency or administrator.")] = "",
    page: PageOption = 1,
    as_json: JsonOption = False,
) -> None:
    """List requests, the newest first; those in force are `granted`."""
    setup()
    from ostiary.requests.facade import Kind, State, list_requests

    if state and state not in {one.value for one in State}:
        raise UnknownState(f"No request is {state!r}.", hint=f"Say one of: {', '.join(one.value for one in State)}.")
    if kind and kind not in {one.value for one in Kind}:
        raise UnknownState(
            f"No request is of kind {kind!r}.", hint=f"Say one of: {', '.join(one.value for one in Kind)}."
        )
    found = list_requests(
        text=text, state=State(state) if state else None, kind=Kind(kind) if kind else None, page=page
    )
    if as_json:
        print_json(found.items)
        return
    print_table(
        ("Request", "Who", "Group", "App", "State", "Asked", "Ends", "Answered by"),
        (
            (
                one.id,
                one.email,
                one.group,
                one.app,
                one.state.value,
                day_and_time(one.asked_at),
                day_and_time(one.ends_at),
                one.decided_by or None,
            )
            for one in found.items
        ),
        empty="No request matches. People ask in the portal, or on the page that refuses them.",
    )


@app.command(epilog=examples("ostiary request show r_0123", "ostiary request show r_0123 --json"))
def show(request: RequestArgument, as_json: JsonOption = False) -> None:
    """Show one request and what became of it."""
    setup()
    from ostiary.requests.facade import get_request, get_review

    one = get_request(request)
    if as_json:
        print_json(one)
        return
    facts = (
        ("Request", one.id),
        ("Who", one.email),
        ("Group", one.group),
        ("App", one.app),
        ("Why", one.reason),
        ("Hours", f"{one.seconds / 3600:g}"),
        ("State", one.state.value),
        ("Asked", day_and_time(one.asked_at)),
        ("Lapses", day_and_time(one.deadline_at) if one.decided_at is None else None),
        ("Kind", one.kind.value),
        ("Review", _review(get_review(one.id))),
        ("Agree so far", f"{len(one.agreed)} of {one.needed}" if one.needed > 1 else None),
        ("Answered by", one.decided_by or None),
        ("Comment", one.comment or None),
        ("Ends", day_and_time(one.ends_at)),
    )
    print_table(("What", "Value"), facts, empty="")


@app.command(
    "approve", epilog=examples("ostiary request approve r_0123", "ostiary request approve r_0123 -c 'Until Friday'")
)
def approve_(request: RequestArgument, comment: CommentOption = "") -> None:
    """Grant what was asked for, from now on."""
    setup()
    from ostiary.requests.facade import approve

    one = approve(request_id=request, comment=comment, actor=operator_actor())
    print_done(f"{one.email} is in {one.group} until {day_and_time(one.ends_at)}.")


@app.command(
    "refuse", epilog=examples("ostiary request refuse r_0123", "ostiary request refuse r_0123 -c 'Ask Bo first'")
)
def refuse_(request: RequestArgument, comment: CommentOption = "") -> None:
    """Refuse what was asked for."""
    setup()
    from ostiary.requests.facade import refuse

    one = refuse(request_id=request, comment=comment, actor=operator_actor())
    print_done(f"The request of {one.email} for {one.group} is refused.")


@app.command("withdraw", epilog=examples("ostiary request withdraw r_0123", "ostiary request withdraw r_0123 --json"))
def withdraw_(request: RequestArgument, as_json: JsonOption = False) -> None:
    """Take back a request that waits, for whoever asked."""
    setup()
    from ostiary.requests.facade import get_request, withdraw

    withdraw(request_id=request, actor=operator_actor())
    if as_json:
        print_json(get_request(request))
        return
    print_done(f"{request} is withdrawn.")


@app.command("hand-back", epilog=examples("ostiary request hand-back r_0123", "ostiary request hand-back r_0123 --yes"))
def hand_back_(request: RequestArgument, reason: ReasonOption = "", yes: YesOption = False) -> None:
    """End access that is in force before its time."""
    setup()
    from ostiary.requests.facade import get_request, hand_back

    one = get_request(request)
    confirm(f"{one.email} loses {one.group} now, and open connections end.", yes=yes)
    hand_back(request_id=one.id, reason=reason, actor=operator_actor())
    print_done(f"{one.email} is no longer in {one.group} by this request.")


@app.command(
    epilog=examples("ostiary request approvers", "ostiary request approvers archive --by finance --needed 2"),
)
def approvers(
    group: Annotated[str, typer.Argument(help="What is asked for; empty lists every group with such a rule.")] = "",
    by: Annotated[str, typer.Option(help="The group whose members answer.")] = "",
    needed: Annotated[int, typer.Option(help="How many of them have to agree.")] = 2,
    owner: Annotated[bool, typer.Option("--owner", help="Leave it to the group's owner again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say who answers requests for a group: any so many members of another group, or its owner."""
    setup()
    from ostiary.policy.identifiers import GroupId
    from ostiary.requests.facade import list_approval_rules, set_approval_rule

    if group and (by or owner):
        named = None if owner else GroupId(by)
        set_approval_rule(group_id=GroupId(group), by=named, needed=needed, actor=operator_actor())
        said = f"any {needed} of {by}" if named else "its owner, else the manager, else administrators"
        print_done(f"Requests for {group} are answered by {said}.")
    found = [one for one in list_approval_rules() if group in {"", one.group}]
    if as_json:
        print_json(found)
    elif not (by or owner):
        rows = ((one.group, one.by, one.needed) for one in found)
        print_table(("Group", "Answered by", "Have to agree"), rows, empty="Owners of groups answer, else managers.")


@app.command(epilog=examples("ostiary request reviews", "ostiary request reviews --all --json"))
def reviews(
    every: Annotated[bool, typer.Option("--all", help="Those that were answered as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List uses of emergency access that somebody has to review, what is due first at the top."""
    setup()
    from ostiary.requests.facade import list_reviews

    found = list_reviews(owed=not every)
    if as_json:
        print_json(found)
        return
    print_table(
        ("Request", "Who", "Group", "Used", "Why", "Review"),
        (
            (
                one.request.id,
                one.request.email,
                one.request.group,
                day_and_time(one.request.asked_at),
                one.request.reason,
                _review(one),
            )
            for one in found
        ),
        empty="No use of emergency access waits for a review.",
    )


@app.command(
    epilog=examples(
        "ostiary request review r_0123 --justified --words 'The press stood still'",
        "ostiary request review r_0123 --not-justified --words 'Could have waited'",
    )
)
def review(
    request: RequestArgument,
    justified: Annotated[bool, typer.Option("--justified/--not-justified", help="Whether it was right.")],
    words: Annotated[str, typer.Option(help="Why; it stands on the record.")],
    as_json: JsonOption = False,
) -> None:
    """Say whether a use of emergency access was right. If not, what is still in force ends now."""
    setup()
    from ostiary.requests.facade import answer_review

    one = answer_review(request_id=request, justified=justified, words=words, actor=operator_actor())
    if as_json:
        print_json(one)
        return
    print_done(f"The emergency access of {one.request.email} is reviewed: {_review(one)}.")


def _review(review: "Review | None") -> str | None:
    if review is None:
        return None
    if review.answered_at is None:
        return f"owed before {day_and_time(review.due_at)}"
    said = "justified" if review.justified else "not justified"
    return f"{said}, by {review.answered_by}: {review.words}"
