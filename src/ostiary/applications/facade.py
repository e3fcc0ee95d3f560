"""What the rest of Ostiary may ask of the catalogue: frozen types in, frozen types out."""

from ostiary.applications.adapters.authority_file import read_authorities
from ostiary.applications.adapters.upstream_names import resolve_name
from ostiary.applications.destinations import find_forbidden, own_ports
from ostiary.applications.domain import (
    CONSOLE_APP,
    App,
    AppHealth,
    Health,
    LabelLimits,
    Limit,
    Limits,
    SignIn,
    UnknownApp,
    UnusableApp,
    Upstream,
    UpstreamAddress,
    UpstreamScheme,
    cluster_name,
    describe_forbidden,
    forbidden_patterns,
    limit_text,
    limits_for,
    parse_upstream,
)
from ostiary.applications.facts import read_applications
from ostiary.applications.label_limits import set_label_limits
from ostiary.applications.queries import (
    app_health,
    get_app,
    limits_of,
    list_apps,
    list_guarded_apps,
    list_label_limits,
)
from ostiary.applications.services import add_app, add_app_elsewhere, change_app, ensure_builtin_apps, remove_app

__all__ = [
    "CONSOLE_APP",
    "App",
    "AppHealth",
    "Health",
    "LabelLimits",
    "Limit",
    "Limits",
    "SignIn",
    "UnknownApp",
    "UnusableApp",
    "Upstream",
    "UpstreamAddress",
    "UpstreamScheme",
    "add_app",
    "add_app_elsewhere",
    "app_health",
    "change_app",
    "cluster_name",
    "describe_forbidden",
    "ensure_builtin_apps",
    "find_forbidden",
    "forbidden_patterns",
    "get_app",
    "limit_text",
    "limits_for",
    "limits_of",
    "list_apps",
    "list_guarded_apps",
    "list_label_limits",
    "own_ports",
    "parse_upstream",
    "read_applications",
    "read_authorities",
    "remove_app",
    "resolve_name",
    "set_label_limits",
]
