"""What an emergency sign-in opens: the console, whatever the rules say, and nothing else.

It must work on the day the rules are empty, lock everybody out or cannot be used at all, so it is decided here and not
in `policy`. How such a sign-in comes about lives in `identity.services.recovery`: a command on the machine itself.
"""

from typing import Final

from ostiary.gateway.decider.basis import Basis
from ostiary.policy.decision import Allow, Decision, ReasonCode
from ostiary.policy.identifiers import BREAK_GLASS, AppId
from ostiary.policy.request import AuthStrength
from ostiary.policy.snapshot import AppFact, SessionFact

CONSOLE: Final = AppId("console")
METHOD: Final = "break_glass"
LIFE_SECONDS: Final = 3600.0


def may_be_emergency(app: AppFact | None, basis: Basis) -> bool:
    """Return whether an emergency sign-in could decide a request although there are no usable rules."""
    return app is not None and app.id == CONSOLE and basis.trouble is not None and basis.trouble.people_known


def is_emergency(session: SessionFact) -> bool:
    """Return whether somebody came in by an emergency link, which works once."""
    return any(one.method == METHOD for one in session.authentications)


def decide_emergency(app: AppFact, session: SessionFact, basis: Basis, now: float) -> Decision | None:
    """Return the answer to a request of an emergency sign-in, or `None` when the rules decide.

    At the console the emergency link outweighs every rule for an hour, each request on record under the name
    `break-glass`. Elsewhere a session that proved nothing better opens nothing, whatever a rule would be content with.

    Args:
        app: what is asked for.
        session: who asks, with what they proved.
        basis: the facts in force.
        now: seconds since the epoch.
    """
    used_at = max((one.at for one in session.authentications if one.method == METHOD), default=None)
    if used_at is None:
        return None
    ends_at = used_at + LIFE_SECONDS
    if app.id == CONSOLE and used_at <= now + 1 and now < ends_at:
        return Allow(
            rules=(BREAK_GLASS,),
            valid_until=ends_at,
            per_request=True,
            policy_version=basis.policy_version,
            generation=basis.generation,
        )
    if any(one.strength >= AuthStrength.ANY for one in session.authentications):
        return None
    return basis.refuse(ReasonCode.NO_RULE_APPLIES, detail="an emergency sign-in opens the console only")
