"""Whether a refused page load may go straight to the step-up it needs, without running in circles.

Who comes back from the sign-in host and still lacks the proof sees the page with the button instead.
"""

from collections import deque
from typing import Final

from ostiary.policy.decision import Deny, ReasonCode, RemedyKind
from ostiary.policy.identifiers import AppId, SessionId

MAX_REDIRECTS: Final = 2
WINDOW_SECONDS: Final = 30.0
_MAX_REMEMBERED: Final = 10_000


def step_up_path(deny: Deny) -> str | None:
    """Return the path that lifts the refusal, when one step-up does: for the nearest rule, or for every denying one."""
    if not deny.unmet or deny.reason not in {ReasonCode.CONDITIONS_UNMET, ReasonCode.DENIED_BY_RULE}:
        return None
    every = deny.reason is ReasonCode.DENIED_BY_RULE
    asked = [unmet for unmet in deny.unmet if every or unmet.rule == deny.unmet[0].rule]
    paths = {
        unmet.remedy.path if unmet.remedy is not None and unmet.remedy.kind is RemedyKind.STEP_UP else None
        for unmet in asked
    }
    return paths.pop() if len(paths) == 1 else None


class Circles:
    """Counts redirects to step-ups, for each session and app, over a short while."""

    def __init__(self) -> None:
        self._sent: dict[tuple[SessionId, AppId], deque[float]] = {}

    def may_send(self, session: SessionId, app: AppId, now: float) -> bool:
        """Return whether to redirect once more, and count it when so."""
        if len(self._sent) >= _MAX_REMEMBERED:
            self._sent.clear()
        sent = self._sent.setdefault((session, app), deque(maxlen=MAX_REDIRECTS))
        if len(sent) == MAX_REDIRECTS and 0 <= now - sent[0] < WINDOW_SECONDS:
            return False
        sent.append(now)
        return True
