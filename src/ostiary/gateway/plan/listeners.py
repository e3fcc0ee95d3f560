"""The two listeners: HTTPS for everything, HTTP to send people there."""

from ostiary.gateway.plan import contents
from ostiary.gateway.plan.access_log import access_log, under_way_log
from ostiary.gateway.plan.contents import GatewayInputs, Json, config_source
from ostiary.gateway.plan.devices import asked_certificates
from ostiary.gateway.plan.filters import given_number, http_filters, router
from ostiary.gateway.plan.replies import local_replies
from ostiary.gateway.under_way import REPORT_SECONDS

_TYPE = "type.googleapis.com/"
HEADERS_SECONDS = 10
HANDSHAKE_SECONDS = 10
IDLE_SECONDS = 120
BUFFER_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_STREAMS = 100
_NOBODY = "255.255.255.255"
"""Nobody is internal to Envoy: it would believe what such clients say about themselves."""
_CIPHERS = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
]


def listeners(inputs: GatewayInputs) -> list[Json]:
    """Return the HTTPS listener and, unless it is switched off, the HTTP one."""
    gateway = inputs.instance.configuration.gateway
    secure = {
        **_listener("https", gateway.address, gateway.https_port),
        "listener_filters": [_read_sni()],
        "listener_filters_timeout": f"{HANDSHAKE_SECONDS}s",
        "filter_chains": [
            {
                "name": "tls",
                "transport_socket": _tls(inputs),
                "transport_socket_connect_timeout": f"{HANDSHAKE_SECONDS}s",
                "filters": [_remember_sni(), _https_manager(inputs)],
            }
        ],
    }
    if not gateway.http_port:
        return [secure]
    plain = {
        **_listener("http", gateway.address, gateway.http_port),
        "filter_chains": [{"name": "plain", "filters": [_http_manager(inputs)]}],
    }
    return [secure, plain]


def _listener(name: str, address: str, port: int) -> Json:
    socket = {"address": address, "port_value": port}
    if address == "::":
        socket["ipv4_compat"] = True
    return {
        "name": name,
        "address": {"socket_address": socket},
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "stat_prefix": name,
    }


def _tls(inputs: GatewayInputs) -> Json:
    source = config_source(inputs.instance, contents.CERTIFICATE_FILE)
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPE}envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "cipher_suites": _CIPHERS},
                "tls_certificate_sds_secret_configs": [{"name": contents.CERTIFICATE_NAME, "sds_config": source}],
                **asked_certificates(inputs),
            },
        },
    }


def _read_sni() -> Json:
    return {
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {"@type": f"{_TYPE}envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"},
    }


def _remember_sni() -> Json:
    """Note the name the connection was opened for: each host answers only on its own."""
    return {
        "name": "envoy.filters.network.set_filter_state",
        "typed_config": {
            "@type": f"{_TYPE}envoy.extensions.filters.network.set_filter_state.v3.Config",
            "on_new_connection": [
                {
                    "object_key": contents.SNI_STATE,
                    "factory_key": "envoy.string",
                    "format_string": {"text_format_source": {"inline_string": "%REQUESTED_SERVER_NAME%"}},
                }
            ],
        },
    }


def _https_manager(inputs: GatewayInputs) -> Json:
    """Return the manager of everything. WebSocket takes HTTP/1.1, which browsers choose when HTTP/2 offers no CONNECT:
    Envoy would hand an RFC 8441 request to the app without the key that apps ask for.
    """
    gateway = inputs.instance.configuration.gateway
    return _manager(
        inputs,
        "gateway",
        {
            "codec_type": "AUTO",
            "request_timeout": f"{gateway.request_seconds}s",
            "max_request_headers_kb": gateway.max_header_kib,
            "generate_request_id": True,
            "upgrade_configs": [{"upgrade_type": "websocket", "enabled": False}],
            "http2_protocol_options": {
                "max_concurrent_streams": MAX_STREAMS,
                "initial_stream_window_size": 256 * 1024,
                "initial_connection_window_size": 1024 * 1024,
                "allow_connect": False,
            },
            **_logs(inputs),
            **_numbers(inputs),
            "rds": _rds(inputs, contents.ROUTES_NAME, contents.ROUTES_FILE),
            "http_filters": http_filters(inputs),
        },
    )


def _logs(inputs: GatewayInputs) -> Json:
    """Return the log of requests; and, where a connection is one browser's, the reports of what is under way."""
    log = access_log(inputs.instance)
    if inputs.instance.configuration.gateway.trusted_proxies:
        return {"access_log": [log]}
    return {
        "access_log": [log, under_way_log(inputs.instance)],
        "access_log_options": {"access_log_flush_interval": f"{REPORT_SECONDS}s"},
    }


def _numbers(inputs: GatewayInputs) -> Json:
    on_gateway = inputs.instance.configuration.authzen.on_gateway
    return {"early_header_mutation_extensions": [given_number()]} if on_gateway else {}


def _http_manager(inputs: GatewayInputs) -> Json:
    return _manager(
        inputs,
        "redirect",
        {
            "codec_type": "HTTP1",
            "request_timeout": f"{HEADERS_SECONDS}s",
            "max_request_headers_kb": 16,
            "generate_request_id": True,
            "rds": _rds(inputs, contents.REDIRECTS_NAME, contents.REDIRECTS_FILE),
            "http_filters": [router()],
        },
    )


def _rds(inputs: GatewayInputs, name: str, file: str) -> Json:
    return {"route_config_name": name, "config_source": config_source(inputs.instance, file)}


def _manager(inputs: GatewayInputs, stat_prefix: str, specific: Json) -> Json:
    """Return a connection manager: one reading of every request, and a bound on everything a client can make us hold."""
    gateway = inputs.instance.configuration.gateway
    config = {
        "@type": f"{_TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": stat_prefix,
        "server_name": "ostiary",
        "server_header_transformation": "PASS_THROUGH",
        "use_remote_address": True,
        "xff_num_trusted_hops": gateway.trusted_proxies,
        "skip_xff_append": True,
        "internal_address_config": {"cidr_ranges": [{"address_prefix": _NOBODY, "prefix_len": 32}]},
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "http_protocol_options": {"allow_absolute_url": False},
        "common_http_protocol_options": {
            "idle_timeout": f"{IDLE_SECONDS}s",
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": MAX_HEADERS,
            "max_stream_duration": f"{max(gateway.stream_seconds, gateway.request_seconds)}s",
        },
        "request_headers_timeout": f"{HEADERS_SECONDS}s",
        "stream_idle_timeout": f"{gateway.request_seconds}s",
        "local_reply_config": local_replies(),
        **specific,
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}
