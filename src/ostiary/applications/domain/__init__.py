"""What an application is, and which ones may be added. Pure: reading and storing live beside this folder."""

from ostiary.applications.domain.app import App, AppHealth, Health, SignIn, Upstream, cluster_name
from ostiary.applications.domain.destination import describe_forbidden, forbidden_patterns
from ostiary.applications.domain.limits import LabelLimits, Limit, Limits, limits_for
from ostiary.applications.domain.upstream import UpstreamAddress, UpstreamScheme, parse_upstream
from ostiary.applications.domain.wording import CONSOLE_APP, RESERVED_APP_IDS, UnknownApp, UnusableApp, limit_text

__all__ = [
    "CONSOLE_APP",
    "RESERVED_APP_IDS",
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
    "cluster_name",
    "describe_forbidden",
    "forbidden_patterns",
    "limit_text",
    "limits_for",
    "parse_upstream",
]
