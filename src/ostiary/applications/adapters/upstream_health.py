"""Asks the data plane how each app's upstream is doing. Its administration socket is on this machine only."""

import http.client
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ostiary.applications.domain import App, AppHealth, Health, cluster_name
from ostiary.unix_http import ask_socket

TIMEOUT_SECONDS = 2.0


def read_upstream_health(apps: Iterable[App], *, admin_socket: Path) -> tuple[AppHealth, ...]:
    """Return how each app's upstream is doing; unknown where the data plane does not answer. Built-in apps are left out.

    Args:
        apps: the apps to ask about.
        admin_socket: the data plane's administration socket.
    """
    try:
        clusters = _read_clusters(admin_socket)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        silent = "The gateway does not answer."
        return tuple(AppHealth(app=app.id, health=Health.UNKNOWN, detail=silent) for app in apps if not app.builtin)
    return tuple(_health(app, clusters.get(cluster_name(app.id))) for app in apps if not app.builtin)


def _read_clusters(admin_socket: Path) -> dict[str, list[dict[str, Any]]]:
    _status, body = ask_socket(admin_socket, "/clusters?format=json", seconds=TIMEOUT_SECONDS)
    answer = msgspec.json.decode(body)
    return {entry["name"]: entry.get("host_statuses", []) for entry in answer.get("cluster_statuses", [])}


def _health(app: App, hosts: list[dict[str, Any]] | None) -> AppHealth:
    if hosts is None:
        return AppHealth(app=app.id, health=Health.UNKNOWN, detail="The gateway does not know this app yet.")
    if not hosts:
        return AppHealth(
            app=app.id,
            health=Health.DOWN,
            detail="The upstream's name cannot be found, or leads where no app may live.",
        )
    well = [host for host in hosts if _is_well(host.get("health_status", {}))]
    if not well:
        return AppHealth(app=app.id, health=Health.DOWN, detail="The upstream does not answer as it should.")
    if app.upstream.health_path:
        return AppHealth(app=app.id, health=Health.UP)
    return _from_traffic(app, well)


def _is_well(status: Mapping[str, Any]) -> bool:
    flags = ("failed_active_health_check", "failed_outlier_check", "pending_dynamic_removal")
    return not any(status.get(flag) for flag in flags)


def _from_traffic(app: App, hosts: list[dict[str, Any]]) -> AppHealth:
    """Judge an app without health checks by the connections that ordinary requests made."""
    counts = {"cx_connect_fail": 0, "cx_total": 0, "rq_success": 0}
    for host in hosts:
        for entry in host.get("stats", []):
            if entry.get("name") in counts:
                counts[entry["name"]] += int(entry.get("value", 0))
    if counts["cx_total"] and counts["cx_connect_fail"] >= counts["cx_total"]:
        return AppHealth(app=app.id, health=Health.DOWN, detail="No connection to the upstream has succeeded.")
    if counts["rq_success"]:
        return AppHealth(app=app.id, health=Health.UP)
    return AppHealth(app=app.id, health=Health.UNKNOWN, detail="Nobody has used it since the gateway started.")
