"""The replays that reviews of changes show: kept for a while, so that a mistake in the form does not begin them again.

What guards a change is never kept: a plan is made afresh whenever it is shown or carried out.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from typing import Final

from django.http import HttpRequest

from ostiary.policy.identifiers import PersonId
from ostiary.rulebook.facade import Plan
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.replay import begin_replay
from ostiary.web.console.replaying import MAX_KEPT, REPLAYS, Replaying

KEPT_SECONDS: Final = 600.0


class Reviewed:
    """Which replay was begun for which texts; the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._guard = threading.Lock()

    def keep(self, digest: str, replay_id: str, now: float) -> None:
        """Remember a replay.

        Args:
            digest: of the texts, the rules before them, and whoever asks.
            replay_id: which it is.
            now: seconds since the epoch.
        """
        with self._guard:
            self._kept[digest] = (now + KEPT_SECONDS, replay_id)
            self._kept.move_to_end(digest)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)

    def find(self, digest: str, now: float) -> str:
        """Return which replay it was; nothing when there was none or it is too long ago."""
        until, replay_id = self._kept.get(digest, (0.0, ""))
        return replay_id if now < until else ""


REVIEWED: Final = Reviewed()


def replay_of(request: HttpRequest, plan: Plan, *, days: int) -> Replaying:
    """Return what the rules of a plan would have done to what happened: the replay begun before, or one begun now.

    Args:
        request: of whoever reviews the change.
        plan: valid.
        days: how far back.
    """
    person, now = caller_of(request).person.id, time.time()
    digest = digest_of(plan, person, days)
    kept = REPLAYS.find(REVIEWED.find(digest, now), person)
    if kept is not None and kept.problem is None:
        return kept
    begun = begin_replay(request, plan.document, plan.cedar, plan.before, days=days)
    REVIEWED.keep(digest, begun.id, now)
    return begun


def digest_of(plan: Plan, person: PersonId, days: int) -> str:
    """Return what a replay is bound to: both texts, the rules they are compared with, who asked, and how far back."""
    parts = (plan.document, plan.cedar, plan.before.document, plan.before.cedar, str(person), str(days))
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part.encode()).digest())
    return whole.hexdigest()
