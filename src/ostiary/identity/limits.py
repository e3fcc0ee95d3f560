"""Counts failed proofs and says when the count is reached. Which counts there are is said in `domain.limits`."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db.models import Count

from ostiary.errors import OstiaryError
from ostiary.identity.domain.limits import HOUR, Limit
from ostiary.identity.models import FailedProof

ACCOUNT_MARK_FAILURES = 5
KEEP_SECONDS = 25 * HOUR


class TooManyAttempts(OstiaryError):
    """So many proofs failed here that the next one is not even looked at."""


class Attempt:
    """One attempt under way; it stays counted as a failure unless `succeeded` is called."""

    def __init__(self, rows: list[FailedProof]) -> None:
        self._rows = rows

    def succeeded(self) -> None:
        """Take back what was counted for this attempt, and nothing else."""
        FailedProof.objects.filter(pk__in=[row.pk for row in self._rows]).delete()


@contextmanager
def attempt(limits: Iterable[Limit], *, marks: Iterable[str] = ()) -> Iterator[Attempt]:
    """Count one attempt under every limit, before it is made, so that many at once cannot slip through.

    Use outside a transaction: a failure must stay counted whatever is rolled back.

    Args:
        limits: what to count under.
        marks: further keys to count under, without a limit.

    Raises:
        TooManyAttempts: when one of the limits was reached before this attempt.
    """
    now = time.time()
    at = datetime.fromtimestamp(now, UTC)
    checked = tuple(limits)
    keys = {limit.key for limit in checked} | set(marks)
    rows = FailedProof.objects.bulk_create([FailedProof(key=key, at=at) for key in sorted(keys)])
    under_way = Attempt(rows)
    for limit in checked:
        since = datetime.fromtimestamp(now - limit.window_seconds, UTC)
        if FailedProof.objects.filter(key=limit.key, at__gt=since).count() > limit.amount:
            under_way.succeeded()
            raise TooManyAttempts("There were too many failed attempts.", hint="Wait 15 minutes, or use a passkey.")
    yield under_way


def account_mark(email: str) -> str:
    """Return the key under which failures against one account are counted for display."""
    return hashlib.sha256(f"account\x1f{email.strip().lower()}".encode("utf-8", "surrogatepass")).hexdigest()


def accounts_held_off(emails: Iterable[str], *, now: float) -> frozenset[str]:
    """Return those of the addresses against which guesses failed often in the last quarter of an hour."""
    by_key = {account_mark(email): email for email in emails}
    since = datetime.fromtimestamp(now - HOUR / 4, UTC)
    counts = (
        FailedProof.objects.filter(key__in=by_key, at__gt=since)
        .values("key")
        .annotate(failures=Count("id"))
        .filter(failures__gte=ACCOUNT_MARK_FAILURES)
        .values_list("key", flat=True)
    )
    return frozenset(by_key[key] for key in counts)


def forget_old_failures(*, now: float) -> int:
    """Delete what no limit counts any more and return how many rows that were."""
    before = datetime.fromtimestamp(now - KEEP_SECONDS, UTC)
    return FailedProof.objects.filter(at__lt=before).delete()[0]
