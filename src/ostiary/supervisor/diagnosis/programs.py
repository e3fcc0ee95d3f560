"""Can other programs go on doing their part: those that ask over the AuthZEN API, and directories that keep people here? Needs Django."""

from collections.abc import Iterator

from ostiary.supervisor.diagnosis.finding import Finding, fine, warning

WARNING_DAYS = 14
SAML_WARNING_DAYS = 60
"""Longer: somebody has to change it at every application by hand."""
_DAY_SECONDS = 86400


def check_clients(now: float) -> Iterator[Finding]:
    """Look for tokens that have expired or soon will; without clients there is nothing to say.

    Args:
        now: seconds since the epoch.
    """
    from django.db.utils import DatabaseError  # noqa: PLC0415 - needs Django

    from ostiary.authzen.facade import list_clients  # noqa: PLC0415
    from ostiary.scim.facade import list_clients as list_directories  # noqa: PLC0415
    from ostiary.signals.facade import list_receivers  # noqa: PLC0415

    try:
        programs = [(one.name, one.expires_at) for one in list_clients() if one.revoked_at is None]
        directories = [(one.name, one.expires_at) for one in list_directories() if one.revoked_at is None]
        receivers = [(one.name, one.expires_at) for one in list_receivers() if one.revoked_at is None]
    except DatabaseError:
        return  # what is wrong with the database is said by its own check
    yield from _check("clients", "program", "authzen client", programs, now)
    yield from _check("directories", "directory", "scim client", directories, now)
    yield from _check("receivers", "receiver of signals", "signal receiver", receivers, now)


def check_saml(now: float) -> Iterator[Finding]:
    """Look at when the certificate ends that applications know our assertions by; without such applications it is nothing.

    Args:
        now: seconds since the epoch.
    """
    from django.db.utils import DatabaseError  # noqa: PLC0415 - needs Django

    from ostiary.saml.facade import certificate_days_left  # noqa: PLC0415

    try:
        days = certificate_days_left(now)
    except DatabaseError:
        return
    if days is None:
        return
    if days < SAML_WARNING_DAYS:
        words = f"ends in {int(days)} days" if days >= 0 else "has ended"
        mend = "Make the next one and tell the applications: ostiary app saml rotate-certificate"
        yield warning("saml", f"The certificate that applications know our SAML sign-ins by {words}.", mend)
    else:
        yield fine("saml", f"The certificate of SAML sign-ins lasts {int(days)} more days.")


def _check(check: str, kind: str, command: str, clients: list[tuple[str, float]], now: float) -> Iterator[Finding]:
    late = [(name, end) for name, end in clients if end - now < WARNING_DAYS * _DAY_SECONDS]
    for name, end in late:
        days = int((end - now) // _DAY_SECONDS)
        words = f"expires in {days} days" if days >= 0 else "has expired"
        mend = f"Revoke it and add it again: ostiary {command} revoke {name}"
        yield warning(check, f"The token of the {kind} {name} {words}.", mend)
    if clients and not late:
        many = {"program": "programs", "directory": "directories", "receiver of signals": "receivers of signals"}[kind]
        yield fine(check, f"The tokens of {len(clients)} {many} last for more than {WARNING_DAYS} days.")
