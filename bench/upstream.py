"""The application behind everything that is measured: nginx that answers at once and counts whom it answered.

Its counter is how a run is believed: every answer wrk saw must have come from here.
"""

import http.client
import re
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Program, free_port

BODY = "an answer of the application\n"

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/upstream.pid;
error_log {folder}/upstream.log error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "{body}"; }}
    }}
    server {{
        listen 127.0.0.1:{status_port};
        location / {{ stub_status; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The running application and the two ports of it: one for requests, one for its counter."""

    program: Program
    port: int
    status_port: int

    def answered(self) -> int:
        """Return how many requests it has received so far, this one among them."""
        connection = http.client.HTTPConnection("127.0.0.1", self.status_port, timeout=10)
        try:
            connection.request("GET", "/")
            return parse_requests(connection.getresponse().read().decode())
        finally:
            connection.close()


def parse_requests(status: str) -> int:
    """Return the number of requests in nginx's status page."""
    found = re.search(r"^\s*\d+ \d+ (\d+)\s*$", status, re.MULTILINE)
    if found is None:
        raise ValueError(f"not a status page: {status[:80]!r}")
    return int(found.group(1))


def start_upstream(folder: Path) -> Upstream:
    """Start the application; its files go to `folder`."""
    port, status_port = free_port(), free_port()
    file = folder / "upstream.conf"
    file.write_text(
        CONFIGURATION.format(folder=folder, port=port, status_port=status_port, body=BODY.strip()), encoding="utf-8"
    )
    program = Program("the upstream (nginx)", ["nginx", "-c", str(file)], folder / "upstream.out")
    program.wait_for_port(port)
    return Upstream(program=program, port=port, status_port=status_port)
