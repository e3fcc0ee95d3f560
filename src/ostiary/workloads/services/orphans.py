"""Services that nobody answers for any more, for whoever tidies the directory up."""

from ostiary.identity.facade import Finding, Found
from ostiary.workloads.queries import list_services


def find_orphans() -> tuple[Found, ...]:
    """Return services that are on while whoever answers for them is gone, by name."""
    return tuple(
        Found(finding=Finding.SERVICE_OWNER_GONE, subject=one.id, since=one.used_at, detail=one.owner)
        for one in list_services()
        if one.owner_gone and one.disabled_at is None
    )
