"""What emergency access and becoming an administrator have in common: begun by oneself, by fresh proof, for a short time."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ostiary.identity.domain.proofs import proved_since
from ostiary.identity.models import Group, Person
from ostiary.identity.services.memberships import put_into_group
from ostiary.policy.conditions import CLOCK_SKEW_SECONDS
from ostiary.policy.identifiers import AppId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.requests.domain import FRESH_SECONDS, CannotAsk, Kind, ProofNeeded, State
from ostiary.requests.models import AccessRequest
from ostiary.requests.services.asking import via_of
from ostiary.visibility.facade import Actor

MINUTE_SECONDS = 60


def require_fresh_proof(proofs: Iterable[Authentication], at_least: AuthStrength) -> None:
    """Raise `ProofNeeded` unless somebody proved enough in the last ten minutes."""
    now = time.time()
    if proved_since(proofs, at_least=at_least, since=now - FRESH_SECONDS, until=now + CLOCK_SKEW_SECONDS) is None:
        raise ProofNeeded(
            "Prove once more who you are.",
            hint="It takes a passkey." if at_least is AuthStrength.PHISHING_RESISTANT else "Use your second factor.",
        )


def require_words(reason: str) -> None:
    """Raise `CannotAsk` when no reason is given."""
    if not reason:
        raise CannotAsk("Say why you need it.", hint="Others read it, and it stands on the record.")


def write_down(
    *,
    person: Person,
    group: Group,
    kind: Kind,
    seconds: int,
    reason: str,
    app: AppId | None,
    return_path: str,
    deadline: timedelta = timedelta(0),
) -> AccessRequest:
    """Return what somebody begins, written down; it waits until `grant_now`, at most until its deadline."""
    now = datetime.now(UTC)
    return AccessRequest.objects.create(
        person=person,
        group_id=group.id,
        kind=kind.value,
        app=app or "",
        return_path=return_path,
        seconds=seconds,
        reason=reason,
        asked_at=now,
        substitute_at=now + deadline,
        deadline_at=now + deadline,
        substitutes_told=True,
    )


def grant_now(row: AccessRequest, *, group: Group, actor: Actor) -> None:
    """Give what was written down at once, inside the transaction that is open."""
    now = datetime.now(UTC)
    row.state, row.decided_at, row.decided_by = State.GRANTED.value, now, actor.label[:200]
    row.ends_at = now + timedelta(seconds=row.seconds)
    row.save(update_fields=["state", "decided_at", "decided_by", "ends_at"])
    put_into_group(
        group=group, person=row.person, actor=actor, reason=row.reason, via=via_of(row.id), ends_at=row.ends_at
    )
