"""Whether a refusal only holds somebody up: what they can do alone and at once opens the app. Pure.

Which conditions a rule has is `policy`'s; what the person is shown meanwhile is the gateway's.
"""

from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode, RemedyKind, UnmetCondition
from ostiary.policy.identifiers import RuleName

_AT_ONCE: Final = frozenset({RemedyKind.SIGN_IN, RemedyKind.STEP_UP, RemedyKind.SET_UP})
_UNPROVEN: Final = frozenset(
    {ReasonCode.UNAUTHENTICATED, ReasonCode.SESSION_ENDED, ReasonCode.SESSION_IDLE, ReasonCode.PROOF_TOO_OLD}
)


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and everything it still asks for.

    Args:
        rule: the rule.
        conditions: what is not met, all of it needed; never empty.
    """

    rule: RuleName
    conditions: tuple[UnmetCondition, ...]

    @property
    def at_once(self) -> bool:
        """Whether the person can meet all of it alone and now: by signing in, proving more, or setting a proof up."""
        return all(one.remedy is not None and one.remedy.kind in _AT_ONCE for one in self.conditions)


def ways_of(decision: Decision) -> tuple[Way, ...]:
    """Return what each rule still asks for, the nearest rule first; nothing for what is allowed."""
    if isinstance(decision, Allow):
        return ()
    rules = dict.fromkeys(condition.rule for condition in decision.unmet)
    return tuple(
        Way(rule=rule, conditions=tuple(condition for condition in decision.unmet if condition.rule == rule))
        for rule in rules
    )


def is_held(decision: Decision) -> bool:
    """Tell whether the person can lift the refusal alone and at once.

    A step that leaves another condition of the same rule unmet lifts nothing. Nor does one that lifts a denial count:
    whether a rule allows behind it is not known.
    """
    if isinstance(decision, Allow):
        return False
    return decision.reason in _UNPROVEN or _way_out(decision) is not None


def first_unmet(decision: Decision) -> UnmetCondition | None:
    """Return the condition that is told first: of a rule that the person can satisfy at once, else of the nearest."""
    if isinstance(decision, Allow) or not decision.unmet:
        return None
    way = _way_out(decision)
    return way.conditions[0] if way is not None else decision.unmet[0]


def told_words(decision: Decision) -> str:
    """Return why, as the person was told: the denying rules' own words, else the first unmet condition's; may be empty."""
    if isinstance(decision, Allow):
        return ""
    unmet = first_unmet(decision)
    return decision.because[0] if decision.because else unmet.words if unmet is not None else ""


def _way_out(deny: Deny) -> Way | None:
    if deny.reason is not ReasonCode.CONDITIONS_UNMET:
        return None
    return next((way for way in ways_of(deny) if way.at_once), None)
