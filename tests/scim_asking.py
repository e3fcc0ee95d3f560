"""A directory that keeps people and groups at a running instance by SCIM, as Entra ID and Okta do."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.running_instance import RunningInstance

CORE = "urn:ietf:params:scim:schemas:core:2.0"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Directory:
    """One client with its token."""

    def __init__(self, running: RunningInstance, name: str, token: str) -> None:
        self.running = running
        self.name = name
        self.token = token
        self._client = running.client()

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """Send one request through the gateway."""
        given = {"authorization": f"Bearer {self.token}", "accept": "application/scim+json"}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        body: dict[str, Any] = {}
        if content is not None:
            given.setdefault("content-type", "application/scim+json")
            body = {"content": content if isinstance(content, bytes) else json.dumps(content).encode()}
        return self._client.send(method, "id", f"/scim/v2{path}", headers=given, **body)

    def made(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """Create a resource."""
        answer = self.ask("POST", f"/{kind}", content)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def patch(self, place: str, *operations: dict[str, Any], **headers: str) -> httpx.Response:
        """Change a resource."""
        return self.ask("PATCH", place, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def found(self, kind: str, **query: str) -> dict[str, Any]:
        """Search."""
        answer = self.ask("GET", f"/{kind}?{httpx.QueryParams(query)}")
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def close(self) -> None:
        self._client.close()


def unique(word: str) -> str:
    """Return a word nobody has used."""
    return f"{word}-{uuid.uuid4().hex[:8]}"


@contextmanager
def directory(running: RunningInstance, name: str) -> Iterator[Directory]:
    """Add a client for a while."""
    name = unique(name)
    token = running.command("scim", "client", "add", name).strip()
    client = Directory(running, name, token)
    try:
        yield client
    finally:
        client.close()
        states = json.loads(running.command("scim", "client", "list", "--json"))
        if any(one["name"] == name and one["state"] == "works" for one in states):
            running.command("scim", "client", "revoke", name, "--yes")
