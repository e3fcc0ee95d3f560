"""The register of access rights: who holds what, since and until when, by whom and why, and by which rule what it opens."""

import time
from collections.abc import Iterator

import msgspec

from ostiary.identity.models import Person
from ostiary.policy.identifiers import ServiceId
from ostiary.reviews.gathering import current_world
from ostiary.reviews.holdings import SERVICE, list_holdings
from ostiary.reviews.reach import Reaches
from ostiary.workloads.facade import list_services


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One entitlement of one person or one service, and one app that it opens. Moments are seconds since the epoch.

    Args:
        email: the person's address; `service:NAME` for a service.
        name: the person's name; for a service whoever answers for it, by their address.
        kind: `group`, `role` or `service`.
        via: what brought it; empty where somebody gave it.
        active: whether the account can sign in, or the service prove itself.
        app: empty where it opens none.
        actions: what may be done there once the conditions of the rules are met.
        rules: those that let them in.
    """

    email: str
    name: str
    active: bool
    kind: str
    right: str
    via: str
    since: float
    until: float | None
    granted_by: str
    why: str
    app: str = ""
    actions: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


def list_rights() -> Iterator[Right]:
    """Yield the register by person, then services by name: a line for each entitlement and each app that it opens.

    Services that are switched off are left out, as they open nothing.

    Raises:
        InvalidRules: when the rules in force cannot be used.
    """
    holdings = list_holdings()
    people = {one.pk: one for one in Person.objects.all()}
    owners = {str(one.id): one.owner for one in list_services()}
    reaches = Reaches(current_world(), now=time.time())
    for holding in holdings:
        person = people.get(holding.person_id)
        service = holding.kind == SERVICE
        if person is None and not service:
            continue
        line = Right(
            email=f"{SERVICE}:{holding.name}" if person is None else person.email,
            name=owners.get(holding.name, "") if person is None else person.name,
            active=person is None or person.may_sign_in,
            kind=holding.kind,
            right=holding.name,
            via=holding.via,
            since=holding.granted_at,
            until=holding.ends_at,
            granted_by=holding.granted_by,
            why=holding.why,
        )
        opened = reaches.opened_to_service(ServiceId(holding.name)) if service else reaches.opened_by(holding.groups)
        for one in opened:
            yield msgspec.structs.replace(line, app=one.app, actions=one.actions, rules=one.rules)
        if not opened:
            yield line
