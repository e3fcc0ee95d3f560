"""Device management elsewhere, as tests need one: Fleet, Intune and Jamf Pro's interfaces on this machine, from their documentation.

Shapes: Fleet, REST API, "List hosts" and "Get host"; Microsoft Graph v1.0, `managedDevice`; Jamf Pro API, `computers-inventory` and
client credentials. The values are our own.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SECRET = "only-for-tests"
CLIENT = "a-client"


def fleet_host(number: int, **more: Any) -> dict[str, Any]:
    """Return a host as Fleet lists it; lists leave out whether its disk is encrypted."""
    return {
        "id": number,
        "hostname": f"laptop-{number}.local",
        "display_name": f"Laptop {number}",
        "platform": "darwin",
        "os_version": "macOS 15.6.1",
        "uuid": f"0000000{number}-AAAA-BBBB-CCCC-DDDDDDDDDDDD",
        "hardware_serial": f"C02F{number:04d}",
        "detail_updated_at": "2026-11-22T21:07:53Z",
        "seen_time": "2026-11-22T21:14:58Z",
        "status": "online",
        "mdm": {"enrollment_status": "On (automatic)", "server_url": "https://fleet.example.test/mdm", "name": "Fleet"},
        "device_mapping": [{"email": "ada@example.test", "source": "google_chrome_profiles"}],
        **more,
    }


def intune_device(number: int, **more: Any) -> dict[str, Any]:
    """Return a device as Microsoft Graph lists it."""
    return {
        "id": f"705c034c-034c-705c-4c03-{number:012d}",
        "deviceName": f"PC-{number}",
        "serialNumber": f"5CG{number:05d}",
        "userPrincipalName": "Ada@Example.test",
        "emailAddress": "",
        "operatingSystem": "Windows",
        "osVersion": "10.0.26100.2314",
        "isEncrypted": True,
        "complianceState": "compliant",
        "managementAgent": "mdm",
        "lastSyncDateTime": "2026-11-22T21:07:53.1234567Z",
        **more,
    }


def jamf_computer(number: int, **sections: Any) -> dict[str, Any]:
    """Return a computer as Jamf Pro lists it."""
    return {
        "id": str(number),
        "udid": f"1111111{number}-AAAA-BBBB-CCCC-DDDDDDDDDDDD",
        "general": {
            "name": f"mac-{number}",
            "reportDate": "2026-11-22T21:07:53.123Z",
            "lastContactTime": "2026-11-22T22:00:00.000Z",
            "remoteManagement": {"managed": True, "managementUsername": ""},
        },
        "hardware": {"serialNumber": f"FVFH{number:04d}"},
        "operatingSystem": {
            "name": "macOS",
            "version": "15.6.1",
            "build": "24G90",
            "fileVault2Status": "BOOT_ENCRYPTED",
        },
        "security": {"sipStatus": "ENABLED", "firewallEnabled": True, "secureBootLevel": "FULL_SECURITY"},
        "diskEncryption": {
            "bootPartitionEncryptionDetails": {
                "partitionName": "Macintosh HD",
                "partitionFileVault2State": "ENCRYPTED",
                "partitionFileVault2Percent": 100,
            }
        },
        "userAndLocation": {"username": "ada", "realname": "Ada", "email": "ada@example.test"},
        **sections,
    }


class ManagementThere:
    """Serves what the three vendors serve, without TLS, on a free port of the loopback address.

    `answers`: what comes instead of the next answers, the first first: a status, its headers and its body.
    `encrypted`: what Fleet's page of one host says of its disk.
    """

    def __init__(self) -> None:
        self.hosts: list[Any] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.forms: list[dict[str, list[str]]] = []
        self.encrypted: bool | None = True
        self.next_host = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_GET(self) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, headers, said = outer.answer(
                    self.command, self.path, self.headers.get("authorization", ""), body.decode()
                )
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_POST = do_GET  # noqa: N815 - the library's name

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)

    def forget(self) -> None:
        """Be as new."""
        self.hosts, self.answers, self.asked, self.forms = [], [], [], []
        self.tokens, self.encrypted, self.next_host = set(), True, ""

    def answer(self, method: str, path: str, authorization: str, body: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        if parts.path.endswith("/token"):
            return self._give_token(body)
        if self.answers:
            return self.answers.pop(0)
        token = authorization.removeprefix("Bearer ")
        fleet = parts.path.startswith("/api/v1/fleet/")
        if token != SECRET if fleet else token not in self.tokens:
            return 401, {}, b'{"error": "unauthorized"}'
        return 200, {}, json.dumps(self._said(parts.path, query)).encode()

    def _give_token(self, body: str) -> tuple[int, dict[str, str], bytes]:
        form = parse_qs(body)
        self.forms.append(form)
        if form.get("client_secret") != [SECRET] or form.get("grant_type") != ["client_credentials"]:
            return 401, {}, b'{"error": "invalid_client"}'
        token = f"token-{len(self.forms)}"
        self.tokens = {token}
        return 200, {}, json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 59}).encode()

    def _said(self, path: str, query: dict[str, list[str]]) -> Any:
        if path == "/api/v1/fleet/hosts":
            start = int(query["page"][0]) * int(query["per_page"][0])
            return {"hosts": self.hosts[start : start + int(query["per_page"][0])]}
        if path.startswith("/api/v1/fleet/hosts/"):
            host = next(one for one in self.hosts if str(one["id"]) == path.rpartition("/")[2])
            return {"host": host if self.encrypted is None else {**host, "disk_encryption_enabled": self.encrypted}}
        if path == "/v1.0/deviceManagement/managedDevices":
            start, size = int(query.get("$skiptoken", ["0"])[0]), int(query["$top"][0])
            page: dict[str, Any] = {"value": self.hosts[start : start + size]}
            if start + size < len(self.hosts):
                where = self.next_host or self.address
                page["@odata.nextLink"] = f"{where}{path}?$top={size}&$skiptoken={start + size}"
            return page
        assert path == "/api/v1/computers-inventory", path
        start = int(query["page"][0]) * int(query["page-size"][0])
        return {"totalCount": len(self.hosts), "results": self.hosts[start : start + int(query["page-size"][0])]}
