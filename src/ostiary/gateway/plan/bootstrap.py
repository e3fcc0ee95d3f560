"""The bootstrap file: what only a restart changes."""

from ostiary.gateway.plan.contents import CLUSTERS_FILE, LISTENERS_FILE, GatewayInputs, Json, config_source

_SOCKET_MODE = 0o600


def bootstrap(inputs: GatewayInputs) -> Json:
    """Return Envoy's bootstrap. Its administration interface is a Unix socket, never on a network."""
    return {
        **foundation(inputs),
        "dynamic_resources": {
            "lds_config": config_source(inputs.instance, LISTENERS_FILE),
            "cds_config": config_source(inputs.instance, CLUSTERS_FILE),
        },
    }


def foundation(inputs: GatewayInputs) -> Json:
    """Return the part of the bootstrap that names no other file."""
    instance = inputs.instance
    return {
        "node": {"id": "gateway", "cluster": "ostiary"},
        "admin": {"address": {"pipe": {"path": str(instance.envoy_admin_socket), "mode": _SOCKET_MODE}}},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3."
                        "DownstreamConnectionsConfig",
                        "max_active_downstream_connections": instance.configuration.gateway.max_connections,
                    },
                }
            ]
        },
    }
