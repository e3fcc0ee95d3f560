"""`ostiary review`: access reviews are started, listed, shown, answered, reminded of, closed, reported and verified."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import TermOption, day_and_time, until_when
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    YesOption,
    confirm,
    examples,
    print_done,
    print_error,
    print_json,
    print_note,
    print_table,
    print_text,
    progress,
)
from ostiary.config.loader import find_home, load_instance
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.reviews.facade import Campaign, Item, Report

app = typer.Typer(help="Access reviews, their signed reports, and the register of access rights.", no_args_is_help=True)

ReviewArgument = Annotated[str, typer.Argument(metavar="REVIEW", help="Its identifier: see `ostiary review list`.")]
ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="Its identifier: see `ostiary review show`.")]
CommentOption = Annotated[str, typer.Option("--comment", "-c", help="Why, for the record.")]


class UnknownWord(OstiaryError):
    """A word on the command line is none of those that are known."""


class NotWritten(OstiaryError):
    """A file cannot be written."""


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
                f"{one.kind} {one.name}",
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
        "ostiary review close c_0123456789 --leave-open --yes",
    )
)
def close(
    review: ReviewArgument,
    comment: CommentOption = "",
    leave_open: Annotated[
        bool, typer.Option("--leave-open", help="Close it although something is still to be done.")
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


@app.command(
    epilog=examples(
        "ostiary review report c_0123456789 --signed review.jws.json --pdf review.pdf",
        "ostiary review report c_0123456789 --json",
    )
)
def report(
    review: ReviewArgument,
    signed: Annotated[
        Path | None, typer.Option(help="Write the signed report to this file.", show_default=False)
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write it as PDF to this file.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a review's report: signed once it is closed for good, otherwise as things stand now."""
    setup()
    from ostiary.reviews.facade import Report, digest_of, write_report

    payload, file = write_report(review)
    found = msgspec.json.decode(payload, type=Report)
    if signed is not None:
        _write(signed, file)
    if pdf is not None:
        from ostiary.reviews.pdf import draw_report

        _write(pdf, draw_report(found, digest_of(payload)))
    if as_json:
        print_json(found)
    else:
        print_done(f"The report has the SHA-256 {digest_of(payload)}.")
        if signed is None and pdf is None:
            print_note("Say --signed FILE, --pdf FILE or --json to have it.")


@app.command(
    epilog=examples(
        "ostiary review verify review.jws.json --pdf review.pdf",
        "ostiary review verify review.jws.json --key public.pem --json",
    )
)
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The signed report.")],
    pdf: Annotated[Path | None, typer.Option(help="A PDF that must show the same report.", show_default=False)] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="The public key (PEM) to check with; this instance's own when left out.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a signed report. Exits with 5 when it was changed, another key signed it, or the PDF shows another one."""
    from ostiary.reviews.domain.report import NotSigned, digest_of, key_name, read_signed
    from ostiary.reviews.signing import read_public_key, signing_key

    public = read_public_key(key) if key is not None else signing_key(load_instance(find_home())).public_key()
    try:
        found, payload = read_signed(_read(file), public)
        digest = digest_of(payload)
        if pdf is not None and f"SHA-256 {digest}" not in _subject_of(_read(pdf)):
            raise NotSigned(f"{pdf} shows another report.", hint=f"Its digest should be {digest}.")
    except NotSigned as error:
        print_error(error)
        raise typer.Exit(ExitCode.FINDINGS) from None
    if as_json:
        print_json({"good": True, "report_sha256": digest, "key": key_name(public), "report": found})
        return
    _print_verified(found, digest, key_name(public))


def _print_verified(found: "Report", digest: str, key: str) -> None:
    standing = "the final report" if found.final else "an interim report, made while the review went on"
    print_done(f"Good: {standing} of {found.campaign.name}, {len(found.items)} items, signed by the key {key}.")
    print_text(f"SHA-256 {digest}")


@app.command(epilog=examples("ostiary review register --csv > rights.csv", "ostiary review register --json"))
def register(
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the register of access rights: who holds what, since and until when, by whom, why, and what it opens by which rule."""
    setup()
    from ostiary.reviews.facade import list_rights

    rights = list(list_rights())
    if as_json:
        print_json(rights)
        return
    rows = [
        (
            one.email,
            one.name,
            "yes" if one.active else "no",
            one.kind,
            one.right,
            one.via,
            day_and_time(one.since),
            day_and_time(one.until),
            one.granted_by,
            one.why,
            one.app,
            " ".join(one.actions),
            " ".join(one.rules),
        )
        for one in rights
    ]
    headings = (
        "Address",
        "Name",
        "Can sign in",
        "Kind",
        "Right",
        "Via",
        "Since",
        "Until",
        "By",
        "Why",
        "App",
        "Do",
        "Rules",
    )
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(headings)
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
        return
    print_table(headings, rows, empty="Nobody holds anything.")


def _harmless(cell: str | None) -> str:
    """Return a cell that a spreadsheet shows instead of computing."""
    text = cell or ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _subject_of(content: bytes) -> str:
    """Return what the PDF says of itself, as far as it stands there plainly."""
    return content.decode("latin-1")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotWritten(f"{path} cannot be read ({error.strerror}).") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written ({error.strerror}).") from None
