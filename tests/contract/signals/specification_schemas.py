"""What the specifications say of tokens, events and configurations, as JSON schemas. Written from their texts, not from our code.

Source: RFC 8417, section 2.2; OpenID SSF 1.0, sections 3, 4, 7.1 and 8.1.1; OpenID CAEP 1.0, sections 2 and 3; OpenID RISC 1.0,
section 2; CAEP Interoperability Profile 1.0, sections 2 and 3.
"""

from typing import Any

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
BY_LANGUAGE: dict[str, Any] = {
    "type": "object", "minProperties": 1, "propertyNames": {"pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"},
    "additionalProperties": TEXT,
}  # fmt: skip
COMMON: dict[str, Any] = {
    "event_timestamp": {"type": "integer", "minimum": 1_600_000_000, "maximum": 10_000_000_000},
    "initiating_entity": {"enum": ["admin", "user", "policy", "system"]},
    "reason_admin": BY_LANGUAGE,
    "reason_user": BY_LANGUAGE,
}


def event(required: list[str], **own: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**COMMON, **own}, "required": required}


EVENTS: dict[str, dict[str, Any]] = {
    f"{CAEP}session-revoked": event(["reason_admin"]),
    f"{CAEP}credential-change": event(
        ["credential_type", "change_type", "reason_admin"],
        credential_type=TEXT,
        change_type={"enum": ["create", "revoke", "update", "delete"]},
        friendly_name=TEXT,
    ),
    f"{CAEP}assurance-level-change": event(
        ["namespace", "current_level"],
        namespace=TEXT,
        current_level=TEXT,
        previous_level=TEXT,
        change_direction={"enum": ["increase", "decrease"]},
    ),
    f"{CAEP}device-compliance-change": event(
        ["previous_status", "current_status"],
        previous_status={"enum": ["compliant", "not-compliant"]},
        current_status={"enum": ["compliant", "not-compliant"]},
    ),
    f"{RISC}account-disabled": event([], reason={"enum": ["hijacking", "bulk-account"]}),
    f"{RISC}account-enabled": event([]),
    f"{SSF}verification": {"type": "object", "properties": {"state": TEXT}, "additionalProperties": False},
    f"{SSF}stream-updated": {
        "type": "object",
        "properties": {"status": {"enum": ["enabled", "paused", "disabled"]}, "reason": TEXT},
        "required": ["status"],
    },
}

SIMPLE: dict[str, Any] = {
    "oneOf": [
        {
            "properties": {"format": {"const": "iss_sub"}, "iss": TEXT, "sub": TEXT},
            "required": ["format", "iss", "sub"],
        },
        {
            "properties": {"format": {"const": "email"}, "email": {"pattern": "^[^@]+@[^@]+$"}},
            "required": ["format", "email"],
        },
        {"properties": {"format": {"const": "opaque"}, "id": TEXT}, "required": ["format", "id"]},
    ],
    "type": "object",
    "unevaluatedProperties": False,
}
COMPLEX: dict[str, Any] = {
    "type": "object",
    "properties": {
        "format": {"const": "complex"},
        "user": SIMPLE,
        "session": SIMPLE,
        "device": SIMPLE,
        "tenant": SIMPLE,
    },
    "required": ["format"],
    "minProperties": 2,
    "additionalProperties": False,
}
TOKEN: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "iss": {"type": "string", "pattern": "^https://[^?#]+$"},
        "aud": {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
        "jti": TEXT,
        "iat": {"type": "integer"},
        "txn": TEXT,
        "sub_id": {"anyOf": [SIMPLE, COMPLEX]},
        "events": {
            "type": "object", "minProperties": 1, "maxProperties": 1,
            "properties": EVENTS, "additionalProperties": False,
        },
        "sub": False,
        "exp": False,
    },
    "required": ["iss", "aud", "jti", "iat", "sub_id", "events"],
}  # fmt: skip
ADDRESS: dict[str, Any] = {"type": "string", "pattern": "^https://[^ #]+$"}
METADATA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec_version": {"pattern": "^1_[0-9]"},
        "issuer": {"type": "string", "pattern": "^https://[^?#]+$"},
        "jwks_uri": ADDRESS,
        "delivery_methods_supported": {"type": "array", "items": {"enum": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]}},
        "configuration_endpoint": ADDRESS,
        "status_endpoint": ADDRESS,
        "add_subject_endpoint": ADDRESS,
        "remove_subject_endpoint": ADDRESS,
        "verification_endpoint": ADDRESS,
        "critical_subject_members": {"type": "array", "items": TEXT, "minItems": 1},
        "authorization_schemes": {
            "type": "array", "contains": {"properties": {"spec_urn": {"const": "urn:ietf:rfc:6749"}}, "required": ["spec_urn"]},
        },
        "default_subjects": {"enum": ["ALL", "NONE"]},
    },
    "required": [
        "spec_version", "issuer", "jwks_uri", "delivery_methods_supported", "configuration_endpoint",
        "verification_endpoint", "authorization_schemes",
    ],
}  # fmt: skip
STREAM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "stream_id": {"type": "string", "pattern": "^[A-Za-z0-9_.~-]+$"},
        "iss": {"type": "string", "pattern": "^https://[^?#]+$"},
        "aud": {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
        "events_supported": {"type": "array", "items": TEXT, "uniqueItems": True},
        "events_requested": {"type": "array", "items": TEXT},
        "events_delivered": {"type": "array", "items": TEXT, "uniqueItems": True},
        "delivery": {
            "type": "object",
            "properties": {"method": {"enum": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]}, "endpoint_url": ADDRESS},
            "required": ["method", "endpoint_url"],
        },
        "min_verification_interval": {"type": "integer"},
        "description": TEXT,
    },
    "required": ["stream_id", "iss", "aud", "delivery", "events_delivered"],
    "additionalProperties": False,
}
