"""The chain every request to an app passes, in the order of `docs/architecture.md`."""

from ostiary.gateway.plan import contents
from ostiary.gateway.plan.contents import GRANTS_FILE, GatewayInputs, Json, config_source
from ostiary.gateway.plan.cookies import cookie_rules, restore_cookie
from ostiary.gateway.plan.devices import CERTIFICATE_HEADER, FINGERPRINT, granted_here, unless_granted_here
from ostiary.gateway.plan.grants import GRANT_METADATA, JWT_NAMESPACE

_TYPE = "type.googleapis.com/"
_HTTP = f"{_TYPE}envoy.extensions.filters.http."
DECISION_SECONDS = 3
OWN_MAX_BODY_BYTES = 4 * 1024 * 1024

_FORGED_PREFIXES = ("x-ostiary-", "x-envoy-", "x-forwarded-", "x-original-", "x-rewrite-", "remote-")
_FORGED_NAMES = (
    "forwarded",
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "true-client-ip",
    "client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "via",
    "proxy",
)
INTERNAL_HEADERS = (
    *("app", "client", "peer", "local", "protocol", "request-id", "stream", "reference", "session"),
    *("device", "granted-device", "from"),
)
"""What travels between the gateway and the decision service only, without its `x-ostiary-` prefix."""

_GIVEN_NUMBER = "request-number"
_READ_BY_DECIDER = (
    "cookie",
    "user-agent",
    "accept",
    "accept-language",
    "content-type",
    "origin",
    "referer",
    "authorization",
    "x-requested-with",
    "x-request-id",
)
_SAID_BY_DECIDER = (
    "location",
    "set-cookie",
    "content-type",
    "content-language",
    "content-security-policy",
    "cache-control",
    "clear-site-data",
    "referrer-policy",
    "retry-after",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
)


def http_filters(inputs: GatewayInputs) -> list[Json]:
    """Return the chain for the HTTPS listener."""
    return [
        _filter(contents.FILTER_HEADERS_IN, headers_in(inputs)),
        _filter(contents.FILTER_SIGN_IN_LIMIT, _idle_limit()),
        _filter(contents.FILTER_BODY_SIZE, body_size(inputs.instance.configuration.gateway.max_body_bytes)),
        {**_filter(contents.FILTER_OWN_BODY_SIZE, body_size(OWN_MAX_BODY_BYTES)), "disabled": True},
        grants_reference(inputs),
        _filter(contents.FILTER_GRANT_NOTE, grant_note()),
        *_device_filters(inputs),
        _filter(contents.FILTER_DECISION, decision()),
        _filter(contents.FILTER_COOKIES, cookie_rules()),
        _filter(contents.FILTER_HEADERS_OUT, headers_out()),
        router(),
    ]


def _device_filters(inputs: GatewayInputs) -> list[Json]:
    """Return what decides on connections with a certificate; switched on by the routes that take such grants."""
    if not inputs.devices:
        return []
    asking = {**decision(), "filter_enabled_metadata": unless_granted_here()}
    return [
        {**_filter(contents.FILTER_GRANTED_HERE, granted_here()), "disabled": True},
        {**_filter(contents.FILTER_DEVICE_DECISION, asking), "disabled": True},
    ]


def router() -> Json:
    """Return the last filter: it forwards, and tells apps nothing about Envoy."""
    return _filter("envoy.filters.http.router", {"@type": f"{_HTTP}router.v3.Router", "suppress_envoy_headers": True})


