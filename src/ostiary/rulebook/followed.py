"""What was last seen in the repository that the rules come from, for people. Fetching it and acting on it is in `following`."""

import hashlib
from datetime import UTC, datetime
from typing import Final

import msgspec
from django.conf import settings

from ostiary.config.schema import Rules
from ostiary.policy.rules.problems import Problem
from ostiary.rulebook.adapters.git_repository import Revision
from ostiary.rulebook.lifecycle import Followed
from ostiary.rulebook.models import FollowedRow
from ostiary.rulebook.queries import get_current

_SEEN: Final = ("commit", "author", "subject", "seen_at", "problems", "unreadable", "unreadable_since")


def get_followed() -> Followed | None:
    """Return what was last seen in the repository; `None` when the rules are made here."""
    rules: Rules = settings.INSTANCE.configuration.rules
    if not rules.follow:
        return None
    found = FollowedRow.objects.filter(pk=_source(rules)).first()
    return _to_followed(found or FollowedRow(source=_source(rules)), rules.follow)


def note_seen(revision: Revision, problems: tuple[Problem, ...], *, now: float) -> bool:
    """Keep what the newest commit is, and why its rules cannot be used; return whether that is news.

    Args:
        revision: the commit.
        problems: what is wrong with its rules, if anything.
        now: seconds since the epoch.
    """
    row = _row()
    written = msgspec.to_builtins(problems)
    if (row.commit, row.problems, row.unreadable) == (revision.commit, written, ""):
        return False
    if row.commit != revision.commit:
        row.seen_at = datetime.fromtimestamp(now, UTC)
    row.commit, row.author, row.subject = revision.commit, revision.author, revision.subject
    row.problems, row.unreadable, row.unreadable_since = written, "", None
    row.save(update_fields=_SEEN)
    return True


def note_unreadable(why: str, *, now: float) -> None:
    """Keep why the repository cannot be read, and since when.

    Args:
        why: in words.
        now: seconds since the epoch.
    """
    row = _row()
    if row.unreadable != why[:500]:
        row.unreadable_since = row.unreadable_since or datetime.fromtimestamp(now, UTC)
        row.unreadable = why[:500]
        row.save(update_fields=_SEEN)


def _row() -> FollowedRow:
    return FollowedRow.objects.get_or_create(source=_source(settings.INSTANCE.configuration.rules))[0]


def _source(rules: Rules) -> str:
    """Return the name under which a place is kept: another address, branch or file was not looked at yet."""
    place = "\0".join((rules.follow, rules.follow_branch, rules.follow_file))
    return hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()


def _to_followed(row: FollowedRow, repository: str) -> Followed:
    return Followed(
        repository=repository,
        commit=row.commit,
        author=row.author,
        subject=row.subject,
        seen_at=row.seen_at.timestamp() if row.seen_at else 0.0,
        problems=msgspec.convert(row.problems, tuple[Problem, ...]),
        unreadable=row.unreadable,
        unreadable_since=row.unreadable_since.timestamp() if row.unreadable_since else 0.0,
        in_force=get_current().number,
    )
