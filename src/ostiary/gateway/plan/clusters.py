"""Where requests go: the decision service, the control plane, and each app's upstream."""

from collections.abc import Sequence

from ostiary.applications.facade import App, UpstreamAddress, UpstreamScheme, cluster_name, parse_upstream
from ostiary.gateway.plan.contents import CONTROL_CLUSTER, DECIDER_CLUSTER, GatewayInputs, Json
from ostiary.gateway.plan.destinations import destination_filter
from ostiary.gateway.plan.planted_cookies import planted_cookie_filter

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TYPE = "type.googleapis.com/"
CONNECT_SECONDS = 5
IDLE_SECONDS = 1.5
"""Shorter than the keep-alive of common app servers: a request that must not be sent twice never meets a closing one."""
LOCAL_IDLE_SECONDS = 10
MAX_CONNECTIONS = 1024
MAX_WAITING = 256
BUFFER_BYTES = 256 * 1024


def streams_cluster_name(app: App) -> str:
    """Return the cluster for upgrades: over TLS an upstream may prefer HTTP/2, in which few can upgrade."""
    secure = app.upstream.url.startswith(f"{UpstreamScheme.HTTPS}:")
    return f"{cluster_name(app.id)}-streams" if secure else app_cluster_name(app)


def app_cluster_name(app: App) -> str:
    """Return the cluster that answers for an app."""
    return CONTROL_CLUSTER if app.builtin else cluster_name(app.id)


def clusters(inputs: GatewayInputs) -> tuple[list[Json], tuple[str, ...]]:
    """Return every cluster, and a sentence for each app that cannot be reached because of its description."""
    instance = inputs.instance
    made = [
        _socket_cluster(DECIDER_CLUSTER, str(instance.decider_socket)),
        _socket_cluster(CONTROL_CLUSTER, str(instance.control_socket)),
    ]
    problems: list[str] = []
    for app in sorted(inputs.apps, key=lambda app: app.id):
        if app.builtin:
            continue
        problem = _forbidden(app, inputs) or _authority_problem(app, inputs)
        if problem:
            problems.append(problem)
        made.extend(_app_clusters(app, inputs, reachable=not problem))
    return made, tuple(problems)


def _socket_cluster(name: str, path: str) -> Json:
    limits = {"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 65536, "max_retries": 64}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": _http_options({"http_protocol_options": {}}, LOCAL_IDLE_SECONDS),
        "load_assignment": _assignment(name, {"pipe": {"path": path}}),
    }


def _app_clusters(app: App, inputs: GatewayInputs, *, reachable: bool) -> list[Json]:
    address = parse_upstream(app.upstream.url)
    http1: Json = {"explicit_http_config": {"http_protocol_options": {}}}
    if address.scheme is UpstreamScheme.HTTP:
        return [_app_cluster(app, inputs, cluster_name(app.id), address, http1, reachable=reachable)]
    either: Json = {"auto_config": {"http_protocol_options": {}, "http2_protocol_options": _HTTP2_LIMITS}}
    return [
        _app_cluster(app, inputs, cluster_name(app.id), address, either if reachable else http1, reachable=reachable),
        _app_cluster(app, inputs, streams_cluster_name(app), address, http1, reachable=reachable),
    ]


_HTTP2_LIMITS: Json = {
    "max_concurrent_streams": 100,
    "initial_stream_window_size": 256 * 1024,
    "initial_connection_window_size": 1024 * 1024,
}


def _app_cluster(
    app: App, inputs: GatewayInputs, name: str, address: UpstreamAddress, protocol: Json, *, reachable: bool
) -> Json:
    endpoint = {"socket_address": {"address": address.host, "port_value": address.port}}
    cluster: Json = {
        "name": name,
        "type": "STATIC" if address.is_address else "STRICT_DNS",
        "dns_lookup_family": "ALL",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": MAX_CONNECTIONS,
                    "max_pending_requests": MAX_WAITING,
                    "max_requests": MAX_CONNECTIONS,
                    "max_retries": 16,
                }
            ]
        },
        "typed_extension_protocol_options": _http_options(protocol, IDLE_SECONDS, filters=_filters(address, inputs)),
        "load_assignment": _assignment(name, endpoint if reachable else None),
        **_health(app),
    }
    if address.scheme is UpstreamScheme.HTTPS and reachable:
        cluster["transport_socket"] = _tls(app, inputs, address, http2="auto_config" in protocol)
    return cluster


