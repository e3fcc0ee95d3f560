"""What the gateway itself answers when it cannot pass a request on: a page for people, problem+json for programs.

Refusals of the decision service have words of their own and are left as they are.
Source: RFC 9457 (problem details).
"""

import base64
import hashlib
import json
from dataclasses import dataclass

from ostiary.gateway.decider.answers import REFUSED_AS_UNAVAILABLE, UNAVAILABLE
from ostiary.gateway.plan.contents import Json


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: what happened and what to do, in words."""

    status: int
    title: str
    words: str


REPLIES = (
    Reply(400, "The request cannot be read", "Its address or headers could be understood in two ways. Check the link."),
    Reply(403, "This is not allowed here", "The application does not accept this kind of connection."),
    Reply(404, "There is nothing here", "Check the address."),
    Reply(408, "The request took too long", "Try again on a better connection."),
    Reply(413, "That is too large", "The gateway does not accept uploads of this size. Ask your administrator."),
    Reply(421, "This name is not served here", "Check the address, or open it again in a new window."),
    Reply(426, "This connection cannot be used", "Try again with a current browser."),
    Reply(429, "Too many attempts", "Wait a minute, then try again."),
    Reply(431, "The request is too large", "Delete the cookies of this site and try again."),
    Reply(500, "The gateway is not ready", "Nothing was passed on. Try again in a moment."),
    Reply(502, "The application gave no proper answer", "You are signed in and allowed; the application failed."),
    Reply(503, "This cannot be reached right now", "Nothing was passed on. Try again in a moment."),
    Reply(504, "The application took too long", "It may still be working on your request. Try again later."),
)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:16vh auto;padding:0 1.5rem;color:#1b1f24;"
    "background:#fff}h1{font-size:1.5rem;line-height:1.25}small{color:#59636e}"
    "@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#14171a}small{color:#9aa4ae}}"
)
_DECIDED = "response.code_details == 'ext_authz_denied'"


def local_replies() -> Json:
    """Return how answers of the gateway itself look."""
    mappers = [mapper for reply in REPLIES for mapper in (_mapper(reply, html=True), _mapper(reply, html=False))]
    return {"mappers": [_refusal_as_unavailable(), *mappers]}


def _refusal_as_unavailable() -> Json:
    """A refusal that means 503, with the words of the decision service."""
    conditions = [_status_is(REFUSED_AS_UNAVAILABLE), _holds(_DECIDED)]
    return {"filter": {"and_filter": {"filters": conditions}}, "status_code": UNAVAILABLE}


def _status_is(status: int) -> Json:
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": {"default_value": status, "runtime_key": "x"}}}}


def _holds(expression: str) -> Json:
    return {
        "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": expression,
            },
        }
    }


def _mapper(reply: Reply, *, html: bool) -> Json:
    conditions = [_status_is(reply.status), _holds(f"!({_DECIDED})")]
    if html:
        conditions.append({"header_filter": {"header": {"name": "accept", "string_match": {"contains": "text/html"}}}})
    return {
        "filter": {"and_filter": {"filters": conditions}},
        "body_format_override": _page(reply) if html else _problem(reply),
        "headers_to_add": [
            _header("cache-control", "no-store"),
            *([_header("content-security-policy", _csp())] if html else []),
        ],
    }


def _page(reply: Reply) -> Json:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{reply.title}</title><style>{_STYLE}</style><main><h1>{reply.title}</h1><p>{reply.words}</p>"
        f"<p><small>Error {reply.status} · reference "
    ).replace("%", "%%")
    return {
        "text_format_source": {"inline_string": f"{text}%REQ(X-REQUEST-ID)%</small></p></main></html>\n"},
        "content_type": "text/html; charset=utf-8",
    }


def _problem(reply: Reply) -> Json:
    problem = {"type": "about:blank", "title": reply.title, "status": reply.status, "detail": reply.words}
    start = json.dumps(problem, ensure_ascii=False)[:-1].replace("%", "%%")
    return {
        "text_format_source": {"inline_string": f'{start}, "reference": "%REQ(X-REQUEST-ID)%"}}\n'},
        "content_type": "application/problem+json",
    }


def _csp() -> str:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


def _header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
