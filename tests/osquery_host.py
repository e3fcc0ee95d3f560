"""osqueryd as far as the wire goes: what it posts and what it does with the answers, as osquery's documentation says.

Source: osquery, "Remotely interfacing osquery" and "Logging" (snapshot results). Values are texts, as without `--logger_numerics`.
"""

import json
import time
from collections.abc import Callable
from typing import Any

Post = Callable[[str, bytes], tuple[int, Any]]

DETAILS = {
    "os_version": {"_id": "12", "codename": "bookworm", "major": "12", "name": "Debian GNU/Linux", "platform": "debian",
        "platform_like": "", "version": "12 (bookworm)"},
    "osquery_info": {"build_platform": "linux", "version": "5.12.1", "pid": "812", "config_valid": "0"},
    "system_info": {"computer_name": "ada-laptop", "hostname": "ada-laptop", "hardware_serial": "PF3K9Q2X",
        "hardware_model": "20XW", "hardware_vendor": "LENOVO", "uuid": "4C4C4544-0042-3510-8051-B4C04F4D3132"},
    "platform_info": {"vendor": "LENOVO", "version": "N32ET"},
}  # fmt: skip


class OsqueryHost:
    """One osqueryd.

    Args:
        post: sends a body to a path of the server; returns the status and the answer, read as JSON.
        secret: what stands in the file of its enrol secret.
        identifier: by `--host_identifier`.
    """

    def __init__(self, post: Post, secret: str, *, identifier: str = "4C4C4544-0042-3510-8051-B4C04F4D3132") -> None:
        self._post = post
        self.secret = secret
        self.identifier = identifier
        self.node_key = ""

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        return self._post(f"/osquery/{path}", json.dumps(body).encode())

    def enroll(self, details: Any = None) -> bool:
        body = {
            "enroll_secret": self.secret,
            "host_identifier": self.identifier,
            "platform_type": "9",
            "host_details": DETAILS if details is None else details,
        }
        status, answer = self.post("enroll", body)
        self.node_key = answer.get("node_key", "") if status == 200 and not answer.get("node_invalid") else ""
        return bool(self.node_key)

    def config(self) -> Any:
        return self.post("config", {"node_key": self.node_key})[1]

    def log(self, *entries: Any, log_type: str = "result") -> Any:
        return self.post("log", {"node_key": self.node_key, "log_type": log_type, "data": list(entries)})[1]

    def snapshot(self, query: str, *rows: dict[str, str], at: float | None = None) -> dict[str, Any]:
        """Return a log entry of a snapshot query."""
        return {
            "snapshot": list(rows),
            "action": "snapshot",
            "name": query,
            "hostIdentifier": self.identifier,
            "calendarTime": "Sun Nov 22 21:07:53 2026 UTC",
            "unixTime": int(at or time.time()),
            "epoch": 0,
            "counter": 0,
            "numerics": False,
            "decorations": {"host_uuid": self.identifier, "hardware_serial": "PF3K9Q2X"},
        }

    def distributed(self, rows: dict[str, list[dict[str, str]]], failed: tuple[str, ...] = ()) -> set[str]:
        """Fetch the queries to answer at once and answer them; return which they were."""
        queries = self.post("distributed/read", {"node_key": self.node_key})[1].get("queries", {})
        statuses = {name: 1 if name in failed else 0 for name in queries}
        found = {name: rows.get(name, []) for name in queries}
        self.post("distributed/write", {"node_key": self.node_key, "queries": found, "statuses": statuses})
        return set(queries)
