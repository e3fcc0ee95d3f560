"""Puts what happens to services and tokens on record. Called last in a transaction: no record, no change."""

import time
from typing import Any, Final

from ostiary.visibility.facade import new_uid, record, sign_in_event
from ostiary.workloads.domain.services import Service

SERVICE: Final = "service"
TOKEN: Final = "personal token"  # noqa: S105 - what an event is about


def told_of(service: Service) -> dict[str, Any]:
    """Return what the record says of a service: nothing secret is in it, for keys are public ones."""
    return {
        "purpose": service.purpose or None,
        "owner": service.owner or None,
        "ends_at": service.ends_at,
        "token_seconds": service.token_seconds,
        "disabled": service.closed.value if service.closed else None,
        "keys": [key.id for key in service.keys],
        "issuers": [
            {"issuer": one.issuer, "audience": one.audience, "claims": one.claims, "once": one.once}
            for one in service.trusts
        ],
    }


def record_issue(*, service: str, how: str, address: str, refused: str = "") -> None:
    """A service got a token, or was refused one.

    Args:
        service: its name, or what was said to be it.
        how: what it proved itself with, in short.
        address: where it asked from.
        refused: why it got none.
    """
    record(
        sign_in_event(
            at=time.time(),
            uid=new_uid(),
            email=f"service:{service}"[:254],
            success=not refused,
            service="id",
            person_id=f"service:{service}"[:254],
            address=address or None,
            reason=refused or how,
        )
    )
