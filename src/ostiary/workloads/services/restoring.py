"""What a restored backup must not bring back: keys, issuers and tokens that were taken away after it was made."""

from ostiary.visibility.facade import Actor
from ostiary.workloads.domain.services import Closed
from ostiary.workloads.queries import list_services, list_tokens
from ostiary.workloads.services.personal import revoke_token
from ostiary.workloads.services.register import disable_service


def close_after_restore(*, actor: Actor, reason: str) -> tuple[int, int]:
    """Switch every service off, each to be switched on again by somebody who knows its keys, and revoke every token.

    Args:
        actor: who restored.
        reason: why, for the record.

    Returns:
        How many services were switched off, and how many tokens were revoked.
    """
    services = [one for one in list_services() if one.disabled_at is None]
    tokens = [one for one in list_tokens() if one.revoked_at is None]
    for service in services:
        disable_service(service.id, actor=actor, why=Closed.RESTORED, reason=reason)
    for token in tokens:
        revoke_token(token.id, actor=actor, reason=reason)
    return len(services), len(tokens)
