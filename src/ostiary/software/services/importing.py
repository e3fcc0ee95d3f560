"""Takes advisories in: everything is read once to see whether it can be, and only then anything is changed.

What is written is written in small parts, so that nobody waits for it, and the same files may be taken again at any time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from django.db import transaction
from django.db.models import Q

from ostiary.errors import OstiaryError
from ostiary.software.domain.coverage import Coverage
from ostiary.software.domain.osv import (
    Advisory,
    UnreadableAdvisory,
    content_digest,
    ecosystems_of,
    read_advisory,
)
from ostiary.software.domain.signed import signed_forms
from ostiary.software.domain.stored import pack_affected
from ostiary.software.journal import record_import
from ostiary.software.models import AffectedPackage, Feed, StoredAdvisory, StoredPackage
from ostiary.software.services.knowledge import learn
from ostiary.software.services.reading import UnreadableSource, is_archive, read_entries
from ostiary.visibility.facade import Actor

BATCH: Final = 200
_MOST_NAMES: Final = 200
AHEAD_SECONDS: Final = 24 * 3600.0

Step = Callable[[], None]


class UnusableMoment(OstiaryError):
    """Advisories cannot be from then."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did.

    Args:
        entries: how many were read.
        added: new here.
        changed: newer than what was here.
        same: known already.
        older: left out, because what is here is newer.
        passed_over: about ecosystems that cannot be matched.
        withdrawn: of those that were read, how many do not hold any more.
        ecosystems: what the entries are about.
        whole: those of which they hold everything.
        as_of: since when nothing newer is known of them, seconds since the epoch; `None` where that was not said.
    """

    entries: int = 0
    added: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    passed_over: int = 0
    withdrawn: int = 0
    ecosystems: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    as_of: float | None = None


def import_advisories(
    paths: Sequence[Path],
    *,
    actor: Actor,
    now: float,
    as_of: float | None = None,
    reason: str = "",
    step: Step = lambda: None,
) -> Imported:
    """Take advisories in, all or none.

    Args:
        paths: files, folders or archives.
        actor: who says so.
        now: seconds since the epoch.
        as_of: the files hold everything that was known of their ecosystems then; without it, archives do, as of their newest
            entry, and anything else is single advisories.
        reason: why, for the record.
        step: is called for each entry, twice.

    Raises:
        UnreadableSource: naming the file and the entry that cannot be read; nothing was changed.
        UnusableMoment: when `as_of` is not past.
        RecordUnavailable: when it cannot be put on record.
    """
    if as_of is not None and not 0 < as_of <= now + AHEAD_SECONDS:
        raise UnusableMoment("That moment is not past.", hint="Say when the files were fetched: --as-of 2026-11-20")
    looked = _Looked(now=now, as_of=as_of)
    for path in paths:
        looked.look_through(path, _read(path, step))
    done = _Done()
    for path in paths:
        for part in _parts(_read(path, step)):
            with transaction.atomic():
                done.add(_write(part))
    result = done.result(looked)
    with transaction.atomic():
        _note_feeds(looked, paths, now)
        learn()  # also where nothing changed now: an import that was cut off may have changed something, and nobody counted that
        record_import(result, sources=[one.name for one in paths], actor=actor, reason=reason)
    return result


class _Looked:
    """What was seen on the first look."""

    def __init__(self, *, now: float, as_of: float | None) -> None:
        self.now, self.said = now, as_of
        self.entries = self.withdrawn = 0
        self.ecosystems: set[str] = set()
        self.whole: dict[str, float] = {}

    def look_through(self, path: Path, advisories: Iterable[Advisory]) -> None:
        coverage, newest = Coverage(), 0.0
        for advisory in advisories:
            self.entries += 1
            self.withdrawn += advisory.withdrawn is not None
            coverage.see(ecosystems_of(advisory))
            newest = max(newest, advisory.modified)
        self.ecosystems |= coverage.seen
        whole: Iterable[str] = coverage.whole() if is_archive(path) else ()
        at = min(newest, self.now)
        if self.said is not None:
            whole, at = coverage.whole() or coverage.seen, min(self.said, self.now)
        for ecosystem in whole:
            self.whole[ecosystem] = max(self.whole.get(ecosystem, 0.0), at)


class _Done:
    """What was done so far."""

    def __init__(self) -> None:
        self.added = self.changed = self.same = self.older = self.passed_over = 0

    def add(self, more: tuple[int, int, int, int, int]) -> None:
        self.added, self.changed, self.same, self.older, self.passed_over = (
            before + one
            for before, one in zip(
                (self.added, self.changed, self.same, self.older, self.passed_over), more, strict=True
            )
        )

    def result(self, looked: _Looked) -> Imported:
        return Imported(
            entries=looked.entries,
            added=self.added,
            changed=self.changed,
            same=self.same,
            older=self.older,
            passed_over=self.passed_over,
            withdrawn=looked.withdrawn,
            ecosystems=tuple(sorted(looked.ecosystems)),
            whole=tuple(sorted(looked.whole)),
            as_of=max(looked.whole.values(), default=None),
        )


def _read(path: Path, step: Step) -> Iterator[Advisory]:
    for where, content in read_entries(path):
        try:
            yield read_advisory(content)
        except UnreadableAdvisory as error:
            raise UnreadableSource(where, error.message) from None
        step()


def _parts(advisories: Iterator[Advisory]) -> Iterator[list[Advisory]]:
    while part := list(islice(advisories, BATCH)):
        yield part


def _write(part: list[Advisory]) -> tuple[int, int, int, int, int]:
    """Keep a part; return how many were added, changed, the same, older, and passed over."""
    known = {row.uid: row for row in StoredAdvisory.objects.filter(uid__in=[one.id for one in part])}
    added, changed, same, older, passed_over = 0, 0, 0, 0, 0
    fresh: dict[str, Advisory] = {}
    for advisory in part:
        row, before = known.get(advisory.id), fresh.get(advisory.id)
        if before is not None and before.modified >= advisory.modified:
            older += 1
        elif row is None and not advisory.affected:
            passed_over += 1
        elif row is not None and row.digest == content_digest(advisory):
            same += 1
        elif row is not None and row.modified.timestamp() > advisory.modified:
            older += 1
        else:
            fresh[advisory.id] = advisory
    replaced = [row.pk for uid, row in known.items() if uid in fresh]
    before_them = AffectedPackage.objects.filter(advisory_id__in=replaced)
    names = {(one.ecosystem, one.name) for advisory in fresh.values() for one in advisory.affected}
    names |= set(before_them.values_list("ecosystem", "name"))
    before_them.delete()
    StoredAdvisory.objects.bulk_create(
        [_row(one) for one in fresh.values()],
        update_conflicts=True,
        unique_fields=["uid"],
        update_fields=["digest", "key", "aliases", "modified", "withdrawn", "severity", "score", "summary", "url"],
    )
    rows = {row.uid: row.pk for row in StoredAdvisory.objects.filter(uid__in=list(fresh)).only("uid")}
    AffectedPackage.objects.bulk_create(
        AffectedPackage(advisory_id=rows[uid], ecosystem=one.ecosystem, name=one.name, content=pack_affected(one))
        for uid, advisory in fresh.items()
        for one in advisory.affected
    )
    _make_stale(names)
    added = sum(uid not in known for uid in fresh)
    changed = len(fresh) - added
    return added, changed, same, older, passed_over


def _make_stale(names: Iterable[tuple[str, str]]) -> None:
    by_ecosystem: dict[str, list[str]] = {}
    for ecosystem, name in names:
        by_ecosystem.setdefault(ecosystem, []).append(name)
    for ecosystem, several in by_ecosystem.items():
        for at in range(0, len(several), _MOST_NAMES):
            some = several[at : at + _MOST_NAMES]
            signed = [form for one in some for form in signed_forms(ecosystem, one)]
            about = Q(name__in=some) | Q(source__in=[*some, *signed])
            StoredPackage.objects.filter(about, ecosystem=ecosystem, stale=False).update(stale=True)


def _row(advisory: Advisory) -> StoredAdvisory:
    return StoredAdvisory(
        uid=advisory.id,
        digest=content_digest(advisory),
        key=advisory.key,
        aliases=list(advisory.aliases),
        modified=datetime.fromtimestamp(advisory.modified, UTC),
        withdrawn=datetime.fromtimestamp(advisory.withdrawn, UTC) if advisory.withdrawn is not None else None,
        severity=int(advisory.severity),
        score=advisory.score,
        summary=advisory.summary,
        url=advisory.url,
    )


def _note_feeds(looked: _Looked, paths: Sequence[Path], now: float) -> None:
    """An older archive does not make what is known older, and single advisories do not make it newer."""
    moment, source = datetime.fromtimestamp(now, UTC), ", ".join(one.name for one in paths)[:200]
    known = Feed.objects.in_bulk()
    for ecosystem in looked.ecosystems:
        before, at = known.get(ecosystem), looked.whole.get(ecosystem)
        as_of = datetime.fromtimestamp(at, UTC) if at is not None else None
        if before is not None and before.as_of is not None and (as_of is None or as_of < before.as_of):
            as_of = before.as_of
        Feed.objects.update_or_create(
            ecosystem=ecosystem, defaults={"as_of": as_of, "imported_at": moment, "source": source}
        )
