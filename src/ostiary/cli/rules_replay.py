"""`ostiary rules replay`: what other rules would have done to what really happened."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import SinceOption, UntilOption, day_and_time, moment_of
from ostiary.cli.output import (
    ExitCode,
    JsonOption,
    Refused,
    Step,
    examples,
    print_done,
    print_json,
    print_note,
    print_table,
    print_text,
    progress,
)
from ostiary.cli.rules import CedarOption, FileArgument, app, read_texts
from ostiary.errors import OstiaryError
from ostiary.policy.replay_report import Change, Effect, ReplayReport, Unreplayed

if TYPE_CHECKING:
    from ostiary.policy.identifiers import PersonId

MAX_ROWS: Final = 30
_PARTS: Final = 1000
_HEADINGS: Final = {
    Effect.LOSES: "Loses",
    Effect.GAINS: "Gains",
    Effect.TERMS: "Still allowed, on other terms",
    Effect.LOST_ALREADY: "Passed then, refused by the rules in force now; no effect of these rules",
    Effect.GAINED_ALREADY: "Refused then, allowed by the rules in force now; no effect of these rules",
}
_UNREPLAYED: Final = {
    Unreplayed.NO_INPUTS: "were turned away before anybody was asked (no sign-in, no app)",
    Unreplayed.NOT_BY_RULES: "were refused for another reason than the rules",
    Unreplayed.EMERGENCY: "were made with an emergency sign-in, which no rule decides",
    Unreplayed.NO_GRANT: "passed on a grant whose decision is not on record",
    Unreplayed.APP_GONE: "went to apps that do not exist any more",
}


class Untried(msgspec.Struct, frozen=True):
    """Rules could not be tried on what happened; why not, in a sentence or two."""

    untried: str


@app.command(
    epilog=examples(
        "ostiary rules replay rules.yaml",
        "ostiary rules replay rules.yaml --since 7d --person anna@example.com",
        "ostiary rules replay rules.yaml --since 2026-11-01 --until 2026-11-15 --json",
    )
)
def replay(
    file: FileArgument,
    since: SinceOption = "30d",
    until: UntilOption = "",
    cedar: CedarOption = None,
    person: Annotated[
        list[str] | None, typer.Option("--person", help="Only this person: address or id; repeatable.")
    ] = None,
    in_app: Annotated[list[str] | None, typer.Option("--app", help="Only this app; repeatable.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many rows of each table.")] = MAX_ROWS,
    as_json: JsonOption = False,
) -> None:
    """Say who would have gained and who would have lost, had these rules been in force. Changes nothing.

    Every request that is on record is decided again on the facts as they were then, by these rules and by those in force.
    Where both allow it and something else comes with the permission (`require`), that is said as well.
    Exits with 0 when nobody loses anything, with 5 when somebody does.
    """
    setup()
    from ostiary.applications.facade import get_app
    from ostiary.rulebook.facade import get_current

    document, beside = read_texts(file, cedar)
    now = datetime.now(UTC)
    since_then, until_then = moment_of(since, now), moment_of(until, now) if until else now.timestamp()
    if since_then >= until_then:
        raise Refused(
            "The time to look at ends before it begins.", hint="The earlier moment is --since: --since 30d --until 7d"
        )
    for one in in_app or []:
        get_app(one)
    report = _replayed(document, beside, since=since_then, until=until_then)
    report = report.narrowed(subjects=_subjects(person or []), apps=in_app or [])
    names = names_in(report)
    if as_json:
        print_json({"loses": report.loses, "report": report, "names": names})
    else:
        current = get_current()
        in_force = f"number {current.number}, version {current.version}" if current.number else "none"
        print_report(report, names, in_force=in_force, limit=limit)
    if report.loses:
        raise typer.Exit(ExitCode.FINDINGS)


def replay_days(document: str, cedar: str, *, days: int) -> ReplayReport | Untried:
    """Return what rules would have done to the requests of the last days, saying how far it is.

    That past requests cannot be read keeps nobody from changing rules.

    Args:
        document: the rules, valid.
        cedar: the Cedar text beside them.
        days: how far back.
    """
    now = time.time()
    try:
        return _replayed(document, cedar, since=now - days * 86_400, until=now)
    except OstiaryError as error:
        return Untried(untried=str(error))
    except OSError as error:
        return Untried(untried=f"{error.filename or 'What is kept'} cannot be read ({error.strerror}).")


def _replayed(document: str, cedar: str, *, since: float, until: float) -> ReplayReport:
    from ostiary.gateway.known_names import known_names
    from ostiary.rulebook.facade import replay_candidate

    with progress("Replaying", total=_PARTS) as step:
        return replay_candidate(
            document, cedar, since=since, until=until, progress=_Share(step).reached, known=known_names()
        )


def print_report(report: ReplayReport, names: dict[str, str], *, in_force: str, limit: int) -> None:
    """Print who loses, who gains, who gets other terms, and what could not be replayed.

    Args:
        report: what a replay found.
        names: of people, by id.
        in_force: which rules it was compared with, in words.
        limit: how many rows of each table.
    """
    if not report.requests:
        print_note(
            "No request of that time is kept, so nothing can be said. What decisions read is kept by the worker, for "
            "record.replay_days: see ostiary status, and ostiary.toml."
        )
    else:
        print_text("\n".join(_summary(report, in_force)))
    for effect, heading in _HEADINGS.items():
        _print_changes(heading, report.of(effect), names, limit=limit)
    for why, count in sorted(report.unreplayed.items()):
        print_note(f"{count:,} requests {_UNREPLAYED[why]}; they were not replayed.")
    if report.requests and report.missing_from is not None:
        print_note(missing_words(report.missing_from))
    if report.requests and not report.loses:
        print_done("Nobody loses anything.")
    elif report.loses:
        print_note("Open an example: ostiary audit show REFERENCE")


def missing_words(since: float) -> str:
    """Return that later requests are missing: `since` is in seconds since the epoch."""
    return (
        f"Requests from {day_and_time(since)} on are on record but not kept yet, so they are missing here. "
        "The worker catches up: see ostiary status."
    )


def names_in(report: ReplayReport) -> dict[str, str]:
    """Return the names of the people in a report who still exist."""
    from ostiary.identity.facade import names_of

    ids: set[PersonId] = {change.person for change in report.changes if change.person}  # type: ignore[misc]
    return {str(one): name for one, name in names_of(ids).items()}


def _summary(report: ReplayReport, in_force: str) -> Iterator[str]:
    span = f"{day_and_time(report.first_at)} to {day_and_time(report.last_at)}"
    yield (
        f"{report.requests:,} requests by {report.people:,} people and services, {span}, "
        f"decided again on the facts as they were then."
    )
    yield f"Compared with the rules in force ({in_force}), asked the same."
    for effect, verb in ((Effect.LOSES, "lose"), (Effect.GAINS, "gain")):
        yield f"{report.subjects(effect):,} {verb} something: {report.count(effect):,} requests."
    if report.count(Effect.TERMS):
        yield f"{report.subjects(Effect.TERMS):,} may still, on other terms: {report.count(Effect.TERMS):,} requests."


def _print_changes(heading: str, changes: tuple[Change, ...], names: dict[str, str], *, limit: int) -> None:
    if not changes:
        return
    print_text(f"\n{heading}")
    print_table(
        ("Who", "App", "Action", "Requests", "First", "Last", "Why", "Example"),
        (
            (
                names.get(change.subject, change.subject),
                change.app,
                change.action,
                f"{change.count:,}",
                day_and_time(change.first_at),
                day_and_time(change.last_at),
                _why(change),
                next((one.reference for one in change.examples if one.reference), None),
            )
            for change in changes[:limit]
        ),
        empty="",
        right=("Requests",),
    )
    if len(changes) > limit:
        print_note(f"{len(changes) - limit:,} more rows: say --limit {len(changes)}, --person or --app.")


def _why(change: Change) -> str:
    words = change.reason.words
    if not change.held:
        return words
    share = "" if change.held == change.count else f" ({change.held:,} of {change.count:,})"
    return f"{words} They can lift it themselves, at once{share}."


def _subjects(wanted: Iterable[str]) -> list[str]:
    """Return the ids of people who are named by address or id, and of services."""
    from ostiary.identity.facade import find_person

    return [str(find_person(one).id) if "@" in one else one for one in wanted]


class _Share:
    """Turns how much is done, 0 to 1, into steps of a progress line."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._done = 0.0

    def reached(self, done: float) -> None:
        self._step.advance((done - self._done) * _PARTS)
        self._done = done
