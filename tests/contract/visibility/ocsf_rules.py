"""What the schema asks of the events we write, as a table of our own: facts of OCSF 1.6.0, checked independently of the code.

Only classes and objects that we use are here, and of them what is required, what needs at least one of several
attributes, which numbers an enumeration knows, and which attributes exist at all.
"""

from typing import Any

BASE_REQUIRED = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
BASE = BASE_REQUIRED | {
    "activity_name", "category_name", "class_name", "count", "duration", "end_time", "enrichments", "message",
    "observables", "raw_data", "severity", "start_time", "status", "status_code", "status_detail", "status_id",
    "timezone_offset", "type_name", "unmapped",
}  # fmt: skip
PROFILE_ATTRIBUTES = {
    "host": {"actor", "device"},
    "security_control": {
        "action", "action_id", "attacks", "authorizations", "confidence", "confidence_id", "confidence_score",
        "disposition", "disposition_id", "firewall_rule", "is_alert", "malware", "policy", "risk_details",
        "risk_level", "risk_level_id", "risk_score",
    },
}  # fmt: skip
_IAM = {"http_request", "http_response", "src_endpoint", "actor"}
_NETWORK = {
    "app_name", "connection_info", "dst_endpoint", "proxy", "src_endpoint", "tls", "traffic", "observation_point_id",
}  # fmt: skip

CLASSES: dict[int, dict[str, Any]] = {
    1008: {
        "name": "Event Log Activity",
        "category": (1, "System Activity"),
        "activities": {*range(11), 99},
        "attributes": {
            "actor", "device", "dst_endpoint", "file", "log_name", "log_provider", "log_type", "log_type_id",
            "src_endpoint",
        },
        "required": set(),
        "at_least_one": [{"log_file", "log_name", "log_provider", "log_type", "log_type_id"}],
    },
    3001: {
        "name": "Account Change",
        "category": (3, "Identity & Access Management"),
        "activities": {*range(13), 99},
        "attributes": _IAM | {"policies", "policy", "user", "user_result"},
        "required": {"user"},
        "at_least_one": [],
    },
    3002: {
        "name": "Authentication",
        "category": (3, "Identity & Access Management"),
        "activities": {*range(8), 99},
        "attributes": _IAM
        | {
            "account_switch_type", "account_switch_type_id", "auth_factors", "auth_protocol", "auth_protocol_id",
            "authentication_token", "certificate", "dst_endpoint", "is_cleartext", "is_mfa", "is_new_logon",
            "is_remote", "logon_process", "logon_type", "logon_type_id", "service", "session", "user",
        },
        "required": {"user"},
        "at_least_one": [{"service", "dst_endpoint"}],
    },
    3003: {
        "name": "Authorize Session",
        "category": (3, "Identity & Access Management"),
        "activities": {0, 1, 2, 99},
        "attributes": _IAM | {"dst_endpoint", "group", "privileges", "session", "user"},
        "required": {"user"},
        "at_least_one": [{"privileges", "group"}],
    },
    3004: {
        "name": "Entity Management",
        "category": (3, "Identity & Access Management"),
        "activities": {*range(14), 99},
        "attributes": _IAM | {"access_list", "access_mask", "comment", "entity", "entity_result"},
        "required": {"entity"},
        "at_least_one": [],
    },
    3006: {
        "name": "Group Management",
        "category": (3, "Identity & Access Management"),
        "activities": {*range(9), 99},
        "attributes": _IAM | {"group", "privileges", "resource", "subgroup", "user"},
        "required": {"group"},
        "at_least_one": [{"privileges", "user"}],
    },
    4002: {
        "name": "HTTP Activity",
        "category": (4, "Network Activity"),
        "activities": {*range(9), 99},
        "attributes": _NETWORK | {"file", "http_cookies", "http_request", "http_response", "http_status"},
        "required": set(),
        "at_least_one": [{"http_request", "http_response"}, {"src_endpoint", "dst_endpoint"}],
    },
}  # fmt: skip

