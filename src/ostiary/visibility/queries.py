"""Searches the index, and reads whole records back from the files."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.db.models import QuerySet

from ostiary.errors import OstiaryError
from ostiary.visibility.adapters.log_reader import LineGone, Place, read_at, read_several
from ostiary.visibility.domain.decision_record import DecisionRecord, message_of, parse_decision_event
from ostiary.visibility.domain.page import Page
from ostiary.visibility.domain.reference import normalise_reference
from ostiary.visibility.domain.search import DecisionQuery, DecisionRow, EventQuery, EventRow
from ostiary.visibility.indexing import index_stream
from ostiary.visibility.models import IndexedDecision, IndexedEvent, IndexedLine

Row = TypeVar("Row", bound=IndexedLine)
Item = TypeVar("Item")
MAX_PAGE_SIZE = 500
_CATCH_UP_BATCHES = 10
_DECISION_FIELDS = tuple(name for name in DecisionRow.__struct_fields__ if name != "at")
_BOTH_STREAMS = ("decisions", "requests")
_EVENT_FIELDS = tuple(name for name in EventRow.__struct_fields__ if name != "at")


class UnknownDecision(OstiaryError):
    """No decision bears that reference."""


def search_decisions(query: DecisionQuery) -> Page[DecisionRow]:
    """Return one page of decisions, newest first, and how many there are."""
    return _page(_matching(query), query.page, query.page_size, _decision_row)


def latest_decisions(query: DecisionQuery) -> tuple[DecisionRow, ...]:
    """Return the first page of decisions, newest first, without counting them all: that may take longer than finding some."""
    size = min(max(query.page_size, 1), MAX_PAGE_SIZE)
    return tuple(map(_decision_row, _newest_first(_matching(query))[:size]))


def _matching(query: DecisionQuery) -> "QuerySet[IndexedDecision]":
    rows = IndexedDecision.objects.all()
    if query.stream:
        rows = rows.filter(stream=query.stream)
    elif query.reference:
        rows = rows.filter(stream__in=_BOTH_STREAMS)  # the index of references begins with the stream
    rows = _in_span(rows, query.since, query.until)
    if query.person.strip():
        rows = _of_person(rows, query.person.strip())
    if query.reference:
        rows = rows.filter(reference=normalise_reference(query.reference))
    exact = {"app": query.app, "reason": query.reason, "outcome": query.outcome}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    return _with_text(rows, query.text)


def list_events(query: EventQuery) -> Page[EventRow]:
    """Return one page of sign-ins, administrators' actions and what happened to the log, newest first."""
    rows = _in_span(IndexedEvent.objects.all(), query.since, query.until)
    if query.kinds:
        rows = rows.filter(kind__in=query.kinds)
    if query.success is not None:
        rows = rows.filter(success=query.success)
    exact = {"actor": query.actor, "target": query.target}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    rows = _with_text(rows, query.text)
    return _page(rows, query.page, query.page_size, _event_row)


def get_decision(reference: str) -> DecisionRecord:
    """Return a decision with every input it was decided on, read from the record itself.

    Args:
        reference: as the refused person typed or read it out.

    Raises:
        UnknownDecision: when there is none.
        LineGone: when the index knows it and the record no longer holds it.
    """
    wanted = normalise_reference(reference)
    row = _find_decision(wanted)
    for _ in range(_CATCH_UP_BATCHES):
        if row is not None or not index_stream("decisions"):
            break
        row = _find_decision(wanted)
    if row is None:
        raise UnknownDecision(
            f"No decision has the reference {wanted[:64]!r}.",
            hint="A reference has ten letters and digits: 7F3K9-2QXAB.",
        )
    record = parse_decision_event(_read(row))
    if record.reference != row.reference:
        raise LineGone(
            f"The record of {wanted} is not where it was indexed.",
            hint="Check the audit log with: ostiary audit verify",
        )
    return record


