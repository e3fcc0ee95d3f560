"""Puts a plan together from its files."""

import hashlib

from ostiary.gateway.plan import contents
from ostiary.gateway.plan.bootstrap import bootstrap
from ostiary.gateway.plan.clusters import clusters
from ostiary.gateway.plan.contents import GatewayInputs, GatewayPlan, Json, discovery, render
from ostiary.gateway.plan.grants import render_grants
from ostiary.gateway.plan.listeners import listeners
from ostiary.gateway.plan.redirects import redirects
from ostiary.gateway.plan.routes import routes

_TYPE = "type.googleapis.com/"
LISTENER_TYPE = f"{_TYPE}envoy.config.listener.v3.Listener"
CLUSTER_TYPE = f"{_TYPE}envoy.config.cluster.v3.Cluster"
ROUTES_TYPE = f"{_TYPE}envoy.config.route.v3.RouteConfiguration"


def plan_gateway(inputs: GatewayInputs) -> GatewayPlan:
    """Return the files that make the data plane serve `inputs.apps`. The same inputs give the same bytes."""
    upstreams, problems = clusters(inputs)
    files = {
        contents.BOOTSTRAP_FILE: render(bootstrap(inputs)),
        contents.GRANTS_FILE: render_grants(inputs.apps, inputs.key_set, devices=inputs.devices),
        contents.CLUSTERS_FILE: _discovery(CLUSTER_TYPE, upstreams),
        contents.ROUTES_FILE: _discovery(ROUTES_TYPE, [routes(inputs)]),
        contents.REDIRECTS_FILE: _discovery(ROUTES_TYPE, [redirects(inputs)]),
        contents.LISTENERS_FILE: _discovery(LISTENER_TYPE, listeners(inputs)),
    }
    return GatewayPlan(generation=inputs.generation, files=files, problems=problems)


def _discovery(type_url: str, resources: list[Json]) -> bytes:
    """Return the file; its version is a digest of what it says, so that unchanged content is unchanged bytes."""
    version = hashlib.sha256(render({"resources": resources})).hexdigest()[:12]
    return render(discovery(type_url, resources, version))
