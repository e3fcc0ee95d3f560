"""Can the programs that ask over the AuthZEN API go on asking? Needs Django."""

from collections.abc import Iterator

from ostiary.supervisor.diagnosis.finding import Finding, fine, warning

WARNING_DAYS = 14
_DAY_SECONDS = 86400


def check_clients(now: float) -> Iterator[Finding]:
    """Look for tokens that have expired or soon will; without clients there is nothing to say.

    Args:
        now: seconds since the epoch.
    """
    from django.db.utils import DatabaseError  # noqa: PLC0415 - needs Django

    from ostiary.authzen.facade import list_clients  # noqa: PLC0415

    try:
        clients = [client for client in list_clients() if client.revoked_at is None]
    except DatabaseError:
        return  # what is wrong with the database is said by its own check
    late = [client for client in clients if client.expires_at - now < WARNING_DAYS * _DAY_SECONDS]
    for client in late:
        days = int((client.expires_at - now) // _DAY_SECONDS)
        words = f"expires in {days} days" if days >= 0 else "has expired"
        mend = f"Revoke it and add it again: ostiary authzen client revoke {client.name}"
        yield warning("clients", f"The token of the program {client.name} {words}.", mend)
    if clients and not late:
        yield fine("clients", f"The tokens of {len(clients)} programs last for more than {WARNING_DAYS} days.")