_ENDPOINT = {
    "agent_list", "domain", "hostname", "hw_info", "instance_uid", "interface_name", "interface_uid",
    "intermediate_ips", "ip", "location", "mac", "name", "os", "owner", "port", "proxy_endpoint", "subnet_uid",
    "svc_name", "type", "type_id", "uid", "vlan_uid", "vpc_uid", "zone", "isp", "isp_org", "autonomous_system",
    "network_scope", "network_scope_id",
}  # fmt: skip
_POLICY = {"data", "desc", "group", "is_applied", "name", "type", "uid", "version"}
_USER = {
    "account", "credential_uid", "display_name", "domain", "email_addr", "forward_addr", "full_name", "groups",
    "has_mfa", "ldap_person", "name", "org", "phone_number", "programmatic_credentials", "risk_level",
    "risk_level_id", "risk_score", "type", "type_id", "uid", "uid_alt",
}  # fmt: skip
_SESSION = {
    "count", "created_time", "credential_uid", "expiration_reason", "expiration_time", "is_mfa", "is_remote",
    "is_vpn", "issuer", "terminal", "uid", "uid_alt", "uuid",
}  # fmt: skip

OBJECTS: dict[str, dict[str, Any]] = {
    "metadata": {
        "attributes": {
            "correlation_uid", "event_code", "extension", "extensions", "is_truncated", "labels", "log_level",
            "log_name", "log_provider", "log_version", "logged_time", "loggers", "modified_time", "original_time",
            "processed_time", "product", "profiles", "sequence", "tags", "tenant_uid", "uid", "untruncated_size",
            "version",
        },
        "required": {"product", "version"},
        "at_least_one": [],
    },
    "product": {
        "attributes": {"cpe_name", "data_classification", "feature", "lang", "name", "path", "uid", "url_string",
                       "vendor_name", "version"},
        "required": set(),
        "at_least_one": [{"name", "uid"}],
    },
    "user": {"attributes": _USER, "required": set(), "at_least_one": [{"account", "name", "uid"}]},
    "group": {
        "attributes": {"desc", "domain", "name", "privileges", "type", "uid"},
        "required": set(),
        "at_least_one": [{"name", "uid"}],
    },
    "actor": {
        "attributes": {"app_name", "app_uid", "authorizations", "idp", "invoked_by", "process", "session", "user"},
        "required": set(),
        "at_least_one": [{"process", "user", "invoked_by", "session", "app_name", "app_uid"}],
    },
    "session": {"attributes": _SESSION, "required": set(), "at_least_one": []},
    "device": {
        "attributes": _ENDPOINT | {"is_compliant", "is_managed", "is_personal", "is_trusted", "risk_score"},
        "required": {"type_id"},
        "at_least_one": [{"ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name"}],
    },
    "src_endpoint": {
        "attributes": _ENDPOINT,
        "required": set(),
        "at_least_one": [{"ip", "uid", "name", "hostname", "svc_name", "instance_uid"}],
    },
    "dst_endpoint": {
        "attributes": _ENDPOINT,
        "required": set(),
        "at_least_one": [{"ip", "uid", "name", "hostname", "svc_name", "instance_uid"}],
    },
    "location": {
        "attributes": {"city", "continent", "coordinates", "country", "desc", "geohash", "is_on_premises", "isp",
                       "lat", "long", "postal_code", "provider", "region"},
        "required": set(),
        "at_least_one": [],
    },
    "service": {"attributes": {"labels", "name", "tags", "uid", "version"}, "required": set(),
                "at_least_one": [{"name", "uid"}]},
    "entity": {
        "attributes": {"data", "device", "email", "group", "location", "name", "org", "policy", "type", "type_id",
                       "uid", "user", "version"},
        "required": set(),
        "at_least_one": [{"name", "uid", "device", "group", "org", "policy", "user"}],
    },
    "policy": {"attributes": _POLICY, "required": set(), "at_least_one": [{"name", "uid"}]},
    "authorizations": {"attributes": {"decision", "policy"}, "required": set(), "at_least_one": [{"decision", "policy"}]},
    "auth_factors": {
        "attributes": {"device", "email_addr", "factor_type", "factor_type_id", "is_hotp", "is_totp",
                       "phone_number", "provider", "security_questions"},
        "required": {"factor_type_id"},
        "at_least_one": [],
    },
    "http_request": {
        "attributes": {"args", "body_length", "http_headers", "http_method", "length", "referrer", "uid", "url",
                       "user_agent", "version", "x_forwarded_for"},
        "required": set(),
        "at_least_one": [],
    },
    "http_response": {
        "attributes": {"body_length", "code", "content_type", "http_headers", "latency", "length", "message", "status"},
        "required": {"code"},
        "at_least_one": [],
    },
    "url": {
        "attributes": {"categories", "category_ids", "domain", "hostname", "path", "port", "query_string",
                       "resource_type", "scheme", "subdomain", "url_string"},
        "required": set(),
        "at_least_one": [],
    },
    "traffic": {
        "attributes": {"bytes", "bytes_in", "bytes_out", "bytes_missed", "chunks", "chunks_in", "chunks_out",
                       "packets", "packets_in", "packets_out"},
        "required": set(),
        "at_least_one": [],
    },
}  # fmt: skip
OBJECTS["entity_result"] = OBJECTS["entity"]
OBJECTS["groups"] = OBJECTS["group"]
FREE_FORM = {"unmapped", "data"}

