"""What this room tells the decision service: section `clients` of the snapshot."""

from ostiary.authzen.models import StoredClient
from ostiary.policy.snapshot import ClientFact, Clients


def read_clients() -> Clients:
    """Return every client whose token is not revoked; whether one has expired is seen when it asks."""
    return Clients(
        clients=tuple(
            ClientFact(
                name=row.name,
                digest=bytes.fromhex(row.digest),
                expires_at=row.expires_at.timestamp(),
                may_search=row.may_search,
            )
            for row in StoredClient.objects.filter(revoked_at=None)
        )
    )