def _filters(address: UpstreamAddress, inputs: GatewayInputs) -> list[Json]:
    """Return what a request passes after its destination is chosen, the one that speaks to the app last."""
    codec = {"@type": f"{_TYPE}envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"}
    judged = [] if address.is_address else [destination_filter(inputs)]
    return [*judged, planted_cookie_filter(), {"name": "envoy.filters.http.upstream_codec", "typed_config": codec}]


def _http_options(protocol: Json, idle_seconds: float, *, filters: Sequence[Json] = ()) -> Json:
    wrapped = (
        protocol if {"auto_config", "explicit_http_config"} & protocol.keys() else {"explicit_http_config": protocol}
    )
    return {
        _HTTP_OPTIONS: {
            "@type": f"{_TYPE}{_HTTP_OPTIONS}",
            "common_http_protocol_options": {"idle_timeout": f"{idle_seconds}s", "max_headers_count": 200},
            **wrapped,
            **({"http_filters": list(filters)} if filters else {}),
        }
    }


def _assignment(name: str, address: Json | None) -> Json:
    endpoints = [{"endpoint": {"address": address}}] if address else []
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}] if endpoints else []}


def _health(app: App) -> Json:
    if not app.upstream.health_path:
        return {
            "outlier_detection": {
                "split_external_local_origin_errors": True,
                "consecutive_5xx": 0,
                "consecutive_gateway_failure": 0,
                "consecutive_local_origin_failure": 5,
                "base_ejection_time": "5s",
                "max_ejection_time": "60s",
                "max_ejection_percent": 50,
            }
        }
    return {
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [
            {
                "timeout": "3s",
                "interval": "5s",
                "no_traffic_interval": "15s",
                "unhealthy_interval": "3s",
                "unhealthy_threshold": 3,
                "healthy_threshold": 1,
                "http_health_check": {
                    "path": app.upstream.health_path,
                    "host": app.upstream.host_header or app.host,
                    "expected_statuses": [{"start": 200, "end": 400}],
                },
            }
        ],
    }


def _tls(app: App, inputs: GatewayInputs, address: UpstreamAddress, *, http2: bool) -> Json:
    common: Json = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": ["h2", "http/1.1"] if http2 else ["http/1.1"],
    }
    if app.upstream.verify_tls:
        kind = "IP_ADDRESS" if address.is_address else "DNS"
        common["validation_context"] = {
            "trusted_ca": _authorities(app, inputs),
            "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": address.host}}],
        }
    context: Json = {
        "@type": f"{_TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": common,
    }
    if not address.is_address:
        context["sni"] = address.host
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _authorities(app: App, inputs: GatewayInputs) -> Json:
    if app.upstream.ca_file:
        return {"inline_string": inputs.authorities.get(app.upstream.ca_file, "")}
    return {"filename": inputs.system_authorities}


def _forbidden(app: App, inputs: GatewayInputs) -> str:
    problem = inputs.forbidden.get(app.id, "")
    return f"App {app.id!r} is out of reach: {problem}." if problem else ""


def _authority_problem(app: App, inputs: GatewayInputs) -> str:
    upstream = app.upstream
    if not (upstream.verify_tls and upstream.url.startswith(f"{UpstreamScheme.HTTPS}:")):
        return ""
    if upstream.ca_file and not inputs.authorities.get(upstream.ca_file):
        return f"App {app.id!r} is out of reach: its file of authorities {upstream.ca_file} cannot be used."
    if not upstream.ca_file and not inputs.system_authorities:
        return f"App {app.id!r} is out of reach: this machine has no list of certificate authorities."
    return ""
