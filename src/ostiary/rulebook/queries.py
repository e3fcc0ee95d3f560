"""Reads of the rulebook."""

from django.db.models import QuerySet

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import PolicyVersion
from ostiary.rulebook.domain import AppliedRules
from ostiary.rulebook.lifecycle import Hold, HoldOutcome, HoldReason
from ostiary.rulebook.models import AppliedRulesRow, HoldRow
from ostiary.visibility.facade import Page


class UnknownRules(OstiaryError):
    """No rules with that number were ever applied."""


def get_current() -> AppliedRules:
    """Return the rules in force; number 0 and no text when none were ever applied."""
    row = _rows().first()
    return to_applied(row) if row else AppliedRules()


def get_applied(number: int) -> AppliedRules:
    """Return the rules that were applied under a number.

    Raises:
        UnknownRules: when there are none.
    """
    row = _rows().filter(pk=number).first()
    if row is None:
        raise UnknownRules(f"There are no rules number {number}.", hint="See them all: ostiary rules history")
    return to_applied(row)


def get_applied_before(number: int) -> AppliedRules:
    """Return the rules that were in force before those with this number; number 0 and no text when there were none."""
    row = _rows().filter(pk__lt=number).first()
    return to_applied(row) if row else AppliedRules()


def list_history(*, page: int = 1, page_size: int = 50) -> Page[AppliedRules]:
    """Return what was applied, the last first.

    Args:
        page: from 1.
        page_size: how many on a page, 1 to 200.
    """
    page, page_size = max(page, 1), min(max(page_size, 1), 200)
    rows = _rows()
    begin = (page - 1) * page_size
    items = tuple(to_applied(row) for row in rows[begin : begin + page_size])
    return Page(items=items, total=rows.count(), page=page, page_size=page_size)


def get_hold() -> Hold | None:
    """Return the change that is on trial now, or `None`."""
    row = HoldRow.objects.select_related("rules").defer("rules__parsed").filter(outcome=HoldOutcome.OPEN).first()
    return to_hold(row) if row else None


def _rows() -> QuerySet[AppliedRulesRow]:
    return AppliedRulesRow.objects.defer("parsed").select_related("hold")


def to_hold(row: HoldRow) -> Hold:
    """Return a stored trial as the rest of Ostiary sees it."""
    return Hold(
        number=row.rules.number,
        version=PolicyVersion(row.rules.version),
        restores=row.restores,
        reasons=tuple(HoldReason(one) for one in row.reasons),
        held_at=row.held_at.timestamp(),
        until=row.until.timestamp(),
        actor_kind=row.rules.actor_kind,
        actor_id=row.rules.actor_id,
        actor=row.rules.approved_by or row.rules.applied_by,
        outcome=HoldOutcome(row.outcome),
        ended_at=row.ended_at.timestamp() if row.ended_at else 0.0,
        ended_by=row.ended_by,
        ended_why=row.ended_why,
    )


def to_applied(row: AppliedRulesRow) -> AppliedRules:
    """Return the stored rules as the rest of Ostiary sees them."""
    hold: HoldRow | None = getattr(row, "hold", None)
    return AppliedRules(
        number=row.number,
        version=PolicyVersion(row.version),
        document=row.document,
        cedar=row.cedar,
        applied_at=row.applied_at.timestamp(),
        applied_by=row.applied_by,
        comment=row.comment,
        approved_by=row.approved_by,
        restores=row.restores,
        hold=to_hold(hold) if hold else None,
    )
