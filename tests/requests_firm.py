"""A small firm whose people ask each other for access, for tests of requests."""

from datetime import timedelta

from ostiary.identity.facade import set_group_owner
from ostiary.identity.models import Membership, Person
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.requests.facade import ask
from ostiary.requests.models import AccessRequest
from ostiary.visibility.facade import Actor, EventQuery, EventRow, index_new_events, list_events
from tests.identity_people import MACHINE, make_group, make_person

LEDGER = GroupId("finance")
DAY = 24 * 3600


def actor_for(person_id: PersonId) -> Actor:
    return Actor(kind="person", id=person_id, label=Person.objects.get(pk=person_id).email)


class Firm:
    """Somebody who asks, the owner of what they ask for, a manager, an administrator."""

    def __init__(self) -> None:
        self.asker = make_person("ada@example.test", name="Ada")
        self.owner = make_person("olga@example.test", name="Olga")
        self.boss = make_person("bo@example.test", name="Bo")
        self.admin = make_person("root@example.test", groups=("administrators",), name="Root")
        make_group("finance")
        set_group_owner(group_id=LEDGER, owner="olga@example.test", actor=MACHINE)
        Person.objects.filter(pk=self.asker).update(manager_id=self.boss)

    def ask(self, hours: float = 4, **more: object) -> str:
        given = {"group_id": LEDGER, "seconds": int(hours * 3600), "reason": "Year's end", **more}
        return ask(person_id=self.asker, actor=actor_for(self.asker), **given).id  # type: ignore[arg-type]

    def ways(self) -> list[str]:
        return list(Membership.objects.filter(person_id=self.asker).exclude(via="").values_list("via", flat=True))


def set_back(request_id: str, seconds: float) -> None:
    """Let a request be so much older than it is."""
    row, by = AccessRequest.objects.get(pk=request_id), timedelta(seconds=seconds)
    AccessRequest.objects.filter(pk=request_id).update(
        asked_at=row.asked_at - by, substitute_at=row.substitute_at - by, deadline_at=row.deadline_at - by
    )


def on_record(target: str) -> list[EventRow]:
    """Return what is on record about one thing, the newest first."""
    while index_new_events(0.0):
        pass
    return list(list_events(EventQuery(target=target)).items)
