"""A month in a company, as requests: who opened what, when, from where, with which proof. Import it when Django is set up.

Every decision is the policy engine's own and is put on record as the decision service does; what passed on grants as the
worker does. Between people's visits to an app lie minutes, and within one they click.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Final

import msgspec
from django.conf import settings

from ostiary.policy.decision import Allow, Decision
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label, PersonId, PolicyVersion, SessionId
from ostiary.policy.request import AccessRequest, ActionClass, Authentication, AuthStrength, Context, Resource, Subject
from ostiary.policy.snapshot import AppFact, Catalogue, PersonFact, Rules
from ostiary.visibility.adapters.audit_log import AuditLog
from ostiary.visibility.domain.decision_event import HttpFacts, decision_event
from ostiary.visibility.domain.request_event import AccessLine, Source, request_event
from ostiary.visibility.services import open_log

PEOPLE: Final = 250
TEAMS: Final = 12
APPS: Final = 16
WORKDAYS: Final = 22
PATHS_AN_APP: Final = 1500
OFFICE: Final = ("203.0.113.4", "203.0.113.5", "198.51.100.20")
DAY_SECONDS: Final = 86_400
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IN_FORCE: Final = """\
version: 1
rules:
  - name: staff-use-internal-apps
    allow: group:staff
    to: label:internal
    do: [view, edit]
    when: {mfa: otp}
  - name: contractors-by-day
    allow: group:contractors
    to: [app:app-0, app:app-1, app:app-2]
    do: [view, edit]
    when: {mfa: {method: otp, within: 12h}, hours: Mon-Fri 06:00-22:00 Europe/Berlin}
  - name: finance
    allow: group:team-0
    to: label:restricted
    do: any
    when: {mfa: otp, risk: below 70}
  - name: leads-delete
    allow: group:leads
    to: label:internal
    do: delete
    when: {mfa: otp}
  - name: no-settings-from-outside
    deny: anyone
    to: app:app-3
    paths: /settings/*
    unless: {networks: [203.0.113.0/24, 198.51.100.0/24]}
"""
CANDIDATE: Final = (
    IN_FORCE.replace("do: any\n    when: {mfa: otp, risk: below 70}", "do: any\n    when: {mfa: phishing-resistant}")
    .replace("06:00-22:00", "08:00-17:00")
    .replace("within: 12h", "within: 4h")
    .replace(
        "to: app:app-3\n    paths: /settings/*", "to: [app:app-3, app:app-4]\n    paths: [/settings/*, /reports/*]"
    )
)


class Asked(msgspec.Struct, frozen=True, order=True):
    """One request and the answer; `on` is the reference of the decision behind a request on a grant, else empty."""

    at: float
    reference: str
    on: str = ""
    request: AccessRequest | None = None
    decision: Decision | None = None
    path: str = "/"


def put_on_record(asked: list[Asked], logs: dict[str, AuditLog]) -> None:
    """Write requests, in the order of time, to the two streams of the record."""
    decisions, requests = [], []
    for one in asked:
        if one.request is not None and one.decision is not None:
            decisions.append(_decided(one, one.request, one.decision))
        else:
            requests.append(_passed(one))
    for stream, events in (("decisions", decisions), ("requests", requests)):
        for start in range(0, len(events), 1000):
            logs[stream].append(events[start : start + 1000])


def open_logs() -> dict[str, AuditLog]:
    """Return the writing ends of both streams."""
    return {stream: open_log(settings.INSTANCE, stream) for stream in ("decisions", "requests")}


def a_month(requests: int, *, ends_at: float) -> Iterator[list[Asked]]:
    """Yield the requests of each working day, in the order of time.

    Args:
        requests: how many in all, about.
        ends_at: the end of the last day, seconds since the epoch.
    """
    chance = random.Random(11)
    engine = PolicyEngine(Rules(document=IN_FORCE, version=PolicyVersion("bench")), catalogue(), Generation(1))
    numbers = iter(range(1 << 40))
    days = [day for day in range(60) if datetime.fromtimestamp(ends_at - day * DAY_SECONDS, UTC).weekday() < 5]
    for day in reversed(days[:WORKDAYS]):
        begin = ends_at - (day + 1) * DAY_SECONDS
        a_person = requests // WORKDAYS // PEOPLE
        walks = [
            islice(_a_day(number, begin, engine, random.Random(chance.random()), numbers), a_person)
            for number in range(PEOPLE)
        ]
        yield list(merge(*[sorted(walk) for walk in walks]))


def catalogue() -> Catalogue:
    """Return the apps."""
    ids = [AppId(f"app-{number}") for number in range(APPS)]
    return Catalogue(
        apps={one: AppFact(id=one, host=f"{one}.example.com", name=one, labels=(_label(one),)) for one in ids}
    )


def _label(app: AppId) -> Label:
    return Label("restricted" if app.endswith("5") else "internal")


def _a_day(
    number: int, begin: float, engine: PolicyEngine, chance: random.Random, numbers: Iterator[int]
) -> Iterator[Asked]:
    """One person's day: signed in in the morning, then visit after visit; clicks on a grant where there is one."""
    at = begin + 6 * 3600 + chance.random() * 3 * 3600
    subject = _subject(number, at, chance)
    address = chance.choice(OFFICE) if chance.random() < 0.7 else f"192.0.2.{number % 250}"
    while True:
        at += chance.expovariate(1 / 240)
        app = AppId(f"app-{min(int(chance.expovariate(0.35)), APPS - 1)}")
        action = chance.choices([ActionClass.VIEW, ActionClass.EDIT, ActionClass.DELETE], [80, 18, 2])[0]
        request = AccessRequest(
            subject=subject,
            action=action,
            resource=Resource(app=app, labels=frozenset({_label(app)}), path=_path(chance)),
            context=Context(address=address, country="DE", risk=chance.choice([0, 0, 0, 10, 20])),
        )
        decision = engine.decide(request, at)
        reference = f"{next(numbers):010d}"
        yield Asked(at, reference, request=request, decision=decision, path=request.resource.path)
        if isinstance(decision, Allow) and action is ActionClass.VIEW and not decision.per_request:
            for _ in range(int(chance.expovariate(1 / 4))):
                at += chance.random() * 8
                yield Asked(at, f"{next(numbers):032x}", on=reference, path=_path(chance))


def _path(chance: random.Random) -> str:
    place = int(chance.paretovariate(0.6)) % PATHS_AN_APP
    return f"/{chance.choice(('pages', 'pages', 'pages', 'reports', 'settings'))}/{place}"


def _subject(number: int, at: float, chance: random.Random) -> Subject:
    groups = ["everyone", "contractors" if number % 9 == 8 else "staff", f"team-{number % TEAMS}"]
    groups += ["leads"] if number % 15 == 0 else []
    second = ("webauthn", AuthStrength.PHISHING_RESISTANT) if number % 3 else ("totp", AuthStrength.OTP)
    return Subject(
        person=PersonId(f"p{number:031x}"),
        email=f"person-{number}@example.com",
        groups=frozenset(map(GroupId, groups)),
        session=SessionId(f"{chance.getrandbits(128):032x}"),
        authentications=(Authentication("password", AuthStrength.SINGLE, at), Authentication(*second, at + 5)),
    )


def _decided(one: Asked, request: AccessRequest, decision: Decision) -> bytes:
    app, person = request.resource.app, request.subject.person or PersonId("")
    http = HttpFacts(
        method={ActionClass.VIEW: "GET", ActionClass.EDIT: "POST"}.get(request.action, "DELETE"),
        host=f"{app}.example.com",
        path=request.resource.path,
        version="HTTP/2",
        user_agent=BROWSER,
        request_id=one.reference,
        peer=f"{request.context.address}:50112",
    )
    email = request.subject.email or ""
    fact = PersonFact(id=person, email=email, name=email, active=True, groups=tuple(sorted(request.subject.groups)))
    return decision_event(
        reference=one.reference, at=one.at, request=request, decision=decision, http=http, person=fact
    )


def _passed(one: Asked) -> bytes:
    line = AccessLine(
        time=datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds"),
        request=one.reference,
        grant_reference=one.on,
        route="app/grant",
        method="GET",
        host="app.example.com",
        path=one.path,
        status=200,
        client="203.0.113.4",
        user_agent=BROWSER,
    )
    return request_event(line, source=Source("bench", 0))
