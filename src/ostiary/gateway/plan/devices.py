"""Devices at the data plane: certificates that clients may show, and grants that only the device they name can use.

Everybody is asked for a certificate where the instance has an authority for devices, and nobody needs one. Whose key was
proven in the handshake is all the data plane says; whether that leaf is one of ours the facts say, in the decision service.
So an expired, foreign or revoked certificate is no broken handshake: it is a person without a device, who is told so.

A grant for a connection with a certificate names it. Whether it is the one of this connection is asked in an expression that
runs in the data plane; any other outcome than "it is" leads to the decision service. See docs/decisions/0019.
"""

from typing import Final

from ostiary.gateway.plan import contents
from ostiary.gateway.plan.contents import GatewayInputs, Json, config_source

CERTIFICATE_HEADER: Final = "x-ostiary-device"
GRANTED_HEADER: Final = "x-ostiary-granted-device"
GRANTED_CLAIM: Final = "dev"
FINGERPRINT: Final = "%DOWNSTREAM_PEER_FINGERPRINT_256%"
_TYPE: Final = "type.googleapis.com/"
_SHADOW: Final = "envoy.filters.http.rbac"
MAX_CHAIN: Final = 3


def validation_secret(authorities: str) -> Json:
    """Return the secret that tells browsers which certificates are of interest here: those of these authorities.

    Args:
        authorities: PEM; their names are sent in every handshake, so that a browser without one asks nobody anything.
    """
    return {
        "@type": f"{_TYPE}envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": contents.DEVICE_AUTHORITIES_NAME,
        "validation_context": validation(authorities),
    }


def validation(authorities: str) -> Json:
    """Return how certificates are looked at: whoever has none, or one that no authority of ours signed, goes on without."""
    return {
        "trusted_ca": {"inline_string": authorities},
        "trust_chain_verification": "ACCEPT_UNTRUSTED",
        "max_verify_depth": MAX_CHAIN,
    }


def asked_certificates(inputs: GatewayInputs) -> Json:
    """Return the part of the listener's TLS that asks for certificates; nothing where there are no devices."""
    if not inputs.devices:
        return {}
    source = config_source(inputs.instance, contents.DEVICE_AUTHORITIES_FILE)
    return {
        "validation_context_sds_secret_config": {"name": contents.DEVICE_AUTHORITIES_NAME, "sds_config": source},
    }


def granted_here() -> Json:
    """Compare the certificate that a verified grant names with the connection's, and note the outcome. It refuses nothing.

    Without a grant, or without a certificate, the expression has no value, and the outcome is that it does not hold.
    """
    named = _call("_[_]", _select("request", "headers"), {"const_expr": {"string_value": GRANTED_HEADER}})
    proven = _select("connection", "sha256_peer_certificate_digest")
    policy = {
        "permissions": [{"any": True}],
        "principals": [{"any": True}],
        "condition": _call("_==_", named, proven),
    }
    return {
        "@type": f"{_TYPE}envoy.extensions.filters.http.rbac.v3.RBAC",
        "shadow_rules": {"action": "ALLOW", "policies": {"granted-here": policy}},
    }


def unless_granted_here() -> Json:
    """Return when the decision service is asked on connections with a certificate: unless the comparison came out well."""
    return {
        "filter": _SHADOW,
        "path": [{"key": "shadow_engine_result"}],
        "value": {"string_match": {"exact": "allowed"}},
        "invert": True,
    }


def _select(name: str, field: str) -> Json:
    return {"select_expr": {"operand": {"ident_expr": {"name": name}}, "field": field}}


def _call(function: str, *arguments: Json) -> Json:
    return {"call_expr": {"function": function, "args": list(arguments)}}
