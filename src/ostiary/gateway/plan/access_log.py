"""One line of JSON for each request, with what an OCSF HTTP Activity event needs. Never queries, cookies or bodies.

A second log tells the decision service what is under way: see `gateway.under_way`.
"""

from ostiary.config.places import Instance
from ostiary.gateway.plan.contents import GRANT_REFERENCE_STATE, GRANT_SESSION_STATE, Json
from ostiary.gateway.plan.devices import FINGERPRINT
from ostiary.gateway.under_way import UNDER_WAY_FILE

ACCESS_LOG_FILE = "access.jsonl"
_DECISION = "envoy.filters.http.ext_authz"


def access_log(instance: Instance) -> Json:
    """Return the log of requests. `grant_*` is there when a grant let the request pass, `decision_*` when it was decided.

    `route` is the app and the way its request took, for instance `wiki/grant`.
    """
    fields = {
        "time": "%START_TIME%",
        "request": "%REQ(X-REQUEST-ID)%",
        "grant_reference": f"%FILTER_STATE({GRANT_REFERENCE_STATE}:PLAIN)%",
        "grant_session": f"%FILTER_STATE({GRANT_SESSION_STATE}:PLAIN)%",
        "decision_reference": f"%DYNAMIC_METADATA({_DECISION}:x-ostiary-reference)%",
        "decision_session": f"%DYNAMIC_METADATA({_DECISION}:x-ostiary-session)%",
        "route": "%ROUTE_NAME%",
        "method": "%REQ(:METHOD)%",
        "host": "%REQ(:AUTHORITY)%",
        "path": "%PATH(NQ)%",
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "detail": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
        "duration_ms": "%DURATION%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "peer": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
        "upstream": "%UPSTREAM_HOST%",
        "user_agent": "%REQ(USER-AGENT):256%",
    }
    return _file_log(str(instance.logs / ACCESS_LOG_FILE), fields, "DownstreamEnd")


def under_way_log(instance: Instance) -> Json:
    """Return the reports of requests whose answers are still being given: whose they are, and what carries them."""
    fields = {
        "request": "%REQ(X-REQUEST-ID)%",
        "grant_session": f"%FILTER_STATE({GRANT_SESSION_STATE}:PLAIN)%",
        "decision_session": f"%DYNAMIC_METADATA({_DECISION}:x-ostiary-session)%",
        "method": "%REQ(:METHOD)%",
        "host": "%REQ(:AUTHORITY)%",
        "path": "%PATH(NQ)%",
        "protocol": "%PROTOCOL%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "peer": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
        "local": "%DOWNSTREAM_LOCAL_ADDRESS%",
        "certificate": FINGERPRINT,
        "decision_device": f"%DYNAMIC_METADATA({_DECISION}:x-ostiary-from)%",
    }
    return _file_log(str(instance.run / UNDER_WAY_FILE), fields, "DownstreamPeriodic")


def _file_log(path: str, fields: Json, kind: str) -> Json:
    return {
        "name": "envoy.access_loggers.file",
        "filter": {"log_type_filter": {"types": [kind]}},
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": {"json_format": fields, "omit_empty_values": True},
        },
    }
