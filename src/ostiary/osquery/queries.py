"""Reads of secrets and hosts. They return frozen types and change nothing."""

from django.db.models import Count

from ostiary.osquery.domain.hosts import Host, Secret, UnknownHost
from ostiary.osquery.models import StoredHost, StoredSecret


def list_secrets() -> tuple[Secret, ...]:
    """Return every enrol secret by name, those included that are worth nothing any more."""
    return tuple(map(to_secret, StoredSecret.objects.all()))


def list_hosts(*, linked: bool | None = None) -> tuple[Host, ...]:
    """Return the hosts by name: all, only those that are linked with a device, or only those that are not."""
    rows = StoredHost.objects.select_related("device")
    if linked is not None:
        rows = rows.filter(device__isnull=not linked)
    claims = _claims()
    return tuple(_to_host(row, claims.get(row.identifier, 1)) for row in rows)


def get_host(number: int) -> Host:
    """Return one host.

    Raises:
        UnknownHost: when there is none with this number.
    """
    row = StoredHost.objects.select_related("device").filter(pk=number).first()
    if row is None:
        raise unknown_host(number)
    return _to_host(row, _claims().get(row.identifier, 1))


def unknown_host(number: int) -> UnknownHost:
    """Return the error for a number that no host has."""
    return UnknownHost(f"There is no host {number}.", hint="See: ostiary osquery hosts")


def to_secret(row: StoredSecret) -> Secret:
    """Return a stored secret as the rest of Ostiary sees it."""
    return Secret(**row.fields(), used_at=None if row.used_at is None else row.used_at.timestamp())


def _claims() -> dict[str, int]:
    rows = StoredHost.objects.exclude(identifier="").order_by().values_list("identifier")
    return dict(rows.annotate(count=Count("pk")).filter(count__gt=1))


def _to_host(row: StoredHost, claims: int) -> Host:
    return Host(
        id=row.pk,
        secret=row.secret,
        identifier=row.identifier,
        hardware_uuid=row.hardware_uuid,
        serial=row.serial,
        name=row.name,
        platform=row.platform,
        system=row.system,
        address=row.address,
        enrolled_at=row.enrolled_at.timestamp(),
        seen_at=row.seen_at.timestamp(),
        device=row.device_id,
        device_name=row.device.name if row.device else "",
        linked_by=row.linked_by,
        claims=claims,
    )
