"""Reads of the rulebook."""

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import PolicyVersion
from ostiary.rulebook.domain import AppliedRules
from ostiary.rulebook.models import AppliedRulesRow
from ostiary.visibility.facade import Page


class UnknownRules(OstiaryError):
    """No rules with that number were ever applied."""


def get_current() -> AppliedRules:
    """Return the rules in force; number 0 and no text when none were ever applied."""
    row = AppliedRulesRow.objects.defer("parsed").first()
    return to_applied(row) if row else AppliedRules()


def get_applied(number: int) -> AppliedRules:
    """Return the rules that were applied under a number.

    Raises:
        UnknownRules: when there are none.
    """
    row = AppliedRulesRow.objects.defer("parsed").filter(pk=number).first()
    if row is None:
        raise UnknownRules(f"There are no rules number {number}.", hint="See them all: ostiary rules history")
    return to_applied(row)


def get_applied_before(number: int) -> AppliedRules:
    """Return the rules that were in force before those with this number; number 0 and no text when there were none."""
    row = AppliedRulesRow.objects.defer("parsed").filter(pk__lt=number).first()
    return to_applied(row) if row else AppliedRules()


def list_history(*, page: int = 1, page_size: int = 50) -> Page[AppliedRules]:
    """Return what was applied, the last first.

    Args:
        page: from 1.
        page_size: how many on a page, 1 to 200.
    """
    page, page_size = max(page, 1), min(max(page_size, 1), 200)
    rows = AppliedRulesRow.objects.defer("parsed")
    begin = (page - 1) * page_size
    items = tuple(to_applied(row) for row in rows[begin : begin + page_size])
    return Page(items=items, total=rows.count(), page=page, page_size=page_size)


def to_applied(row: AppliedRulesRow) -> AppliedRules:
    """Return the stored rules as the rest of Ostiary sees them."""
    return AppliedRules(
        number=row.number,
        version=PolicyVersion(row.version),
        document=row.document,
        cedar=row.cedar,
        applied_at=row.applied_at.timestamp(),
        applied_by=row.applied_by,
        comment=row.comment,
    )
