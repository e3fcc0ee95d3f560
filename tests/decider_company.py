"""A small company for tests of the decision service: its facts on disk, the service on them, requests to it."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ed25519

from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.config.secrets import read_secret
from ostiary.gateway.decider.answers import REFUSED_AS_UNAVAILABLE, UNAVAILABLE
from ostiary.gateway.decider.assembly import Parts, assemble
from ostiary.gateway.decider.service import ProxyService, Service
from ostiary.gateway.snapshots import beat, write_snapshot
from ostiary.gateway.tokens import (
    HandoverClaims,
    SessionClaims,
    bind_of,
    sign_handover,
    sign_session,
)
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label, PersonId, PolicyVersion, SessionId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.policy.snapshot import (
    AppFact,
    Catalogue,
    Directory,
    GrantKey,
    PersonFact,
    Rules,
    SessionFact,
    Sessions,
    Snapshot,
)
from tests.instance import make_instance_home

RULES = """\
version: 1
rules:
  - name: staff-use-wiki
    allow: group:staff
    to: app:wiki
    do: [view, edit]
  - name: staff-see-payroll-with-a-passkey
    allow: group:staff
    to: app:payroll
    do: [view]
    when:
      mfa: phishing-resistant
  - name: staff-see-public-files
    allow: group:staff
    to: app:files
    do: [view]
    paths: [/public/*]
"""

DOMAIN = "example.test"


def person(name: str, *, active: bool = True, groups: tuple[str, ...] = ("staff",), **more: Any) -> PersonFact:
    return PersonFact(
        id=PersonId(f"p-{name}"),
        email=f"{name}@{DOMAIN}",
        name=name.capitalize(),
        active=active,
        groups=tuple(map(GroupId, groups)),
        **more,
    )


def session(
    of: PersonFact, *, strength: AuthStrength = AuthStrength.OTP, seconds: float = 3600, name: str = ""
) -> SessionFact:
    now = time.time()
    return SessionFact(
        id=SessionId(name or f"s-{of.id}"),
        person=of.id,
        created_at=now - 10,
        expires_at=now + seconds,
        authentications=(
            Authentication(method="password", strength=AuthStrength.SINGLE, at=now - 10),
            Authentication(method="totp", strength=strength, at=now - 9),
        ),
    )


def app(name: str, **more: Any) -> AppFact:
    return AppFact(id=AppId(name), host=f"{name}.{DOMAIN}", name=name.capitalize(), **more)


ANNA = person("anna")
BEN = person("ben", groups=("guests",))
CARA = person("cara", active=False)
APPS = (
    app("wiki", identity_headers={"Remote-User": "email", "Remote-Groups": "groups", "Remote-Name": "name"}),
    app("payroll", labels=(Label("restricted"),), contact="payroll@example.test"),
    app("files"),
)


def company(
    generation: int = 1,
    *,
    rules: str = RULES,
    sessions: tuple[SessionFact, ...] | None = None,
    people: tuple[PersonFact, ...] = (ANNA, BEN, CARA),
    apps: tuple[AppFact, ...] = APPS,
) -> Snapshot:
    standing = sessions if sessions is not None else tuple(session(who) for who in people)
    return Snapshot(
        generation=Generation(generation),
        published_at=time.time(),
        versions={},
        identity=Directory(
            people={who.id: who for who in people}, groups={GroupId("staff"): "Staff", GroupId("guests"): "Guests"}
        ),
        sessions=Sessions(sessions={one.id: one for one in standing}),
        applications=Catalogue(apps={one.id: one for one in apps}),
        rulebook=Rules(document=rules, version=PolicyVersion(f"v{hash(rules) & 0xFFFF:x}")),
        grant_key=GRANT_KEY,
    )


GRANT_PRIVATE = ed25519.Ed25519PrivateKey.generate()
GRANT_KEY = GrantKey(kid="k1", private=GRANT_PRIVATE.private_bytes_raw())


@dataclass
class Reply:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    @property
    def problem(self) -> dict[str, Any]:
        assert self.one("content-type") == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        return found

    @property
    def text(self) -> str:
        return self.body.decode()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.response_empty(status, headers)
        self.body = body

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        assert not self.status, "a request is answered once"
        for name, value in headers:
            assert name == name.lower()
            assert isinstance(value, str)
            assert "\r" not in value
            assert "\n" not in value
        self.status, self.headers = self.as_the_client_sees(status), headers

    @staticmethod
    def as_the_client_sees(status: int) -> int:
        return UNAVAILABLE if status == REFUSED_AS_UNAVAILABLE else status


class Headers:
    def __init__(self, items: list[tuple[str, str]]) -> None:
        self._items = items

    def items(self) -> list[tuple[str, str]]:
        return self._items

    def get(self, key: str) -> str | None:
        return dict(self._items).get(key)


class House:
    """The service on an instance of its own; requests are calls."""

    def __init__(self, configuration: str = 'domain = "example.test"\norganisation = "Example"\n') -> None:
        self.home = make_instance_home(configuration)
        self.instance: Instance = load_instance(self.home, {})
        self.loop = asyncio.new_event_loop()
        self.parts: Parts | None = None
        self.service = Service()

    def publish(self, snapshot: Snapshot) -> None:
        write_snapshot(self.instance.facts, snapshot, durable=False)
        beat(self.instance.facts, time.time())
        if self.parts is not None:
            self.parts.decider.follower.load()

    def start(self) -> None:
        self.parts = assemble(self.instance, self.loop)
        self.service._parts = self.parts

    def stop(self) -> None:
        if self.parts is not None:
            self.parts.decider.follower.stop()
            if self.parts.decider.streams is not None:
                self.parts.decider.streams.stop()
            self.parts.audit.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def send(
        self, path: str, headers: list[tuple[str, str]], method: str = "GET", *, proxy: bool = False, query: str = ""
    ) -> Reply:
        path, _, inline = path.partition("?")
        scope = SimpleNamespace(
            proto="http", method=method, path=path, query_string=query or inline, headers=Headers(headers)
        )
        assert self.parts is not None
        target = ProxyService(self.parts) if proxy else self.service
        reply = Reply()
        self.loop.run_until_complete(target.__rsgi__(scope, reply))
        return reply

    def ask(
        self,
        app: str,
        path: str = "/",
        *,
        method: str = "GET",
        cookies: str = "",
        browser: bool = False,
        **headers: str,
    ) -> Reply:
        """Ask for a decision as our data plane does."""
        items = [
            ("host", f"{app}.{DOMAIN}"),
            ("x-ostiary-client", "192.0.2.7"),
            ("x-ostiary-peer", "192.0.2.7:50112"),
            *((("cookie", cookies),) if cookies else ()),
            *((("sec-fetch-mode", "navigate"), ("accept", "text/html")) if browser else ()),
            *((name.replace("_", "-"), value) for name, value in headers.items()),
        ]
        return self.send(f"/check{path}", items, method)

    def own(self, app: str, path: str, *, method: str = "GET", cookies: str = "", **headers: str) -> Reply:
        """Open one of our own pages on an app's host."""
        items = [
            ("host", f"{app}.{DOMAIN}"),
            *((("cookie", cookies),) if cookies else ()),
            *((name.replace("_", "-"), value) for name, value in headers.items()),
        ]
        return self.send(path, items, method)

    def cookie(self, who: PersonFact, app: str, *, session: str = "") -> str:
        claims = SessionClaims(app=AppId(app), person=who.id, session=SessionId(session or f"s-{who.id}"))
        key = read_secret(self.instance.secrets, "session.key").reveal()
        return f"__Host-ostiary-session={sign_session(key, claims, now=time.time())}"

    def code(
        self, who: PersonFact, audience: str, begin: str, *, return_path: str = "/page", jti: str = "j1", **changes: Any
    ) -> str:
        now = time.time()
        claims = HandoverClaims(
            app=AppId(audience),
            person=who.id,
            session=SessionId(f"s-{who.id}"),
            bind=bind_of(begin),
            return_path=return_path,
            issued_at=now,
            expires_at=now + 30,
            jti=jti,
        )
        key = read_secret(self.instance.secrets, "handover.key").reveal()
        return sign_handover(key, msgspec.structs.replace(claims, **changes))

    def events(self) -> list[dict[str, Any]]:
        """Every decision on record, in order."""
        found = []
        for path in sorted((self.instance.audit / "decisions").glob("*")):
            if path.suffix == ".lock":
                continue
            for line in path.read_bytes().splitlines():
                record = json.loads(line)
                event = record.get("event", record)
                if event.get("class_uid") == 4002:
                    found.append(event)
        return found


@contextmanager
def open_house(snapshot: Snapshot | None = None, configuration: str | None = None) -> Iterator[House]:
    house = House(configuration) if configuration is not None else House()
    try:
        if snapshot is not None:
            house.publish(snapshot)
        house.start()
        yield house
    finally:
        house.stop()


def facts_folder(house: House) -> Path:
    return house.instance.facts
