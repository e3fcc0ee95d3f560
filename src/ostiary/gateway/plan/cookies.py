"""Keeps our cookies from the apps, on every way to them.

The cookie header is taken out of the request and only what is left of it after our cookies are removed is put back. Where
that fails (the rest is longer than the filter carries, 8 KiB) the app receives no cookies at all: it closes, not opens.
"""

from ostiary.gateway.plan.contents import Json

METADATA_NAMESPACE = "ostiary"
METADATA_KEY = "cookie"
_TYPE = "type.googleapis.com/"
OURS = r"(?i:__host-ostiary-)"
APP_SIDE_OURS = r"(?i:__host-ostiary-)(?:begin|session|grant)"


def strip_pattern(ours: str) -> str:
    """Return the expression that finds cookies whose name starts with `ours`, with their separators.

    Several at the start are one match, so that nothing is left in front of the first of the app's own cookies.
    """
    return rf"^[ \t;,]*(?:{ours}[^;,]*(?:[;,][ \t]*|$))+|[;,][ \t]*{ours}[^;,]*"


def cookie_rules(ours: str = OURS) -> Json:
    """Return the filter's configuration."""
    return {
        "@type": f"{_TYPE}envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [
            {
                "header": "cookie",
                "remove": True,
                "on_header_present": {
                    "metadata_namespace": METADATA_NAMESPACE,
                    "key": METADATA_KEY,
                    "type": "STRING",
                    "regex_value_rewrite": {"pattern": {"regex": strip_pattern(ours)}, "substitution": ""},
                },
            }
        ],
    }


def console_cookie_rules() -> Json:
    """Return the rules for the console, whose own cookies carry our name too: its form tokens and messages."""
    return cookie_rules(APP_SIDE_OURS)


def restore_cookie() -> Json:
    """Return the mutation that puts the rest of the cookies back."""
    return {
        "append": {
            "header": {"key": "cookie", "value": f"%DYNAMIC_METADATA({METADATA_NAMESPACE}:{METADATA_KEY})%"},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    }
