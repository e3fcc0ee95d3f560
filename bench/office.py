"""A large company for the console, in the present instance: people, groups, apps, sessions, and a long record.

Accounts and sign-ins are stored in bulk, as after years of use. Every decision is the policy engine's own, put on record
and indexed as the decision service and the worker do it. Import it when Django is set up.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from ostiary.applications.facade import add_app
from ostiary.applications.facts import read_applications
from ostiary.gateway.decider.reference import References
from ostiary.identity.facade import (
    ADMINISTRATORS,
    Client,
    RoleId,
    SignInSession,
    add_member,
    assign_role,
    create_group,
    create_role,
)
from ostiary.identity.models import Membership, Person
from ostiary.identity.models import SignInSession as SessionRow
from ostiary.identity.services.sessions import begin_session
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId, SessionId
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Context, Resource, Subject
from ostiary.policy.snapshot import PersonFact
from ostiary.rulebook.facade import apply_rules
from ostiary.rulebook.facts import read_rulebook
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.domain.events import account_change_event
from ostiary.visibility.domain.request_event import Source, read_access_line, request_event
from ostiary.visibility.domain.sign_in_events import sign_in_event
from ostiary.visibility.facade import Actor, index_new_decisions, index_new_events, new_uid
from ostiary.visibility.services import open_log

ACTOR: Final = Actor(kind="system", id="bench", label="the benchmark")
TEAMS: Final = tuple(GroupId(f"team-{number}") for number in range(40))
STAFF: Final = GroupId("staff")
CLERK: Final = RoleId("clerk")
APPS: Final = 40
SPAN_SECONDS: Final = 7 * 86400
BATCH: Final = 1000
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def fill(*, people: int, sessions: int, decisions: int, requests: int, events: int) -> None:
    """Make the company.

    Args:
        people: how many accounts; each is in two groups.
        sessions: how many of them are signed in.
        decisions: on record and indexed, spread over the last week.
        requests: likewise, that passed on a grant.
        events: likewise, sign-ins and changes of accounts.
    """
    chance = random.Random(7)
    with transaction.atomic():
        for group in (STAFF, *TEAMS):
            create_group(id=group, name=group.replace("-", " ").title(), description="For the benchmark", actor=ACTOR)
        for number in range(APPS):
            labels = ("restricted",) if number % 8 == 7 else ("internal",)
            add_app(f"app-{number}", upstream=f"http://10.20.0.{number + 1}:8080", labels=labels, actor=ACTOR)
        apply_rules(rules_document(), comment="For the benchmark", actor=ACTOR)
        staff = _hire(people)
        add_member(group_id=ADMINISTRATORS, person_id=PersonId(staff[0].id), actor=ACTOR)
        create_role(id=CLERK, owner=staff[0].email, groups=TEAMS[:2], actor=ACTOR)
        for person in staff[1:4]:
            assign_role(role_id=CLERK, person_id=PersonId(person.id), actor=ACTOR)
        _sign_in(staff[:sessions], chance)
    _put_on_record("decisions", _decisions(staff, decisions, chance))
    _put_on_record("requests", _requests(staff, requests, chance))
    _put_on_record("control", _events(staff, events, chance))
    while index_new_decisions(time.time(), limit=20_000):
        pass
    while index_new_events(time.time(), limit=20_000):
        pass


def rules_document() -> str:
    """Return one rule an app, with the conditions people really write, so that some requests pass and some do not."""
    rules = ["version: 1", "rules:"]
    for number in range(APPS):
        strength = "phishing-resistant" if number % 3 == 2 else "otp"
        rules.append(
            f"  - name: app-{number}\n    allow: group:team-{number}\n    to: app:app-{number}\n    do: [view, edit]"
        )
        rules.append(f"    when:\n      mfa: {strength}" + ("\n      risk: below 60" if number % 5 == 4 else ""))
        rules.append(f"  - name: app-{number}-front\n    allow: group:staff\n    to: app:app-{number}\n    do: view")
        rules.append("    paths: /\n    when:\n      mfa: any")
    rules.append("  - name: nobody-sees-restricted\n    deny: group:team-0\n    to: label:restricted")
    rules.append("  - name: administrators\n    allow: group:administrators\n    to: app:console\n    do: any")
    return "\n".join(rules) + "\n"


def begin_visit() -> tuple[PersonId, SignInSession]:
    """Sign the company's administrator in, and return who that is and their session."""
    person = Person.objects.filter(memberships__group_id=ADMINISTRATORS).order_by("email")[0]
    now = time.time()
    proofs = (
        Authentication("password", AuthStrength.SINGLE, now),
        Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, now),
    )
    who = PersonId(person.id)
    return who, begin_session(person_id=who, authentications=proofs, client=Client("192.0.2.1", BROWSER), now=now)


