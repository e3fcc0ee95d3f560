"""Keeps apps from setting our cookies: `Set-Cookie` lines with our names are taken out of their answers, the others stay.

The filter stands at each app's cluster, where only what an app itself said passes by, on every route, upgrade and stream. In
the listener's chain it would meet the decision service's answers too, which set these very cookies. It sleeps until an answer
has our prefix anywhere in its cookies; only then is a script run, for Envoy has no other filter that tells lines of one name apart.
The console's cluster has none: it is ours, and sets cookies of ours.

What keeps our cookies from the apps lives in `cookies`.
Source: RFC 6265 section 4.1.1; RFC 6265bis section 5.7 (a cookie without a name is sent back as its value alone).
"""

from typing import Final

from ostiary.gateway.plan.contents import FILTER_PLANTED_COOKIES, Json

_TYPE = "type.googleapis.com/"
_FILTERS = f"{_TYPE}envoy.extensions.filters."
PREFIX: Final = "__Host-ostiary-"

SCRIPT: Final = """\
function envoy_on_response(handle)
  local headers = handle:headers()
  local lines = {}
  for index = 0, headers:getNumValues("set-cookie") - 1 do
    lines[#lines + 1] = headers:getAtIndex("set-cookie", index)
  end
  headers:remove("set-cookie")
  for _, line in ipairs(lines) do
    if not string.find(string.lower(line), "^[%s%c=]*__host%-ostiary%-") then
      headers:add("set-cookie", line)
    end
  end
end
"""
"""All lines are taken out before any is put back: should it fail on the way, the app sets fewer cookies, not ours."""


def planted_cookie_filter() -> Json:
    """Return the filter of an app's cluster."""
    script = {
        "@type": f"{_FILTERS}http.lua.v3.Lua",
        "default_source_code": {"inline_string": SCRIPT},
    }
    return _only_where_ours({"name": FILTER_PLANTED_COOKIES, "typed_config": script})


def _only_where_ours(script: Json) -> Json:
    """Skip the filter for answers that hold nothing of ours, which are nearly all: running it costs a tenth of a request."""
    cookies = {"@type": f"{_TYPE}envoy.type.matcher.v3.HttpResponseHeaderMatchInput", "header_name": "set-cookie"}
    ours = {
        "single_predicate": {
            "input": {"name": "cookies", "typed_config": cookies},
            "value_match": {"contains": PREFIX, "ignore_case": True},
        }
    }
    skip = {
        "name": "skip",
        "typed_config": {"@type": f"{_FILTERS}common.matcher.action.v3.SkipFilter"},
    }
    return {
        "name": FILTER_PLANTED_COOKIES,
        "typed_config": {
            "@type": f"{_TYPE}envoy.extensions.common.matching.v3.ExtensionWithMatcher",
            "extension_config": script,
            "xds_matcher": {
                "matcher_list": {"matchers": [{"predicate": {"not_matcher": ours}, "on_match": {"action": skip}}]}
            },
        },
    }