ENUMERATIONS: dict[str, set[int]] = {
    "severity_id": {0, 1, 2, 3, 4, 5, 6, 99},
    "status_id": {0, 1, 2, 99},
    "action_id": {0, 1, 2, 3, 4, 99},
    "disposition_id": {*range(28), 99},
    "factor_type_id": {*range(12), 99},
}
TYPE_IDS = {"user": {0, 1, 2, 3, 4, 99}, "device": {*range(16), 99}}
CAPTIONS = {
    "action_id": ("action", {1: "Allowed", 2: "Denied"}),
    "disposition_id": ("disposition", {1: "Allowed", 2: "Blocked", 23: "Challenge", 27: "Error"}),
}
STRINGS = {"uid", "name", "ip", "hostname", "path", "message", "status_detail", "status_code", "version", "decision",
           "http_method", "user_agent", "email_addr", "activity_name", "comment"}  # fmt: skip
INTEGERS = {"time", "start_time", "end_time", "activity_id", "type_uid", "class_uid", "category_uid", "port", "code",
            "risk_score", "duration", "length", "bytes_in", "bytes_out"}  # fmt: skip
BOOLEANS = {"is_mfa", "is_remote", "is_managed", "is_compliant", "is_totp"}


def problems_of(event: dict[str, Any]) -> list[str]:
    """Return everything in which an event departs from the schema."""
    known = CLASSES.get(event.get("class_uid", 0))
    if known is None:
        return [f"class {event.get('class_uid')} is not one of ours"]
    allowed = BASE | known["attributes"]
    for profile in event["metadata"].get("profiles", ()):
        allowed |= PROFILE_ATTRIBUTES[profile]
    problems = _shape("event", event, {**known, "attributes": allowed, "required": BASE_REQUIRED | known["required"]})
    problems += _classification(event, known)
    for name, value in event.items():
        if name not in FREE_FORM:
            problems += _value(name, value)
    for number, (caption, words) in CAPTIONS.items():
        if number in event and event.get(caption) != words.get(event[number]):
            problems.append(f"{caption} does not say what {number} says")
    return problems


def _classification(event: dict[str, Any], known: dict[str, Any]) -> list[str]:
    activity = event["activity_id"]
    expected = {
        "class_name": known["name"],
        "category_uid": known["category"][0],
        "category_name": known["category"][1],
        "type_uid": event["class_uid"] * 100 + activity,
    }
    problems = [f"{name} is {event.get(name)!r}" for name, value in expected.items() if event.get(name) != value]
    if activity not in known["activities"]:
        problems.append(f"activity {activity} does not exist")
    if not event["type_name"].startswith(f"{known['name']}: "):
        problems.append("type_name does not begin with the class")
    return problems


def _shape(where: str, value: dict[str, Any], rules: dict[str, Any]) -> list[str]:
    problems = [f"{where}: {name} is unknown" for name in value.keys() - rules["attributes"]]
    problems += [f"{where}: {name} is missing" for name in rules["required"] - value.keys()]
    problems += [f"{where}: none of {sorted(names)}" for names in rules["at_least_one"] if not names & value.keys()]
    return problems


def _value(name: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        rules = OBJECTS.get(name)
        if rules is None:
            return [f"{name} is not an object we know"]
        inner = [problem for key, item in value.items() if key not in FREE_FORM for problem in _value(key, item)]
        if name in TYPE_IDS and value.get("type_id", 0) not in TYPE_IDS[name]:
            inner.append(f"{name}.type_id {value['type_id']} does not exist")
        return _shape(name, value, rules) + inner
    if isinstance(value, list):
        return [problem for item in value for problem in (_value(name, item) if isinstance(item, dict) else ())]
    for names, kind in ((STRINGS, str), (INTEGERS, int), (BOOLEANS, bool)):
        if name in names and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            return [f"{name} is a {type(value).__name__}"]
    if name in ENUMERATIONS and value not in ENUMERATIONS[name]:
        return [f"{name} {value!r} does not exist"]
    return []