def get_event(stream: str, seq: int) -> dict[str, Any]:
    """Return one whole event as plain values.

    Args:
        stream: the stream's name.
        seq: the line's number.

    Raises:
        UnknownDecision: when the index does not know the line.
        LineGone: when the record no longer holds it.
    """
    row: IndexedLine | None = (
        IndexedEvent.objects.filter(stream=stream, seq=seq).first()
        or IndexedDecision.objects.filter(stream=stream, seq=seq).first()
    )
    if row is None:
        raise UnknownDecision(f"The index has no line {seq} of the stream {stream!r}.")
    return dict(msgspec.json.decode(_read(row)))


def read_told_words(rows: Iterable[DecisionRow]) -> dict[tuple[str, int], str]:
    """Return what each person was told, by stream and line, read from the record; what it no longer holds is left out.

    Args:
        rows: as `search_decisions` returns them.
    """
    wanted: dict[str, set[int]] = {}
    for row in rows:
        wanted.setdefault(row.stream, set()).add(row.seq)
    return {
        (stream, seq): words
        for stream, numbers in wanted.items()
        for seq, words in _told_words(stream, numbers).items()
    }


def _told_words(stream: str, numbers: set[int]) -> dict[int, str]:
    indexed = IndexedDecision.objects.filter(stream=stream, seq__in=numbers)
    places = {Place(*where): seq for seq, *where in indexed.values_list("seq", "segment", "offset", "length")}
    lines = read_several(settings.INSTANCE.audit, stream, places)
    found = {line.seq: message_of(line.body) for place, line in lines if line.seq == places[place]}
    return {seq: words for seq, words in found.items() if words}


def _find_decision(reference: str) -> IndexedDecision | None:
    return IndexedDecision.objects.filter(stream="decisions", reference=reference).order_by("-at_ms", "-seq").first()


def _read(row: IndexedLine) -> bytes:
    line = read_at(settings.INSTANCE.audit, row.stream, segment=row.segment, offset=row.offset, length=row.length)
    return line.body


def _in_span(rows: "QuerySet[Row]", since: float | None, until: float | None) -> "QuerySet[Row]":
    if since is not None:
        rows = rows.filter(at_ms__gte=int(since * 1000))
    if until is not None:
        rows = rows.filter(at_ms__lt=int(until * 1000))
    return rows


def _of_person(rows: "QuerySet[IndexedDecision]", person: str) -> "QuerySet[IndexedDecision]":
    """A whole id or address is found by its index; only otherwise every row is looked at."""
    for exact in (rows.filter(person=person), rows.filter(email=person)):
        if exact.exists():
            return exact
    return rows.filter(email__icontains=person)


def _with_text(rows: "QuerySet[Row]", text: str) -> "QuerySet[Row]":
    for word in text.lower().replace("\x00", "").split()[:8]:
        rows = rows.filter(search__contains=word)
    return rows


def _newest_first(rows: "QuerySet[Row]") -> "QuerySet[Row]":
    return rows.order_by("-at_ms", "-seq")


def _page(rows: "QuerySet[Row]", page: int, page_size: int, to_domain: Callable[[Row], Item]) -> Page[Item]:
    page_size = min(max(page_size, 1), MAX_PAGE_SIZE)
    page = max(page, 1)
    start = (page - 1) * page_size
    found = list(_newest_first(rows)[start : start + page_size])
    ends_here = len(found) < page_size and (found or page == 1)
    total = start + len(found) if ends_here else rows.count()
    return Page(items=tuple(to_domain(row) for row in found), total=total, page=page, page_size=page_size)


def _decision_row(row: IndexedDecision) -> DecisionRow:
    return DecisionRow(at=row.at_ms / 1000, **{name: getattr(row, name) for name in _DECISION_FIELDS})


def _event_row(row: IndexedEvent) -> EventRow:
    return EventRow(at=row.at_ms / 1000, **{name: getattr(row, name) for name in _EVENT_FIELDS})
