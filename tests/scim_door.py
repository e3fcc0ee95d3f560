"""Requests of directories inside one process, without a network."""

import json
from typing import Any

from ostiary.scim.door import Door
from ostiary.scim.exchange import Answer, Asked
from ostiary.scim.queries.views import Viewer
from ostiary.visibility.facade import Actor

ROOT = Actor(kind="machine", id="os:root", label="root")
BASE = "https://id.example.test/scim/v2"


def ask(
    method: str, place: str, content: Any = None, *, client: str = "okta", if_match: str = "", if_none_match: str = ""
) -> Answer:
    """Answer one request; the parameters of the address stand behind a question mark, as they are meant."""
    path, _, query = place.partition("?")
    actor = Actor(kind="machine", id=f"scim:{client}", label=f"scim:{client}")
    return Door(Viewer(client=client, base=BASE), actor).answer(
        Asked(
            method=method,
            path=path,
            query=dict(part.split("=", 1) for part in query.split("&") if part),
            body=b"" if content is None else json.dumps(content).encode(),
            if_match=if_match,
            if_none_match=if_none_match,
        )
    )


def get(place: str, *, client: str = "okta") -> Any:
    answer = ask("GET", place, client=client)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def post(kind: str, content: Any, *, client: str = "okta") -> Any:
    answer = ask("POST", f"/{kind}", content, client=client)
    assert answer.status == 201, answer.body
    return json.loads(answer.body)


def patch(place: str, *operations: dict[str, Any], client: str = "okta", if_match: str = "") -> Answer:
    return ask("PATCH", place, {"Operations": list(operations)}, client=client, if_match=if_match)


def why(answer: Answer) -> tuple[int, str]:
    """Return what went wrong: the status, and the words with their keyword."""
    said = json.loads(answer.body)
    assert said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert said["status"] == str(answer.status)
    return answer.status, f"{said.get('scimType', '')} {said.get('detail', '')}".strip()
