"""Do the rules in force stand for what is meant: a trial, a change that waits, a repository that cannot be used. Needs Django."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ostiary.config.schema import Rules

if TYPE_CHECKING:
    from ostiary.rulebook.facade import Followed, Hold, Proposal


class RulesProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong in followed rules. `line` and `column` are from 1; 0 for what has no place in the text."""

    line: int
    column: int
    words: str


class RulesStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How the rules stand.

    Args:
        number: of those in force; 0 for none, or where that cannot be read.
        follows: the repository that they come from; empty when they are made here.
        commit: the newest that was seen there.
        author: who wrote it, as it says.
        invalid: why its rules cannot be used; empty when they can.
        unreadable: why the repository could not be read the last time; empty when it could.
        problems: what needs somebody, as sentences.
    """

    number: int = 0
    follows: str = ""
    commit: str = ""
    author: str = ""
    invalid: tuple[RulesProblem, ...] = ()
    unreadable: str = ""
    problems: tuple[str, ...] = ()


def read_rules_standing(configuration: Rules) -> RulesStanding:
    """Return how the rules stand; nothing of it while the database does not answer, which is a finding of its own.

    Args:
        configuration: `[rules]` of the instance.
    """
    from django.db.utils import DatabaseError  # noqa: PLC0415 - an unreachable database is a finding

    from ostiary.rulebook.facade import get_current, get_followed, get_hold, list_proposals  # noqa: PLC0415

    try:
        number, hold, waiting, followed = get_current().number, get_hold(), list_proposals(), get_followed()
    except DatabaseError:
        return RulesStanding()
    problems = (*_trial(hold), *_waiting(waiting), *_invalid(followed, configuration.follow_file))
    if followed is None:
        return RulesStanding(number=number, problems=problems)
    return RulesStanding(
        number=number,
        follows=followed.repository,
        commit=followed.commit,
        author=followed.author,
        invalid=tuple(RulesProblem(line=one.line, column=one.column, words=str(one)) for one in followed.problems),
        unreadable=followed.unreadable,
        problems=problems,
    )


def _trial(hold: "Hold | None") -> Iterator[str]:
    if hold is not None:
        yield (
            f"Rules number {hold.number} are on trial, and roll back at {_time(hold.until)} unless they are confirmed. "
            "Run: ostiary rules confirm, or roll-back"
        )


def _waiting(proposals: "tuple[Proposal, ...]") -> Iterator[str]:
    for one in proposals:
        if one.origin:
            yield f"The rules of commit {one.origin[:12]} wait: {one.waits_for}. Run: ostiary rules approve {one.id}"
        else:
            yield (
                f"The change of the rules that {one.actor} proposed waits for another administrator until "
                f"{_time(one.expires_at)}. Run: ostiary rules approve {one.id}"
            )


def _invalid(followed: "Followed | None", file: str) -> Iterator[str]:
    if followed is not None and followed.problems:
        yield (
            f"The rules of commit {followed.commit[:12]} ({followed.author}: {followed.subject}) cannot be used: "
            f"{followed.first_problem}. Rules number {followed.in_force} stay in force. Mend {file} and push it."
        )


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
