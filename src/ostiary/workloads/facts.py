"""What this room tells the decision service: section `workloads` of the snapshot."""

from datetime import UTC, datetime

from ostiary.policy.identifiers import AppId, PersonId, ServiceId
from ostiary.policy.snapshot import PersonalTokenFact, ServiceFact, Workloads
from ostiary.workloads.models import StoredService, StoredToken


def read_workloads() -> Workloads:
    """Return every service, and every token that is not revoked; when something ends is seen when it is used."""
    services = {
        ServiceId(row.name): ServiceFact(
            id=ServiceId(row.name),
            active=row.disabled_at is None,
            ends_at=row.ends_at.timestamp(),
            tokens_after=row.tokens_after,
        )
        for row in StoredService.objects.all()
    }
    tokens = StoredToken.objects.filter(revoked_at=None, expires_at__gt=datetime.now(UTC))
    return Workloads(
        services=services,
        tokens=tuple(
            PersonalTokenFact(
                id=row.id,
                digest=bytes.fromhex(row.digest),
                person=PersonId(row.person_id),
                apps=tuple(map(AppId, row.apps)),
                edit=row.edit,
                created_at=row.created_at.timestamp(),
                expires_at=row.expires_at.timestamp(),
            )
            for row in tokens
        ),
    )
