"""What the filters of the chain do on one host or one route, where it is not what they do everywhere. The routes are in `routes`."""

from ostiary.applications.facade import App
from ostiary.gateway.plan import contents
from ostiary.gateway.plan.contents import Json
from ostiary.gateway.plan.cookies import console_cookie_rules
from ostiary.gateway.tokens import grant_audience

_TYPE = "type.googleapis.com/"


def unasked() -> Json:
    """Ask nobody about a request that goes nowhere."""
    asking = {contents.FILTER_GRANTS, contents.FILTER_DECISION}
    return {name: config for name, config in undecided().items() if name in asking}


def undecided() -> Json:
    """Switch off what belongs to apps: our own pages read our cookies and need no decision."""
    return {
        contents.FILTER_GRANTS: no_grant(),
        contents.FILTER_DECISION: _unasked_decision(),
        contents.FILTER_COOKIES: _off(),
        contents.FILTER_HEADERS_OUT: _off(),
        contents.FILTER_OWN_BODY_SIZE: _on(),
    }


def sign_in_limit() -> Json:
    """Return how often one address may try to prove something: enough for an office behind one address."""
    return _limit("sign_in", {"max_tokens": 60, "tokens_per_fill": 5, "fill_interval": "1s"}, together=(600, 100))


def asking_limit() -> Json:
    """Return how often one address may exchange codes and tokens: an app asks for everybody who uses it."""
    return _limit("openid", {"max_tokens": 400, "tokens_per_fill": 40, "fill_interval": "1s"}, together=(2000, 400))


def agent_limit() -> Json:
    """Return how often one address may speak for devices: an office full of computers, each asking once a second while it is enrolled."""
    return _limit("agent", {"max_tokens": 200, "tokens_per_fill": 20, "fill_interval": "1s"}, together=(1000, 200))


def directory_limit() -> Json:
    """Return how often one address may speak SCIM, whatever its token: directories write in bursts."""
    return _limit("scim", {"max_tokens": 2000, "tokens_per_fill": 500, "fill_interval": "1s"}, together=(4000, 1000))


def signal_limit() -> Json:
    """Return how often one address may send signals or ask for them, whatever its token."""
    return _limit("signals", {"max_tokens": 1000, "tokens_per_fill": 100, "fill_interval": "1s"}, together=(2000, 500))


def _limit(name: str, each: Json, *, together: tuple[int, int]) -> Json:
    most, a_second = together
    return {
        "@type": f"{_TYPE}envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": name,
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
        "token_bucket": {"max_tokens": most, "tokens_per_fill": a_second, "fill_interval": "1s"},
        "rate_limits": [{"actions": [{"remote_address": {}}]}],
        "descriptors": [{"entries": [{"key": "remote_address"}], "token_bucket": each}],
        "max_dynamic_descriptors": 10_000,
    }


def stream_filters(kind: str) -> Json:
    """Tell the decision service that a long answer is asked for; no grant is good for one."""
    return {
        contents.FILTER_GRANTS: no_grant(),
        contents.FILTER_HEADERS_IN: _header_mutations([_set("x-ostiary-stream", kind)]),
    }


def host_filters(app: App) -> Json:
    """Return what holds for every route of an app's host."""
    filters = {contents.FILTER_HEADERS_IN: headers_in_for(app.id, *app.identity_headers)}
    if app.builtin:
        filters[contents.FILTER_COOKIES] = console_cookie_rules()
        filters[contents.FILTER_OWN_BODY_SIZE] = _on()
    return filters


def headers_in_for(name: str, *identity_headers: str) -> Json:
    """Say which app is meant, and take away what only the gateway may say to it."""
    removals: list[Json] = [{"remove": header} for header in identity_headers]
    return _header_mutations([*removals, _set("x-ostiary-app", name)])


def _header_mutations(mutations: list[Json]) -> Json:
    return {
        "@type": f"{_TYPE}envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
        "mutations": {"request_mutations": mutations},
    }


def _set(name: str, value: str) -> Json:
    return {
        "append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
    }


def grant_filters(app: App, *, on_device: bool) -> Json:
    """Take a grant for the app, of the kind that is for connections with or without a certificate."""
    taking = {
        contents.FILTER_GRANTS: {
            "@type": f"{_TYPE}envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig",
            "requirement_name": grant_audience(app.id, on_device=on_device),
        }
    }
    if not on_device:
        return taking
    return {
        **taking,
        contents.FILTER_DECISION: _unasked_decision(),
        contents.FILTER_GRANTED_HERE: _on(),
        contents.FILTER_DEVICE_DECISION: _on(),
    }


def no_grant() -> Json:
    """Look for no grant: whoever comes this way is decided."""
    return {"@type": f"{_TYPE}envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig", "disabled": True}


def _unasked_decision() -> Json:
    return {"@type": f"{_TYPE}envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", "disabled": True}


def _off() -> Json:
    return {"@type": f"{_TYPE}envoy.config.route.v3.FilterConfig", "config": {}, "disabled": True}


def _on() -> Json:
    return {"@type": f"{_TYPE}envoy.config.route.v3.FilterConfig", "config": {}}
