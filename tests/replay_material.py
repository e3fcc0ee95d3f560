"""What people asked some days ago, decided, put on record and kept as the product does it, for tests of replays."""

import time
from collections.abc import Iterable
from itertools import count

import msgspec

from ostiary.config.places import Instance
from ostiary.policy.decision import Decision
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label, PersonId, PolicyVersion
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Resource,
    Subject,
)
from ostiary.policy.snapshot import AppFact, Catalogue, PersonFact, Rules
from ostiary.visibility.domain.decision_event import decision_event
from ostiary.visibility.facade import Actor
from ostiary.visibility.keeping import PastKeeper
from ostiary.visibility.services import open_log
from tests.visibility_material import HTTP

ACTOR = Actor(kind="machine", id="root", label="root")
DAY = 86_400.0
TOTP, PASSKEY = ("totp", AuthStrength.OTP), ("webauthn", AuthStrength.PHISHING_RESISTANT)
_NUMBERS = count()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the past: who asked what, when."""

    person: PersonFact
    app: str
    at: float
    labels: tuple[str, ...] = ()
    action: ActionClass = ActionClass.VIEW
    path: str = "/"
    proof: tuple[str, AuthStrength] = TOTP

    @property
    def request(self) -> AccessRequest:
        """What was asked, a minute after the proof."""
        return AccessRequest(
            subject=Subject(
                person=self.person.id,
                email=self.person.email,
                groups=frozenset(self.person.groups),
                authentications=(Authentication(*self.proof, self.at - 60),),
            ),
            action=self.action,
            resource=Resource(app=AppId(self.app), labels=frozenset(map(Label, self.labels)), path=self.path),
            context=Context(address="192.0.2.7", risk=0),
        )


def person_fact(person_id: str, *, email: str, name: str, groups: Iterable[str] = ()) -> PersonFact:
    """A person as the decision service knew them."""
    return PersonFact(id=PersonId(person_id), email=email, name=name, groups=tuple(map(GroupId, groups)), active=True)


def engine_of(document: str, *apps: str) -> PolicyEngine:
    """An engine that knows these apps, without labels of their own."""
    known = {AppId(app): AppFact(id=AppId(app), host="", name=app) for app in apps}
    return PolicyEngine(Rules(document=document, version=PolicyVersion("then")), Catalogue(apps=known), Generation(1))


def put_on_record(instance: Instance, answered: Iterable[tuple[Asked, Decision]], *, keep: bool = True) -> None:
    """Write requests with what was answered, as the decision service does; `keep` what they read, as the worker does."""
    log = open_log(instance, "decisions")
    for asked, decision in answered:
        event = decision_event(
            reference=f"AAAAA-{next(_NUMBERS):05d}",
            at=asked.at,
            request=asked.request,
            decision=decision,
            http=HTTP,
            person=asked.person,
        )
        log.append([event])
    log.close()
    if keep:
        keep_past(instance)


def keep_past(instance: Instance) -> None:
    """Keep what the decisions on record read, as the worker does."""
    keeper = PastKeeper(instance)
    while keeper.keep(time.time()):
        pass
    keeper.close()
