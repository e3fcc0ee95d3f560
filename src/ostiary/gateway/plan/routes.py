"""Which request goes which way, host by host.

A request on an app's host takes the first of these that fits: refused because its path could be read in two ways;
one of our own pages; a stream; a safe request that a grant may let pass; anything else, which is decided. Each host
answers only on a connection that was opened for it (SNI), unless proxies stand in front.
"""

from typing import Any

from ostiary.applications.facade import App
from ostiary.gateway.plan import contents
from ostiary.gateway.plan.clusters import app_cluster_name, streams_cluster_name
from ostiary.gateway.plan.contents import CONTROL_CLUSTER, DECIDER_CLUSTER, ROUTES_NAME, GatewayInputs, Json
from ostiary.gateway.plan.route_filters import (
    agent_limit,
    asking_limit,
    directory_limit,
    grant_filters,
    headers_in_for,
    host_filters,
    no_grant,
    sign_in_limit,
    signal_limit,
    stream_filters,
    unasked,
    undecided,
)
from ostiary.policy.bearers import PREFIXES
from ostiary.policy.request import ActionClass

_TYPE = "type.googleapis.com/"
AMBIGUOUS_PATH = r".*(?:[;\\#]|%(?:[01][0-9A-Fa-f]|7[Ff]|23|5[Cc]|[Cc][01]|25(?:2[EeFf]|5[Cc]|00))).*"
"""Path parameters, backslashes, fragments, control characters, overlong UTF-8 and doubly escaped dots or slashes: an
app may read any of them as another path than the one that was decided on."""

KEYS_PATH = "/.well-known/ostiary/jwks.json"
OWN_PREFIX = "/.ostiary/"
PROGRAMS_PATH = "/.well-known/authzen-configuration"
PROGRAMS_PREFIX = "/access/v1/"
OPENID_PREFIX = "/oidc"
AGENTS_PREFIX = "/devices/agent"
HOSTS_PREFIX = "/osquery"
SCIM_PREFIX = "/scim/v2"
SIGNALS_PREFIX = "/ssf"
SAFE_METHODS = ("GET", "HEAD")
OWN_SECONDS = 30
DIRECTORY_SECONDS = 120
_CONNECT_RETRY: Json = {"retry_on": "connect-failure,refused-stream", "num_retries": 2}
_SAFE_RETRY: Json = {"retry_on": "connect-failure,refused-stream,reset", "num_retries": 1}


def routes(inputs: GatewayInputs) -> Json:
    """Return the HTTPS listener's routes."""
    hosts = [_sign_in_host(inputs)]
    hosts.extend(_app_host(app, inputs) for app in sorted(inputs.apps, key=lambda app: app.id))
    unknown = {"name": "unknown", "domains": ["*"], "routes": [_misdirected("unknown")]}
    return {"name": ROUTES_NAME, "max_direct_response_body_size_bytes": 65536, "virtual_hosts": [*hosts, unknown]}


def _app_host(app: App, inputs: GatewayInputs) -> Json:
    sni = _sni_match(app.host, inputs)
    ways = [_refuse_ambiguous(app.id), *_own_pages(app.id, sni)]
    if app.streams and not app.builtin:
        ways.append(_upgrade(app, inputs, sni))
        ways.extend(_event_streams(app, inputs, sni))
    else:
        ways.extend(_event_streams(app, inputs, sni, upgrades=True))
    methods = [method for method in SAFE_METHODS if app.methods.get(method, ActionClass.VIEW) is ActionClass.VIEW]
    if methods:
        ways.append(_with_a_token(app, inputs, sni))
        ways.extend(_on_a_grant(app, inputs, sni, methods))
    ways.append(_decided(app, inputs, sni))
    ways.append(_misdirected(app.id))
    return {
        "name": app.id,
        "domains": _domains(app.host, inputs),
        "routes": ways,
        "typed_per_filter_config": host_filters(app),
    }


