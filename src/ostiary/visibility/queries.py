"""Searches the index, and reads whole records back from the files."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.db.models import QuerySet

from ostiary.errors import OstiaryError
from ostiary.visibility.adapters.log_reader import LineGone, read_at
from ostiary.visibility.domain.decision_record import DecisionRecord, parse_decision_event
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
_EVENT_FIELDS = tuple(name for name in EventRow.__struct_fields__ if name != "at")


class UnknownDecision(OstiaryError):
    """No decision bears that reference."""


def search_decisions(query: DecisionQuery) -> Page[DecisionRow]:
    """Return one page of decisions, newest first."""
    rows = IndexedDecision.objects.all()
    if query.stream:
        rows = rows.filter(stream=query.stream)
    rows = _in_span(rows, query.since, query.until)
    if query.person.strip():
        rows = _of_person(rows, query.person.strip())
    if query.reference:
        rows = rows.filter(reference=normalise_reference(query.reference))
    exact = {"app": query.app, "reason": query.reason, "outcome": query.outcome}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    rows = _with_text(rows, query.text)
    return _page(rows, query.page, query.page_size, _decision_row)


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


def _page(rows: "QuerySet[Row]", page: int, page_size: int, to_domain: Callable[[Row], Item]) -> Page[Item]:
    page_size = min(max(page_size, 1), MAX_PAGE_SIZE)
    page = max(page, 1)
    start = (page - 1) * page_size
    found = list(rows.order_by("-at_ms", "-seq")[start : start + page_size])
    ends_here = len(found) < page_size and (found or page == 1)
    total = start + len(found) if ends_here else rows.count()
    return Page(items=tuple(to_domain(row) for row in found), total=total, page=page, page_size=page_size)


def _decision_row(row: IndexedDecision) -> DecisionRow:
    return DecisionRow(at=row.at_ms / 1000, **{name: getattr(row, name) for name in _DECISION_FIELDS})


def _event_row(row: IndexedEvent) -> EventRow:
    return EventRow(at=row.at_ms / 1000, **{name: getattr(row, name) for name in _EVENT_FIELDS})
