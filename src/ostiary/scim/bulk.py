"""Answers a bulk request: each operation as the single request it stands for, in a transaction of its own.

What was done stays done when a later operation fails, as the standard has it; a transaction around all of them would also keep
everybody else's changes waiting for as long as it takes.
Source: RFC 7644, section 3.7.
"""

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import structlog
from scim2_models import Error

from ostiary.scim.domain.bulk import Job, Operation, order_of, read_job, resolved, resolved_resource
from ostiary.scim.domain.habits import Json
from ostiary.scim.exchange import Answer, Asked, failure
from ostiary.scim.queries.views import Viewer

MAX_BULK_SECONDS: Final = 60.0
_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

log = structlog.get_logger(__name__)


def answer_bulk(body: Any, answer: Callable[[Asked], Answer], viewer: Viewer) -> Answer:
    """Do what a bulk request asks for, one operation after the other, and say how each went.

    Args:
        body: parsed JSON.
        answer: answers a single request, whatever goes wrong.
        viewer: the client, and the address of the service.

    Raises:
        SCIMException: when the request as a whole cannot be right; nothing is done then.
    """
    job = read_job(body)
    carrying = _Carrying(job, answer, viewer)
    done = carrying.carried_out()
    said = {"schemas": [_RESPONSE], "Operations": [done[number] for number in sorted(done)]}
    return Answer(200, json.dumps(said).encode(), operations=max(1, carrying.tried))


class _Carrying:
    """One bulk request under way."""

    def __init__(self, job: Job, answer: Callable[[Asked], Answer], viewer: Viewer) -> None:
        self._job = job
        self._answer = answer
        self._viewer = viewer
        self._created: dict[str, str] = {}
        self.tried = 0

    def carried_out(self) -> dict[int, Json]:
        """Return how each operation went, by its place; without those that were not tried because of `failOnErrors`."""
        order, circular = order_of(self._job.operations)
        ends = time.monotonic() + MAX_BULK_SECONDS
        done: dict[int, Json] = {}
        errors = 0
        for number in (*circular, *order):
            if self._job.errors is not None and errors >= self._job.errors:
                break
            operation = self._job.operations[number]
            if number in circular:
                found = _refused(
                    409, "Operations refer to each other in a circle. Create first, then link with a PATCH."
                )
            elif time.monotonic() > ends:
                found = _refused(503, "This took too long and was not tried. Send the rest in a request of its own.")
            else:
                found = self._tried(operation)
            errors += found.status >= 400
            done[number] = self._said(operation, found)
        return done

    def _tried(self, operation: Operation) -> Answer:
        if operation.fault:
            return _refused(400, operation.fault)
        missing = sorted(operation.needs() - self._created.keys())
        if missing:
            return _refused(400, f"Nothing was created as bulkId {missing[0][:60]!r}.")
        resource = resolved_resource(operation.resource, self._created)
        asked = Asked(
            method=operation.method,
            path=f"/{operation.kind}/{resource}" if resource else f"/{operation.kind}",
            query={} if operation.method == "DELETE" else {"attributes": "id"},
            body=b"" if operation.data is None else json.dumps(resolved(operation.data, self._created)).encode(),
            if_match=operation.version if resource else "",
        )
        self.tried += 1
        try:
            found = self._answer(asked)
        except Exception:
            log.exception("scim_bulk_operation_failed", client=self._viewer.client, method=operation.method)
            return _refused(500, "The operation could not be carried out; the log says why.")
        if found.status == 201:
            self._created[operation.bulk_id] = json.loads(found.body)["id"]
        return found

    def _said(self, operation: Operation, found: Answer) -> Json:
        """Return the entry of an operation in the answer."""
        headers = dict(found.headers)
        resource = self._created.get(operation.bulk_id, "") if operation.method == "POST" else operation.resource
        if operation.method != "POST" and not operation.needs() - self._created.keys():
            resource = resolved_resource(resource, self._created)
        entry = {
            "method": operation.method,
            "bulkId": operation.bulk_id,
            "version": headers.get("ETag", ""),
            "location": self._viewer.url(operation.kind, resource) if resource and not operation.fault else "",
            "status": str(found.status),
            "response": json.loads(found.body) if found.status >= 400 else None,
        }
        return {name: value for name, value in entry.items() if value}


@lru_cache(maxsize=16)
def _refused(status: int, words: str) -> Answer:
    return failure(Error(status=status, scim_type="invalidValue" if status == 400 else None, detail=words))
