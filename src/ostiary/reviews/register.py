"""The register of access rights: who holds what, since and until when, by whom and why, and by which rule what it opens."""

import time
from collections.abc import Iterator

import msgspec

from ostiary.identity.models import Person
from ostiary.reviews.gathering import current_world, list_holdings
from ostiary.reviews.reach import Reaches


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One entitlement of one person, and one app that it opens. Moments are seconds since the epoch.

    Args:
        kind: `group` or `role`.
        via: what brought it; empty where somebody gave it.
        active: whether the account can sign in.
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
    """Yield the register by person: a line for each entitlement and each app that it opens.

    Raises:
        InvalidRules: when the rules in force cannot be used.
    """
    reaches = Reaches(current_world(), now=time.time())
    people = {one.pk: one for one in Person.objects.all()}
    for holding in list_holdings():
        person = people[holding.person_id]
        line = Right(
            email=person.email,
            name=person.name,
            active=person.may_sign_in,
            kind=holding.kind,
            right=holding.name,
            via=holding.via,
            since=holding.granted_at,
            until=holding.ends_at,
            granted_by=holding.granted_by,
            why=holding.why,
        )
        opened = reaches.opened_by(holding.groups)
        for one in opened:
            yield msgspec.structs.replace(line, app=one.app, actions=one.actions, rules=one.rules)
        if not opened:
            yield line
