"""One file that holds the whole configuration, for `envoy --mode validate`: that mode reads no watched files."""

import json
from collections.abc import Mapping
from typing import Any

from ostiary.gateway.plan import contents
from ostiary.gateway.plan.contents import GatewayPlan, Json, render

_STATIC_TYPES = ("@type",)


def render_standalone(plan: GatewayPlan, *, certificate: Mapping[str, Any], devices: Mapping[str, Any] | None) -> bytes:
    """Return a bootstrap in which everything that Envoy would discover is written out.

    Args:
        plan: what is to be validated.
        certificate: the TLS certificate as Envoy's `tls_certificate` message.
        devices: how clients' certificates are looked at, as Envoy's `validation_context` message; `None` where nobody is
            asked for one.
    """
    bootstrap = json.loads(plan.files[contents.BOOTSTRAP_FILE])
    bootstrap.pop("dynamic_resources")
    bootstrap.pop("admin")
    filters = {resource["name"]: resource["typed_config"] for resource in _resources(plan, contents.GRANTS_FILE)}
    tables = {
        resource["name"]: resource
        for file in (contents.ROUTES_FILE, contents.REDIRECTS_FILE)
        for resource in _resources(plan, file)
    }
    listeners = _resources(plan, contents.LISTENERS_FILE)
    for listener in listeners:
        for chain in listener["filter_chains"]:
            _write_out_certificate(chain, certificate, devices)
            _write_out_manager(chain["filters"][-1]["typed_config"], filters, tables)
    bootstrap["static_resources"] = {"listeners": listeners, "clusters": _resources(plan, contents.CLUSTERS_FILE)}
    return render(bootstrap)


def _resources(plan: GatewayPlan, file: str) -> list[Json]:
    """Return the resources in a file, without the type that a list of known type may not name."""
    resources: list[Json] = json.loads(plan.files[file])["resources"]
    return [{key: value for key, value in resource.items() if key not in _STATIC_TYPES} for resource in resources]


def _write_out_certificate(chain: Json, certificate: Mapping[str, Any], devices: Mapping[str, Any] | None) -> None:
    if "transport_socket" in chain:
        common = chain["transport_socket"]["typed_config"]["common_tls_context"]
        common.pop("tls_certificate_sds_secret_configs")
        common["tls_certificates"] = [certificate]
        if common.pop("validation_context_sds_secret_config", None) is not None and devices is not None:
            common["validation_context"] = devices


def _write_out_manager(manager: Json, filters: Mapping[str, Json], tables: Mapping[str, Json]) -> None:
    manager["route_config"] = tables[manager.pop("rds")["route_config_name"]]
    manager["http_filters"] = [
        {"name": entry["name"], "typed_config": filters[entry["name"]]} if "config_discovery" in entry else entry
        for entry in manager["http_filters"]
    ]
    for log in manager.get("access_log", []):
        log["typed_config"]["path"] = "/dev/null"
