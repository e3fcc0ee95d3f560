"""Keeps requests from going where no app may live, whatever an upstream's name leads to at that moment.

The data plane looks names up for itself, as often as their records say; a check by another process would always be late. So each
request is judged at the cluster, once its destination is chosen and before a byte of it is sent. Addresses that were written
as such were judged when they were written.
"""

from collections.abc import Sequence
from functools import reduce

from ostiary.applications.facade import forbidden_patterns, own_ports
from ostiary.gateway.plan.contents import FILTER_DESTINATION, GatewayInputs, Json

_TYPE = "type.googleapis.com/"


def destination_filter(inputs: GatewayInputs) -> Json:
    """Return the filter of a cluster whose upstream has a name: 403 where its address matches."""
    policy = {
        "principals": [{"any": True}],
        "permissions": [{"any": True}],
        "condition": _any_of([_matches(pattern) for pattern in forbidden_patterns(own_ports(inputs.instance))]),
    }
    return {
        "name": FILTER_DESTINATION,
        "typed_config": {
            "@type": f"{_TYPE}envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "DENY", "policies": {"forbidden-destination": policy}},
        },
    }


def _matches(pattern: str) -> Json:
    destination = {"select_expr": {"operand": {"ident_expr": {"name": "upstream"}}, "field": "address"}}
    return {
        "call_expr": {
            "function": "matches",
            "target": destination,
            "args": [{"const_expr": {"string_value": pattern}}],
        }
    }


def _any_of(conditions: Sequence[Json]) -> Json:
    """Return the conditions joined by `||`, as the parser of CEL would."""
    return reduce(lambda left, right: {"call_expr": {"function": "_||_", "args": [left, right]}}, conditions)
