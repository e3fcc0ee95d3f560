"""A program that asks the decision service over the AuthZEN API, and the company it asks about."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

from ostiary.gateway.decider.service import ProxyService
from ostiary.policy.snapshot import ClientFact, Clients, PersonFact, SessionFact, Snapshot
from tests.decider_company import ANNA, BEN, CARA, DOMAIN, Headers, House, Reply, company, session

PORT = 9100
CONFIGURATION = f"""\
domain = "{DOMAIN}"
[decisions]
forward_auth_port = {PORT}
[authzen]
enabled = true
on_gateway = true
questions_per_second = 100000
"""
RULES = """\
version: 1
rules:
  - name: staff-use-wiki
    allow: group:staff
    to: app:wiki
    do: [view, edit]
  - name: payroll-with-a-passkey
    allow: group:staff
    to: app:payroll
    do: [view]
    when:
      mfa: {method: phishing-resistant, within: 1h}
      device: {managed: true}
      networks: [192.0.2.0/24]
      countries: [DE]
      risk: below 60
  - name: nobody-deletes-payroll
    deny: group:staff
    to: app:payroll
    do: [delete]
    describe: Payroll is kept for ten years
  - name: staff-see-public-files
    allow: group:staff
    to: app:files
    do: [view]
    paths: [/public/*]
    require: [record]
  - name: the-backup-reads-files
    allow: service:backup
    to: app:files
    do: [view]
"""
ASKER = "ostiary_asker"
SEARCHER = "ostiary_searcher"
FAR = 4_000_000_000.0


def client(name: str, token: str, *, expires_at: float = FAR, may_search: bool = False) -> ClientFact:
    digest = hashlib.sha256(token.encode()).digest()
    return ClientFact(name=name, digest=digest, expires_at=expires_at, may_search=may_search)


CLIENTS = (
    client("asker", ASKER),
    client("searcher", SEARCHER, may_search=True),
    client("expired", "ostiary_expired", expires_at=time.time() - 1),
)


def asked_company(
    generation: int = 1,
    *,
    clients: tuple[ClientFact, ...] = CLIENTS,
    people: tuple[PersonFact, ...] = (ANNA, BEN, CARA),
    sessions: tuple[SessionFact, ...] | None = None,
    **changes: Any,
) -> Snapshot:
    standing = sessions if sessions is not None else (session(ANNA), session(BEN), session(CARA))
    made = company(generation, **{"rules": RULES, **changes}, people=people, sessions=standing)
    return msgspec.structs.replace(made, clients=Clients(clients=clients))


def question(
    subject: str = "anna@example.test",
    action: str = "view",
    resource: str = "wiki",
    *,
    path: str | None = None,
    session: str | None = None,
    kind: str = "person",
    **context: Any,
) -> dict[str, Any]:
    """One question, as the specification writes it."""
    who: dict[str, Any] = {"type": kind, "id": subject}
    what: dict[str, Any] = {"type": "app", "id": resource}
    if session is not None:
        who["properties"] = {"session": session}
    if path is not None:
        what["properties"] = {"path": path}
    return {"subject": who, "action": {"name": action}, "resource": what, **({"context": context} if context else {})}


class Asking(Reply):
    """One request with a body."""

    def __init__(self, *parts: bytes) -> None:
        super().__init__()
        self._parts = parts
        self.begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.begun = True
        for part in self._parts:
            yield part

    @property
    def json(self) -> Any:
        assert self.one("content-type") == "application/json", self.text
        return json.loads(self.body)


class Sent(NamedTuple):
    """One request on its way: who answers it, what it says, where the answer goes."""

    target: Any
    scope: Any
    asking: Asking


def send(
    house: House,
    path: str,
    content: Any = None,
    *,
    token: str | None = ASKER,
    method: str = "POST",
    headers: tuple[tuple[str, str], ...] = (),
    content_type: str = "application/json",
    gateway: bool = False,
    host: str = f"127.0.0.1:{PORT}",
) -> Sent:
    """Make a request for the loopback port, or one as the gateway passes it on."""
    body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
    items = [
        ("host", f"id.{DOMAIN}" if gateway else host),
        *([("authorization", f"Bearer {token}")] if token is not None else []),
        *([("content-type", content_type)] if content_type else []),
        *headers,
    ]
    asking = Asking(body[: len(body) // 2], body[len(body) // 2 :])
    assert house.parts is not None
    target = house.service if gateway else ProxyService(house.parts)
    return Sent(target, scope_of(method, path, items), asking)


def scope_of(method: str, path: str, items: list[tuple[str, str]]) -> Any:
    """What Granian tells of a request."""
    return SimpleNamespace(
        proto="http", client="127.0.0.1:50112", method=method, path=path, query_string="", headers=Headers(items)
    )


def ask(house: House, path: str, content: Any = None, **more: Any) -> Asking:
    """Ask and wait for the answer; arguments as for `send`."""
    (answer,) = ask_together(house, send(house, path, content, **more))
    return answer


def ask_together(house: House, *sent: Sent) -> list[Asking]:
    """Ask at once; return the answers in the order in which they were asked."""

    async def together() -> None:
        await asyncio.gather(*[target.__rsgi__(scope, asking) for target, scope, asking in sent])

    house.loop.run_until_complete(together())
    return [one.asking for one in sent]


def decide(house: House, content: dict[str, Any], *, token: str = ASKER) -> dict[str, Any]:
    """Ask one question; return the answer."""
    answer = ask(house, "/access/v1/evaluation", content, token=token)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found
