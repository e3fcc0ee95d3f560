"""Would new rules shut out whoever makes them, or every administrator? Asked before they are applied. Pure.

An administrator is looked at in the best case: everything they have set up proved just now, from where the change is made
or from where they are signed in, with any of their devices or none, at this moment and at each later one within a week. Rules lock administrators out when
the first moment at which any of them gets in comes later than under the rules before, or never.

Source: lesson 26, lock-out.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Deny
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId
from ostiary.policy.request import AccessRequest, ActionClass, Resource
from ostiary.rulebook.reach import subject_of
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings

CONSOLE: Final = AppId("console")
EMERGENCY: Final = "break_glass"
NEEDED: Final = ((ActionClass.VIEW, "/rules/"), (ActionClass.EDIT, "/rules/confirm"))
"""What somebody must be able to do to see that they are locked in, and to confirm."""


class LockOut(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the rules shut out of the console.

    Args:
        own: the refusal that whoever makes the change would meet; `None` when they would get in.
        administrators: whether no administrator gets in, or only later than now.
        opens_at: when the first of them would, seconds since the epoch; `None` for never within a week.
    """

    own: Deny | None = None
    administrators: bool = False
    opens_at: float | None = None


def find_own_lock_out(engine: PolicyEngine, request: AccessRequest, now: float) -> Deny | None:
    """Return the refusal that the maker of a request at the console would meet there, or `None`.

    An emergency sign-in is let in whatever the rules say, so it is never shut out.

    Args:
        engine: decides by the rules in question.
        request: one that the same person made with the session they use, at the console.
        now: seconds since the epoch.
    """
    if any(proof.method == EMERGENCY for proof in request.subject.authentications):
        return None
    for action, path in NEEDED:
        resource = msgspec.structs.replace(request.resource, app=CONSOLE, path=path)
        decision = engine.decide(msgspec.structs.replace(request, action=action, resource=resource), now)
        if isinstance(decision, Deny):
            return decision
    return None


def find_lock_out(
    old: PolicyEngine,
    new: PolicyEngine,
    *,
    request: AccessRequest | None,
    surroundings: Surroundings,
    moments: tuple[float, ...],
) -> LockOut | None:
    """Return whom the new rules shut out of the console, or `None`.

    Args:
        old: decides by the rules in force.
        new: decides by the new ones.
        request: one of whoever makes the change, at the console; `None` for a command on the machine.
        surroundings: everybody and everything.
        moments: at which an administrator could come, ascending, the present one first.
    """
    own = find_own_lock_out(new, request, moments[0]) if request is not None else None
    before, after = _opens_at(old, surroundings, moments), _opens_at(new, surroundings, moments)
    shut = before is not None and (after is None or after > before)
    return LockOut(own=own, administrators=shut, opens_at=after if shut else None) if own or shut else None


def _opens_at(engine: PolicyEngine, surroundings: Surroundings, moments: tuple[float, ...]) -> float | None:
    administrators = [one for one in surroundings.members if one.person.id in surroundings.administrators]
    for moment in moments:
        for member in administrators:
            if any(_is_let_in(engine, member, one, moment) for one in _best_cases(member, surroundings, moment)):
                return moment
    return None


def _best_cases(member: Member, surroundings: Surroundings, moment: float) -> Iterator[Circumstances]:
    proofs = member.at_best(moment)
    if proofs:
        for place in dict.fromkeys([surroundings.here, *(session.context for session in member.sessions)]):
            for device in (None, *member.devices):
                yield Circumstances(proofs, place, device)


def _is_let_in(engine: PolicyEngine, member: Member, circumstances: Circumstances, moment: float) -> bool:
    subject = subject_of(member.person, circumstances)
    return all(
        isinstance(
            engine.decide(
                AccessRequest(
                    subject=subject,
                    action=action,
                    resource=Resource(app=CONSOLE, path=path),
                    device=circumstances.device,
                    context=circumstances.context,
                ),
                moment,
            ),
            Allow,
        )
        for action, path in NEEDED
    )
