"""The published SCIM conformance suite against a running instance, over TLS through the gateway, nothing left out."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Error
from scim2_tester import Status, check_server
from tests.running_instance import IDENTITY, RunningInstance
from tests.scim_asking import directory, unique

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


class ThisMachine(httpx2.HTTPTransport):
    """Connects every host to the loopback address; the names in TLS and in `Host` stay what they are."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


@contextmanager
def published_client(running: RunningInstance, name: str) -> Iterator[SyncSCIMClient]:
    """Return the published client, with a token for a while."""
    with directory(running, name) as client:
        network = httpx2.Client(
            base_url=running.url("id", "/scim/v2"),
            headers={"authorization": f"Bearer {client.token}"},
            transport=ThisMachine(verify=running.trust()),
            timeout=60,
        )
        with network:
            yield SyncSCIMClient(network)


def test_the_published_conformance_suite_finds_nothing(running: RunningInstance) -> None:
    with published_client(running, "conformance") as client:
        results = check_server(client)
    found = [one for one in results if one.status not in {Status.SUCCESS, Status.COMPLIANT}]
    assert not found, "\n".join(f"{one.resource_type} {one.title}: {one.status} {one.reason}" for one in found)
    assert len(results) > 50


def test_the_published_client_reads_the_answers_to_several_operations_at_once(running: RunningInstance) -> None:
    """It checks what it gets against the standard, and does not send what the service says it does not take."""
    name, group = unique("ada"), unique("group")
    create = {"method": "POST", "bulkId": "a", "path": "/Users", "data": {"userName": f"{name}@corp.test"}}
    fill = {
        "method": "POST",
        "bulkId": "g",
        "path": "/Groups",
        "data": {"displayName": group, "members": [{"value": "bulkId:a"}]},
    }
    with published_client(running, "bulk") as client:
        client.discover()
        operations = [fill, create, {**create, "bulkId": "again"}, {"method": "DELETE", "path": "/Users/nobody"}]
        said = client.bulk({"Operations": operations}, check_request_payload=False)
    assert not isinstance(said, (Error, dict)), said
    assert [one.status for one in said.operations or ()] == [201, 201, 409, 404]
    members = running.operator(f"{IDENTITY}:list_members", group, acting=False)
    assert [one["email"] for one in members] == [f"{name}@corp.test"]