def _sign_in_host(inputs: GatewayInputs) -> Json:
    instance = inputs.instance
    sni = _sni_match(instance.identity_host, inputs)
    plain = {
        "cluster": CONTROL_CLUSTER,
        "timeout": f"{OWN_SECONDS}s",
        "retry_policy": _CONNECT_RETRY,
    }
    proofs = {
        "name": "id/proof",
        "match": {"prefix": "/", "headers": [_exact(":method", "POST")], **sni},
        "route": plain,
        "typed_per_filter_config": {**undecided(), contents.FILTER_SIGN_IN_LIMIT: sign_in_limit()},
    }
    pages = {
        "name": "id/page",
        "match": {"prefix": "/", **sni},
        "route": plain,
        "typed_per_filter_config": undecided(),
    }
    return {
        "name": "id",
        "domains": _domains(instance.identity_host, inputs),
        "routes": [
            _refuse_ambiguous("id"),
            _keys("id", sni),
            *_programs(inputs, sni),
            *_directories(inputs, sni, plain),
            _programs_posting("openid", OPENID_PREFIX, asking_limit(), sni, plain),
            _programs_posting("agent", AGENTS_PREFIX, agent_limit(), sni, plain),
            *_hosts(inputs, sni, plain),
            *_signals(inputs, sni, plain),
            proofs,
            pages,
            _misdirected("id"),
        ],
        "typed_per_filter_config": {contents.FILTER_HEADERS_IN: headers_in_for("id")},
    }


def _domains(host: str, inputs: GatewayInputs) -> list[str]:
    return [host, f"{host}:{inputs.instance.configuration.gateway.https_port}"]


def _sni_match(host: str, inputs: GatewayInputs) -> Json:
    if inputs.instance.configuration.gateway.trusted_proxies:
        return {}
    return {"filter_state": [{"key": contents.SNI_STATE, "string_match": {"exact": host, "ignore_case": True}}]}


def _refuse_ambiguous(host: str) -> Json:
    return {
        "name": f"{host}/ambiguous",
        "match": {"safe_regex": {"regex": AMBIGUOUS_PATH}},
        "direct_response": {"status": 400},
        "typed_per_filter_config": unasked(),
    }


def _misdirected(host: str) -> Json:
    return {
        "name": f"{host}/misdirected",
        "match": {"prefix": "/"},
        "direct_response": {"status": 421},
        "typed_per_filter_config": unasked(),
    }


def _keys(host: str, sni: Json) -> Json:
    return _to_decider(host, {"path": KEYS_PATH, **sni})


def _own_pages(host: str, sni: Json) -> list[Json]:
    return [_keys(host, sni), _to_decider(host, {"prefix": OWN_PREFIX, **sni})]


def _programs(inputs: GatewayInputs, sni: Json) -> list[Json]:
    """Return the ways of programs that ask for decisions, where they may ask here."""
    if not inputs.instance.configuration.authzen.on_gateway:
        return []
    return [_to_decider("id", {"path": PROGRAMS_PATH, **sni}), _to_decider("id", {"prefix": PROGRAMS_PREFIX, **sni})]


def _directories(inputs: GatewayInputs, sni: Json, plain: Json) -> list[Json]:
    """Return the way of other directories that keep people and groups here, where they may."""
    if not inputs.instance.configuration.scim.enabled:
        return []
    limit = {contents.FILTER_SIGN_IN_LIMIT: directory_limit()}
    return [
        {
            "name": "id/scim",
            "match": {"path_separated_prefix": SCIM_PREFIX, **sni},
            "route": {**plain, "timeout": f"{DIRECTORY_SECONDS}s"},
            "typed_per_filter_config": {**undecided(), **limit},
        }
    ]


def _programs_posting(name: str, prefix: str, limit: Json, sni: Json, plain: Json) -> Json:
    """Return the way of apps that ask who somebody is, and of devices' agents: many behind one address, and none takes people's tries."""
    return {
        "name": f"id/{name}",
        "match": {"path_separated_prefix": prefix, "headers": [_exact(":method", "POST")], **sni},
        "route": plain,
        "typed_per_filter_config": {**undecided(), contents.FILTER_SIGN_IN_LIMIT: limit},
    }


def _hosts(inputs: GatewayInputs, sni: Json, plain: Json) -> list[Json]:
    """Return the way of hosts that run osquery, where they may come."""
    if not inputs.instance.configuration.osquery.enabled:
        return []
    return [_programs_posting("osquery", HOSTS_PREFIX, agent_limit(), sni, plain)]


def _signals(inputs: GatewayInputs, sni: Json, plain: Json) -> list[Json]:
    """Return the way of systems that tell of what happens to people, or are told, where they may."""
    if not inputs.instance.configuration.signals.enabled:
        return []
    limit = {contents.FILTER_SIGN_IN_LIMIT: signal_limit()}
    return [
        {
            "name": "id/signals",
            "match": {"path_separated_prefix": SIGNALS_PREFIX, **sni},
            "route": plain,
            "typed_per_filter_config": {**undecided(), **limit},
        }
    ]


