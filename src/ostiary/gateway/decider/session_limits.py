"""How long an app goes on without a fresh proof: its own limits on idleness and on the age of the last proof. Pure.

The limits stand in the catalogue, and hold beside the rules: what the rules allow, a limit may still hold up. A proof begins
both anew. Where a session has never used an app, or it is not known when, the last proof counts as the last use.
Source: NIST SP 800-63B-4, section 5.2 (reauthentication: overall and inactivity time-outs).
"""

from typing import Final
from urllib.parse import urlencode

from ostiary.gateway.decider.basis import Basis
from ostiary.policy.conditions import CLOCK_SKEW_SECONDS
from ostiary.policy.decision import Deny, ReasonCode, Remedy, RemedyKind, UnmetCondition
from ostiary.policy.identifiers import NO_RULE
from ostiary.policy.remedies import STEP_UP_PATH
from ostiary.policy.request import AuthStrength
from ostiary.policy.rules.words import duration_in_words
from ostiary.policy.snapshot import AppFact, SessionFact

_CONFIRM: Final = "Confirm that it is you"


def has_limits(app: AppFact) -> bool:
    """Return whether an app has limits of its own."""
    return app.idle_seconds is not None or app.longest_seconds is not None


def proved_at(session: SessionFact, now: float) -> float:
    """Return when the last proof that counts was given: a second factor; the last proof of any kind where there was none.

    A proof from the future is none.
    """
    proofs = [proof for proof in session.authentications if proof.at <= now + CLOCK_SKEW_SECONDS]
    strong = [proof.at for proof in proofs if proof.strength >= AuthStrength.ANY]
    return max(strong or [proof.at for proof in proofs], default=0.0)


def limits_end(
    app: AppFact, session: SessionFact, used_at: float | None, now: float
) -> tuple[float, ReasonCode] | None:
    """Return when the first of an app's limits is reached, and which; `None` for an app without limits.

    Args:
        app: what is used.
        session: by whom.
        used_at: when the session last used the app, as far as it is known.
        now: seconds since the epoch.
    """
    proof = proved_at(session, now)
    ends: list[tuple[float, ReasonCode]] = []
    if app.longest_seconds is not None:
        ends.append((proof + app.longest_seconds, ReasonCode.PROOF_TOO_OLD))
    if app.idle_seconds is not None:
        believed = used_at if used_at is not None and used_at <= now + CLOCK_SKEW_SECONDS else 0.0
        ends.append((max(proof, believed) + app.idle_seconds, ReasonCode.SESSION_IDLE))
    return min(ends, default=None)


def refuse_beyond(reason: ReasonCode, app: AppFact, basis: Basis) -> Deny:
    """Return the refusal of what a limit holds up: what was too long, and how to go on.

    Args:
        reason: `SESSION_IDLE` or `PROOF_TOO_OLD`.
        app: whose limit it is.
        basis: the facts in force.
    """
    idle = reason is ReasonCode.SESSION_IDLE
    limit = duration_in_words((app.idle_seconds if idle else app.longest_seconds) or 0)
    name = app.name or app.id
    words = (
        f"You have not used {name} for {limit} or longer, so it wants to be sure that it is still you."
        if idle
        else f"You last confirmed that it is you {limit} ago or longer. {name} asks for it anew."
    )
    unmet = UnmetCondition(
        rule=NO_RULE,
        code="idle" if idle else "longest",
        words=words,
        facts=(("required", limit),),
        remedy=Remedy(
            kind=RemedyKind.STEP_UP,
            words=_CONFIRM,
            path=f"{STEP_UP_PATH}?{urlencode({'need': 'any', 'fresh': '1', 'app': app.id})}",
        ),
    )
    return Deny(reason=reason, unmet=(unmet,), policy_version=basis.policy_version, generation=basis.generation)
