"""What is asked and what is answered: requests with their parameters, answers with their headers (RFC 7644, section 3)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from scim2_models import (
    Context,
    Error,
    InvalidSyntaxException,
    ListResponse,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)

from ostiary.scim.domain.resources import Group, Person

MAX_FILTER_CHARACTERS: Final = 8192
_SEARCH_KEYS: Final = {
    name.lower(): name
    for name in ("attributes", "excludedAttributes", "filter", "sortBy", "sortOrder", "startIndex", "count")
}
_LIST: Final[Any] = ListResponse.__class_getitem__(Person | Group)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Args:
        method: upper case.
        path: below the address of the service, with a slash at its front.
        query: the parameters of the address.
        body: as sent.
        if_match: the header of that name; empty for none.
        if_none_match: the header of that name; empty for none.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""
    if_match: str = ""
    if_none_match: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What is sent back: a status, JSON or nothing, and headers; `operations` is how many requests it stands for."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    operations: int = 1


class MethodNotAllowed(SCIMException):
    """The resource exists, and cannot be treated so."""

    status = 405
    _default_detail = "This cannot be done at this address."


def failure(error: Error, *headers: tuple[str, str]) -> Answer:
    """Return an answer that says what went wrong."""
    return Answer(error.status or 500, error.model_dump_json().encode(), headers)


def reply(
    status: int,
    resource: Any,
    wanted: ResponseParameters[Any] | None = None,
    context: Context = Context.RESOURCE_QUERY_RESPONSE,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """Return an answer with one resource, as much of it as is wanted."""
    body = resource.model_dump_json(scim_ctx=context, response_parameters=wanted).encode()
    version = resource.meta.version if getattr(resource, "meta", None) else None
    return Answer(status, body, (*headers, *([("ETag", version)] if version else [])))


def listed(total: int, start: int, resources: Any, request: SearchRequest[Any]) -> Answer:
    """Return an answer with one page of a list."""
    page = _LIST(total_results=total, start_index=start + 1, items_per_page=len(resources), resources=list(resources))
    return reply(200, page, request)


def parsed(body: bytes) -> Any:
    """Return what a body holds.

    Raises:
        InvalidSyntaxException: when it is not JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidSyntaxException(detail="The body is not JSON.") from None


def only(asked: Asked, method: str, read: Callable[[Asked], Any]) -> Any:
    """Return what `read` finds in a request of this method; others are refused."""
    if asked.method != method:
        raise MethodNotAllowed
    return read(asked)


def search_query(asked: Asked) -> SearchRequest[Any]:
    """Return the search that an address asks for."""
    given = {_SEARCH_KEYS[name.lower()]: value for name, value in asked.query.items() if name.lower() in _SEARCH_KEYS}
    return _search(given)


def search_body(asked: Asked) -> SearchRequest[Any]:
    """Return the search that a body asks for."""
    body = parsed(asked.body)
    if not isinstance(body, dict):
        raise InvalidSyntaxException(detail="The body is a JSON object.")
    return _search({_SEARCH_KEYS[name.lower()]: one for name, one in body.items() if name.lower() in _SEARCH_KEYS})


def _search(given: Mapping[str, Any]) -> SearchRequest[Any]:
    if len(str(given.get("filter", ""))) > MAX_FILTER_CHARACTERS:
        raise InvalidSyntaxException(detail=f"A filter has at most {MAX_FILTER_CHARACTERS} characters.")
    return SearchRequest.model_validate(
        {"schemas": [str(SearchRequest.__schema__)], **given}, scim_ctx=Context.SEARCH_REQUEST
    )


def response_parameters(asked: Asked) -> ResponseParameters[Any]:
    """Return which attributes an address asks to see."""
    named = {"attributes", "excludedattributes"}
    given = {_SEARCH_KEYS[name.lower()]: value for name, value in asked.query.items() if name.lower() in named}
    return ResponseParameters.model_validate(given)


def matches(header: str, version: str) -> bool:
    """Say whether one of the versions in a header is this one, whether it is marked weak or not (RFC 7232, section 2.3.2)."""
    given = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in given or version.removeprefix("W/") in given
