"""What takes a permission away soonest when nothing but time passes."""

from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Deny
from ostiary.policy.identifiers import RuleName
from ostiary.policy.request import AccessRequest
from ostiary.policy.why.least import Decide

MAX_STEPS: Final = 2000
FEW_STEPS: Final = 64
ROUND_SECONDS: Final = 8 * 86_400.0
"""Hours repeat every week: what was not refused in one, with a day for clocks that change, is not refused by hours."""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """The moment at which a permission ends by itself.

    Args:
        at: seconds since the epoch.
        rules: those that deny then.
        conditions: those that no longer hold then, in words; of the rules that allow now.
    """

    at: float
    rules: tuple[RuleName, ...] = ()
    conditions: tuple[str, ...] = ()


def next_refusal(request: AccessRequest, allow: Allow, decide: Decide) -> tuple[float, Deny] | None:
    """Return when the same request would first be refused, and how; `None` when time alone never does it, or not soon.

    Args:
        request: what was asked.
        allow: the answer now.
        decide: the engine.
    """
    latest: float | None = None
    for step in range(MAX_STEPS):
        if allow.valid_until is None:
            return None
        latest = allow.valid_until + ROUND_SECONDS if latest is None else latest
        if step >= FEW_STEPS and allow.valid_until > latest:
            return None
        decision = decide(request, allow.valid_until)
        if isinstance(decision, Deny):
            return allow.valid_until, decision
        allow = decision
    return None