def headers_in(inputs: GatewayInputs) -> Json:
    """Remove what only we may say, then say it."""
    gateway = inputs.instance.configuration.gateway
    mutations: list[Json] = [
        {"remove_on_match": {"key_matcher": {"prefix": prefix, "ignore_case": True}}} for prefix in _FORGED_PREFIXES
    ]
    mutations += [{"remove": name} for name in _FORGED_NAMES]
    if inputs.instance.configuration.authzen.on_gateway:
        mutations += [_set("x-ostiary-request-id", f"%REQ({_GIVEN_NUMBER})%"), {"remove": _GIVEN_NUMBER}]
    mutations += [
        _set("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
        _set("x-forwarded-proto", "https"),
        _set("x-forwarded-host", "%REQ(:AUTHORITY)%"),
        _set("x-forwarded-port", str(gateway.https_port)),
        _set("x-ostiary-client", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
        _set("x-ostiary-peer", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"),
        _set("x-ostiary-local", "%DOWNSTREAM_LOCAL_ADDRESS%"),
        _set("x-ostiary-protocol", "%PROTOCOL%"),
    ]
    if inputs.devices:
        mutations.append(_set(CERTIFICATE_HEADER, FINGERPRINT))
    return _mutations(mutations)


def given_number() -> Json:
    """Note the number that a program gave its request, before the gateway's own takes its place: it wants it back."""
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": f"{_TYPE}envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": [{"remove": _GIVEN_NUMBER}, _set(_GIVEN_NUMBER, "%REQ(X-REQUEST-ID)%")],
        },
    }


def headers_out() -> Json:
    """Remove what is between us and the decision service, and give back the app's own cookies."""
    mutations: list[Json] = [{"remove": f"x-ostiary-{name}"} for name in INTERNAL_HEADERS]
    mutations.append({"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}})
    return _mutations([*mutations, restore_cookie()])


def body_size(limit_bytes: int) -> Json:
    """Return the limit on request bodies: by their announced length at once, by their real one as they arrive."""
    return {"@type": f"{_HTTP}body_size_limit.v3.BodySizeLimit", "max_request_bytes": limit_bytes}


def grants_reference(inputs: GatewayInputs) -> Json:
    """Return the place of the grants filter. Without its file there is no passage: requests fail with 500."""
    return {
        "name": contents.FILTER_GRANTS,
        "config_discovery": {
            "config_source": config_source(inputs.instance, GRANTS_FILE),
            "type_urls": [f"{_HTTP}jwt_authn.v3.JwtAuthentication"],
        },
    }


def grant_note() -> Json:
    """Note whose grant it was, for the access log: a log that reads it from the grant's claims costs a tenth of a request."""
    return {
        "@type": f"{_HTTP}set_filter_state.v3.Config",
        "on_request_headers": [
            _note(contents.GRANT_REFERENCE_STATE, "%REQ(X-OSTIARY-REFERENCE)%"),
            _note(contents.GRANT_SESSION_STATE, "%REQ(X-OSTIARY-SESSION)%"),
        ],
    }


def _note(key: str, source: str) -> Json:
    return {
        "object_key": key,
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": source}, "omit_empty_values": True},
        "skip_if_empty": True,
    }


def decision() -> Json:
    """Ask the decision service, unless a valid grant is there. No answer, or a late one, is a refusal."""
    return {
        "@type": f"{_HTTP}ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "stat_prefix": "decision",
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        "validate_mutations": True,
        "filter_enabled_metadata": {
            "filter": JWT_NAMESPACE,
            "path": [{"key": GRANT_METADATA}, {"key": "kid"}],
            "value": {"present_match": True},
            "invert": True,
        },
        "allowed_headers": {
            "patterns": [
                *({"exact": name} for name in _READ_BY_DECIDER),
                {"prefix": "x-ostiary-"},
                {"prefix": "sec-fetch-"},
            ]
        },
        "http_service": {
            "server_uri": {
                "uri": "http://decider",
                "cluster": contents.DECIDER_CLUSTER,
                "timeout": f"{DECISION_SECONDS}s",
            },
            "path_prefix": "/check",
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": [{"prefix": "x-"}, {"prefix": "remote-"}]},
                "allowed_client_headers": {
                    "patterns": [*({"exact": name} for name in _SAID_BY_DECIDER), {"prefix": "cross-origin-"}]
                },
                "allowed_client_headers_on_success": {"patterns": [{"exact": "set-cookie"}]},
                "dynamic_metadata_from_headers": {
                    "patterns": [{"exact": f"x-ostiary-{name}"} for name in ("reference", "session", "from")]
                },
            },
        },
    }


def _idle_limit() -> Json:
    """Switched on per route, where proofs are tried."""
    return {"@type": f"{_HTTP}local_ratelimit.v3.LocalRateLimit", "stat_prefix": "sign_in"}


def _filter(name: str, config: Json) -> Json:
    return {"name": name, "typed_config": config}


def _mutations(mutations: list[Json]) -> Json:
    return {"@type": f"{_HTTP}header_mutation.v3.HeaderMutation", "mutations": {"request_mutations": mutations}}


def _set(name: str, value: str) -> Json:
    return {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
