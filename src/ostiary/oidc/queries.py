"""Reads of clients and of what they were issued. They return frozen types and change nothing."""

from django.db.models import Count, Q

from ostiary.oidc.domain.client import Client, ClientKind, UnknownClient, origin_of
from ostiary.oidc.models import Logout, StoredClient
from ostiary.policy.identifiers import AppId


def list_clients() -> tuple[Client, ...]:
    """Return every client by name."""
    return tuple(to_client(row) for row in StoredClient.objects.select_related("app").order_by("app__name", "pk"))


def find_client(client_id: str) -> Client | None:
    """Return a client, or `None` when there is none of that identifier."""
    if len(client_id) > 63 or not client_id.isascii() or "\x00" in client_id:
        return None
    row = StoredClient.objects.select_related("app").filter(pk=client_id).first()
    return None if row is None else to_client(row)


def get_client(client_id: str) -> Client:
    """Return one client.

    Raises:
        UnknownClient: when there is none.
    """
    found = find_client(client_id)
    if found is None:
        raise UnknownClient(
            f"{client_id[:63]!r} does not sign in by OpenID Connect.", hint="See: ostiary app oidc list"
        )
    return found


def count_sign_ins() -> dict[str, int]:
    """Return how many sign-ins at each client are not over, by client."""
    living = Count("grants", filter=Q(grants__ended_at=None))
    return dict(StoredClient.objects.annotate(living=living).values_list("pk", "living"))


def last_logout_problems() -> dict[str, str]:
    """Return why the latest sign-out could not be told, by client; nothing where it could."""
    found: dict[str, str] = {}
    for row in Logout.objects.order_by("written_at"):
        found[row.client_id] = row.problem if row.done_at is None or row.problem else ""
    return {client: problem for client, problem in found.items() if problem}


def return_origins() -> tuple[str, ...]:
    """Return where a browser may be sent on to after signing in, as origins."""
    uris = StoredClient.objects.values_list("redirect_uris", "post_logout_redirect_uris")
    return tuple(sorted({origin_of(uri) for lists in uris for several in lists for uri in several}))


def to_client(row: StoredClient) -> Client:
    """Return the stored client as the rest of Ostiary sees it; its secret stays where it is."""
    return Client(
        id=AppId(row.app_id),
        name=row.app.name,
        kind=ClientKind(row.kind),
        redirect_uris=tuple(row.redirect_uris),
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        backchannel_logout_uri=row.backchannel_logout_uri,
        pkce=row.pkce,
        claims=dict(row.claims),
        roles=dict(row.roles),
        keys=tuple(row.keys),
        preset=row.preset,
        added_at=row.added_at.timestamp(),
        secret_made_at=row.secret_made_at.timestamp() if row.secret_made_at else None,
    )