def _to_decider(host: str, match: Json) -> Json:
    return {
        "name": f"{host}/own",
        "match": match,
        "route": {"cluster": DECIDER_CLUSTER, "timeout": "10s", "retry_policy": _CONNECT_RETRY},
        "typed_per_filter_config": undecided(),
    }


def _upgrade(app: App, inputs: GatewayInputs, sni: Json) -> Json:
    route = _stream_route(app, inputs, streams_cluster_name(app))
    route["upgrade_configs"] = [{"upgrade_type": "websocket", "enabled": True}]
    return {
        "name": f"{app.id}/upgrade",
        "match": {"prefix": "/", "headers": [{"name": "upgrade", "present_match": True}], **sni},
        "route": route,
        "typed_per_filter_config": stream_filters("upgrade"),
    }


def _event_streams(app: App, inputs: GatewayInputs, sni: Json, *, upgrades: bool = False) -> list[Json]:
    """Return the ways of requests that announce a long answer; with `upgrades`, also of those that would upgrade."""
    kinds: list[tuple[str, Json]] = [
        ("events", {"name": "accept", "string_match": {"contains": "text/event-stream", "ignore_case": True}}),
        ("grpc", {"name": "content-type", "string_match": {"prefix": "application/grpc", "ignore_case": True}}),
    ]
    if upgrades:
        kinds.insert(0, ("upgrade", {"name": "upgrade", "present_match": True}))
    return [
        {
            "name": f"{app.id}/{kind}",
            "match": {"prefix": "/", "headers": [header], **sni},
            "route": _stream_route(app, inputs, app_cluster_name(app)),
            "typed_per_filter_config": stream_filters(kind),
        }
        for kind, header in kinds
    ]


def _on_a_grant(app: App, inputs: GatewayInputs, sni: Json, methods: list[str]) -> list[Json]:
    """Return the way of requests that a grant may let pass; a second one for connections with a certificate."""
    header = {"name": ":method", "string_match": {"safe_regex": {"regex": "|".join(methods)}}}
    match = {"prefix": "/", "headers": [header], **sni}
    way = {"name": f"{app.id}/grant", "route": {**_plain_route(app, inputs), "retry_policy": _SAFE_RETRY}}
    if not inputs.devices:
        return [{**way, "match": match, "typed_per_filter_config": grant_filters(app, on_device=False)}]
    return [
        {
            **way,
            "match": {**match, "tls_context": {"presented": on_device}},
            "typed_per_filter_config": grant_filters(app, on_device=on_device),
        }
        for on_device in (False, True)
    ]


def _decided(app: App, inputs: GatewayInputs, sni: Json) -> Json:
    return {
        "name": f"{app.id}/decided",
        "match": {"prefix": "/", **sni},
        "route": {**_plain_route(app, inputs), "retry_policy": _CONNECT_RETRY},
        "typed_per_filter_config": {contents.FILTER_GRANTS: no_grant()},
    }


def _with_a_token(app: App, inputs: GatewayInputs, sni: Json) -> Json:
    """Return the way of requests that carry a token of ours: they are decided, whatever grant is beside it."""
    ours = "|".join(PREFIXES)
    header = {"name": "authorization", "string_match": {"safe_regex": {"regex": f"(?i).*(?:{ours}).*"}}}
    way = _decided(app, inputs, sni)
    return {**way, "name": f"{app.id}/token", "match": {**way["match"], "headers": [header]}}


def _plain_route(app: App, inputs: GatewayInputs) -> Json:
    seconds = inputs.instance.configuration.gateway.request_seconds
    return {"cluster": app_cluster_name(app), "timeout": f"{seconds}s", **_host_rewrite(app)}


def _stream_route(app: App, inputs: GatewayInputs, cluster: str) -> Json:
    seconds = inputs.instance.configuration.gateway.stream_seconds
    return {
        "cluster": cluster,
        "timeout": "0s",
        "idle_timeout": f"{seconds}s",
        "max_stream_duration": {"max_stream_duration": f"{seconds}s"},
        "retry_policy": _CONNECT_RETRY,
        **_host_rewrite(app),
    }


def _host_rewrite(app: App) -> Json:
    return {"host_rewrite_literal": app.upstream.host_header} if app.upstream.host_header else {}


def _exact(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "string_match": {"exact": value}}
