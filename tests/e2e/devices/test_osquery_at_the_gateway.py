"""osqueryd's requests as it puts them on the wire, through the gateway of a running instance."""

import json
from typing import Any

import pytest
from tests.osquery_host import OsqueryHost
from tests.running_instance import RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]


def test_osqueryd_enrols_is_told_what_to_do_tells_and_is_put_out(running: RunningInstance) -> None:
    def post(path: str, body: bytes) -> tuple[int, Any]:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {{authority}}\r\nUser-Agent: osquery/5.12.1\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        answer = running.raw("id", head.encode() + body)
        return answer.status, json.loads(answer.body)

    host = OsqueryHost(post, running.command("osquery", "secret", "add", "gateway").strip())
    stranger = OsqueryHost(post, "ostiary_wrong")
    assert not stranger.enroll()
    assert stranger.config() == {"node_invalid": True}
    assert host.enroll()
    assert "ostiary_os_version" in host.config()["schedule"]
    assert host.distributed({"ostiary_os_version": [{"name": "Debian", "version": "12"}]})
    assert host.log(host.snapshot("ostiary_start_volume", {"encrypted": "1"})) == {"node_invalid": False}
    (seen,) = json.loads(running.command("osquery", "hosts", "--unlinked", "--json"))
    assert (seen["name"], seen["address"], seen["secret"]) == ("ada-laptop", "127.0.0.1", "gateway")
    running.command("osquery", "remove", str(seen["id"]), "--yes")
    assert host.config() == {"node_invalid": True}
    running.command("osquery", "secret", "revoke", "gateway", "--yes")
    assert not host.enroll()
