"""A firm whose access is reviewed: somebody in finance with an owner, a manager, an administrator; rules; a year of record."""

import time
from datetime import UTC, datetime, timedelta

import msgspec

from ostiary.applications.facade import add_app
from ostiary.identity.facade import set_group_owner
from ostiary.identity.models import Membership, Person
from ostiary.policy.identifiers import GroupId
from ostiary.reviews.facade import (
    Item,
    World,
    carry_out_answers,
    close_vanished,
    parse_scope,
    read_back_removals,
    start_campaign,
)
from ostiary.reviews.gathering import current_world
from ostiary.reviews.queries import every_item
from ostiary.rulebook.facade import apply_rules
from ostiary.visibility.facade import Actor
from ostiary.visibility.models import IndexedDecision
from tests.identity_people import MACHINE, make_group, make_person

DAY = 24 * 3600.0
RULES = """\
version: 1
rules:
  - name: staff-read-the-books
    allow: [group:staff, group:readers]
    to: app:books
    do: view
  - name: finance-keeps-the-books
    allow: group:finance
    to: app:books
    do: any
  - name: finance-pays
    allow: group:finance
    to: app:payroll
    do: any
    when: {mfa: otp}
  - name: board-sees-payroll
    allow: group:board
    to: app:payroll
    do: view
"""


def actor_for(person_id: str) -> Actor:
    return Actor(kind="person", id=person_id, label=Person.objects.get(pk=person_id).email)


def published() -> World:
    """The facts as they would be published: the database's, under a number."""
    return msgspec.structs.replace(current_world(), generation=7)


class Firm:
    """Somebody in finance with an owner, a manager, an administrator; rules; a year of record."""

    def __init__(self) -> None:
        for group in ("staff", "readers", "finance", "board"):
            make_group(group)
        for app in ("books", "payroll"):
            add_app(
                app,
                upstream="http://127.0.0.1:9",
                name=app.title(),
                actor=MACHINE,
                labels=("restricted",) if app == "payroll" else (),
            )
        self.admin = make_person("root@example.test", groups=("administrators",), name="Root")
        self.olga = make_person("olga@example.test", name="Olga Owner")
        self.boss = make_person("bo@example.test", name="Bo Boss")
        self.ada = make_person("ada@example.test", groups=("finance",), name="Ada")
        self.ben = make_person("ben@example.test", groups=("finance",), name="Ben")
        set_group_owner(group_id=GroupId("finance"), owner="olga@example.test", actor=MACHINE)
        Person.objects.filter(pk=self.ada).update(manager_id=self.boss)
        apply_rules(RULES, actor=MACHINE)
        Membership.objects.update(granted_at=datetime.now(UTC) - timedelta(days=400))
        self.lines = 0
        self.used("nobody", "books", days_ago=300)

    def used(self, person: str, app: str, *, days_ago: float = 1.0, method: str = "GET", times: int = 1) -> None:
        for _ in range(times):
            self.lines += 1
            IndexedDecision.objects.create(
                stream="decisions", seq=self.lines, segment=1, offset=0, length=1, person=person, app=app, method=method,
                at_ms=int((time.time() - days_ago * DAY) * 1000), outcome="allowed", reference=f"R{self.lines}",
            )  # fmt: skip

    def start(self, scope: str = "group:finance") -> str:
        return start_campaign(scope=parse_scope(scope), actor=MACHINE).id

    def item(self, campaign: str, person: str, name: str = "finance") -> Item:
        return next(one for one in every_item(campaign) if one.person_id == person and one.name == name)


def work() -> None:
    """One round of the worker."""
    carry_out_answers()
    close_vanished()
    read_back_removals(published, now=time.time())