def _hire(count: int) -> list[Person]:
    now = datetime.now(UTC)
    people = [
        Person(
            email=f"person-{number:05d}@example.com",
            name=f"Person {number:05d}",
            password="!",
            created_at=now - timedelta(days=number % 900),
            accepted_at=None if number % 50 == 49 else now - timedelta(days=number % 900),
            is_active=number % 70 != 69,
            last_login=now - timedelta(minutes=number),
        )
        for number in range(count)
    ]
    Person.objects.bulk_create(people, batch_size=BATCH)
    Membership.objects.bulk_create(
        (
            Membership(person=person, group_id=group, granted_by=ACTOR.label, reason="Joined", granted_at=now)
            for number, person in enumerate(people)
            for group in (STAFF, TEAMS[number % len(TEAMS)])
        ),
        batch_size=BATCH,
    )
    Authenticator.objects.bulk_create(
        (Authenticator(user=person, type=Authenticator.Type.TOTP, data={}) for person in people[::2]), batch_size=BATCH
    )
    return people


def _sign_in(people: Sequence[Person], chance: random.Random) -> None:
    now = datetime.now(UTC)
    SessionRow.objects.bulk_create(
        (
            SessionRow(
                person=person,
                created_at=now - timedelta(minutes=chance.randrange(200)),
                last_seen_at=now - timedelta(seconds=chance.randrange(3600)),
                expires_at=now + timedelta(hours=8),
                complete=True,
                address=f"192.0.2.{number % 250}",
                user_agent=BROWSER,
                authentications=[["password", 1, now.timestamp() - 900], ["totp", 3, now.timestamp() - 890]],
            )
            for number, person in enumerate(people)
        ),
        batch_size=BATCH,
    )


def _decisions(people: Sequence[Person], count: int, chance: random.Random) -> Iterator[bytes]:
    catalogue, references, now = read_applications(), References(), time.time()
    engine = PolicyEngine(read_rulebook(), catalogue, Generation(1))
    for number in range(count):
        who = chance.randrange(len(people))
        app = AppId(f"app-{who % APPS if chance.random() < 0.8 else chance.randrange(APPS)}")
        at = now - SPAN_SECONDS * (count - number) / count
        path = chance.choice(("/", "/board", "/reports/2026", "/files/a/b/c"))
        request = AccessRequest(
            subject=Subject(
                person=PersonId(people[who].id),
                email=people[who].email,
                groups=frozenset({STAFF, TEAMS[who % len(TEAMS)]}),
                session=SessionId(f"s_{who}"),
                authentications=(
                    Authentication("password", AuthStrength.SINGLE, at - 900),
                    Authentication("totp", AuthStrength.OTP, at - 890),
                ),
            ),
            action=ActionClass.VIEW,
            resource=Resource(app=app, labels=frozenset(catalogue.apps[app].labels), path=path),
            context=Context(address=f"192.0.2.{who % 250}", country="DE", risk=chance.randrange(70)),
        )
        yield decision_event(
            reference=references.new(),
            at=at,
            request=request,
            decision=engine.decide(request, at),
            http=HttpFacts(
                method="GET", host=f"{app}.example.com", path=path, user_agent=BROWSER, peer="192.0.2.7:50112"
            ),
            person=PersonFact(id=PersonId(people[who].id), email=people[who].email, name=people[who].name, active=True),
        )


def _requests(people: Sequence[Person], count: int, chance: random.Random) -> Iterator[bytes]:
    begun = time.time() - SPAN_SECONDS
    for number in range(count):
        person, app = people[chance.randrange(len(people))], f"app-{chance.randrange(APPS)}"
        line = {
            "time": datetime.fromtimestamp(begun + SPAN_SECONDS * number / count, UTC).isoformat(),
            "method": "GET",
            "host": f"{app}.example.com",
            "path": "/board",
            "status": 200,
            "client": "192.0.2.7",
            "route": f"{app}/grant",
            "request": f"r-{number}",
            "grant_reference": "7F3K9-2QXAB",
            "grant_session": "s_1",
        }
        read = read_access_line(json.dumps(line).encode())
        yield request_event(read, source=Source("bench", number), person=(person.id, person.email))


def _events(people: Sequence[Person], count: int, chance: random.Random) -> Iterator[bytes]:
    begun = time.time() - SPAN_SECONDS
    for number in range(count):
        person, at = people[chance.randrange(len(people))], begun + SPAN_SECONDS * number / count
        if number % 4:
            event = sign_in_event(
                at=at,
                uid=new_uid(),
                email=person.email,
                success=bool(number % 9),
                person_id=person.id,
                methods=("password", "totp"),
                address="192.0.2.7",
                user_agent=BROWSER,
            )
        else:
            event = account_change_event(
                at=at,
                uid=new_uid(),
                actor=ACTOR,
                change="rename",
                person_id=person.id,
                email=person.email,
                name=person.name,
            )
        yield event.encoded


def _put_on_record(stream: str, lines: Iterator[bytes]) -> None:
    log = open_log(settings.INSTANCE, stream)
    while batch := list(islice(lines, BATCH)):
        log.append(batch)
    log.close()
