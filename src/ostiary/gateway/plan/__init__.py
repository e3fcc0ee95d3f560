"""What the data plane is told, as files: planned here, written by `gateway.dataplane`. Pure: nothing here opens a file."""

from ostiary.gateway.plan.assemble import plan_gateway
from ostiary.gateway.plan.contents import (
    BOOTSTRAP_FILE,
    GRANTS_FILE,
    ROUTES_FILE,
    WRITE_ORDER,
    GatewayInputs,
    GatewayPlan,
)
from ostiary.gateway.plan.grants import render_grants, rotate_grants
from ostiary.gateway.plan.standalone import render_standalone

__all__ = [
    "BOOTSTRAP_FILE",
    "GRANTS_FILE",
    "ROUTES_FILE",
    "WRITE_ORDER",
    "GatewayInputs",
    "GatewayPlan",
    "plan_gateway",
    "render_grants",
    "render_standalone",
    "rotate_grants",
]
