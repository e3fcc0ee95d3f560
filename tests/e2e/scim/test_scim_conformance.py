"""The published SCIM conformance suite against a running instance, over TLS through the gateway, nothing left out."""

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from tests.running_instance import RunningInstance
from tests.scim_asking import directory

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


class ThisMachine(httpx2.HTTPTransport):
    """Connects every host to the loopback address; the names in TLS and in `Host` stay what they are."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


def test_the_published_conformance_suite_finds_nothing(running: RunningInstance) -> None:
    with directory(running, "conformance") as client:
        network = httpx2.Client(
            base_url=running.url("id", "/scim/v2"),
            headers={"authorization": f"Bearer {client.token}"},
            transport=ThisMachine(verify=running.trust()),
            timeout=60,
        )
        with network:
            results = check_server(SyncSCIMClient(network))
    found = [one for one in results if one.status not in {Status.SUCCESS, Status.COMPLIANT}]
    assert not found, "\n".join(f"{one.resource_type} {one.title}: {one.status} {one.reason}" for one in found)
    assert len(results) > 50
