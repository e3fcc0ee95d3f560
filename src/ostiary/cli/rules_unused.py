"""`ostiary rules unused`: what the rules allow and nobody used, and the document without it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
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
from ostiary.cli.rules import app
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.policy.replay_report import ReplayReport
    from ostiary.rulebook.facade import UnusedPermissions

USUAL_DAYS: Final = 90
_DAY_SECONDS: Final = 86_400.0


class NotWritten(OstiaryError):
    """The document cannot be written where it should be."""


@app.command(epilog=examples("ostiary rules unused", "ostiary rules unused --days 30 --write narrower.yaml"))
def unused(
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How far back to look.")] = USUAL_DAYS,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the rules without it to this file.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the rules in force allow and nobody used, and what they would be without it. Changes nothing.

    What comes out is replayed on the same time at once. Exits with 0 when all was used, with 5 when something was not.
    """
    setup()
    from ostiary.gateway.known_names import known_names
    from ostiary.rulebook.facade import find_unused, get_current, replay_candidate

    until = time.time()
    since = until - days * _DAY_SECONDS
    replayed: ReplayReport | None = None
    with progress("Looking at what was used"):
        found = find_unused(since=since, until=until)
        if found.document:
            replayed = replay_candidate(
                found.document, get_current().cedar, since=since, until=until, known=known_names()
            )
    if write is not None and found.document:
        _write(write, found.document)
    if as_json:
        print_json({"unused": found, "replay": replayed})
    else:
        _print(found, replayed)
        if write is not None and found.document:
            print_done(f"{write} holds the rules without it. Next: ostiary rules replay {write}")
    if found.rules:
        raise typer.Exit(ExitCode.FINDINGS)


def _print(found: "UnusedPermissions", replayed: "ReplayReport | None") -> None:
    if not found.first_at:
        print_note("No request of that time is kept, so nothing can be said. See record.replay_days in ostiary.toml.")
        return
    print_text(f"What passed since {day_and_time(found.first_at)} was looked at.")
    if found.young:
        print_note(f"Left alone, as they did not stand like this all the time: {', '.join(found.young)}.")
    print_table(
        ("Rule", "Who", "To", "Do", "Can be taken out"),
        _rows(found),
        empty="Everything that the other rules allow was used.",
    )
    if replayed is not None:
        lost = "nobody would have lost anything" if not replayed.loses else "somebody would have lost something"
        print_text(f"Without it, {lost}: {replayed.requests:,} requests were replayed.")
    elif found.rules:
        print_note("Nothing can be taken out as the rules are cut; divide them by group or app first.")


def _rows(found: "UnusedPermissions") -> Iterator[tuple[str, str, str, str, str]]:
    from ostiary.policy.unused import target_text, who_text

    for use in found.rules:
        kept = use.used
        whom = {who_text(one) for one in kept.who} if kept else set()
        where = {target_text(one) for one in kept.to} if kept else set()
        done = {one.value for one in kept.do} if kept and kept.do is not None else set()
        for who, target, action in use.unused:
            stays = kept is not None and who in whom and target in where and (kept.do is None or action in done)
            yield str(use.rule.name), who, target, action, "no" if stays else "yes"


def _write(path: Path, document: str) -> None:
    try:
        path.write_text(document, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"{path} cannot be written ({error.strerror}).") from None
