"""Answers one SCIM request of a client: which resource, what is to happen, what is said back. HTTP itself lives in web.

Source: RFC 7644.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from django.db import transaction
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ForbiddenException,
    InvalidSyntaxException,
    ListResponse,
    Meta,
    NotFoundException,
    NotImplementedException,
    PatchOp,
    PreconditionFailedException,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)

from ostiary.errors import OstiaryError
from ostiary.identity.facade import NotAllowed
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.scim.domain.group_changes import read_group_patch
from ostiary.scim.domain.habits import Json, patch_operations, resource_body
from ostiary.scim.domain.people import with_default_emails
from ostiary.scim.domain.resources import CONFIG, POLICY, PROVIDER, Group, Person, User
from ostiary.scim.queries.search import Found, page_of, search_groups, search_users
from ostiary.scim.queries.views import Viewer, groups_of, users_of
from ostiary.scim.services.groups import change_group, make_group, remove_group, replace_group, visible_group
from ostiary.scim.services.users import create_user, delete_user, update_user, visible_person
from ostiary.visibility.facade import Actor, RecordUnavailable

MAX_FILTER_CHARACTERS: Final = 8192
_SEARCH_KEYS: Final = {
    name.lower(): name
    for name in ("attributes", "excludedAttributes", "filter", "sortBy", "sortOrder", "startIndex", "count")
}
_LIST: Final[Any] = ListResponse.__class_getitem__(Person | Group)
_DISCOVERY: Final = {"ServiceProviderConfig", "ResourceTypes", "Schemas"}


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
    """What is sent back: a status, JSON or nothing, and headers."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class MethodNotAllowed(SCIMException):
    """The resource exists, and cannot be treated so."""

    status = 405
    _default_detail = "This cannot be done at this address."


class Door:
    """Answers the requests of one client.

    Args:
        viewer: the client, and the address of the service.
        actor: the client, for the record.
    """

    def __init__(self, viewer: Viewer, actor: Actor) -> None:
        self._viewer = viewer
        self._actor = actor

    def answer(self, asked: Asked) -> Answer:
        """Answer one request. Whatever goes wrong is said in the form that SCIM has for it, and changes nothing."""
        try:
            with PROVIDER:
                return self._answer(asked)
        except ValidationError as error:
            return failure(Error.from_validation_errors(error)[0])
        except SCIMException as error:
            return failure(error.to_error())
        except RecordUnavailable:
            return failure(
                Error(status=503, detail="Nothing can be put on record at the moment, so nothing is changed.")
            )
        except NotAllowed as error:
            return failure(Error(status=403, detail=f"{error}"))
        except OstiaryError as error:
            return failure(Error(status=400, scim_type="invalidValue", detail=f"{error} {error.hint}".strip()))

    def _answer(self, asked: Asked) -> Answer:
        parts = [part for part in asked.path.split("/") if part]
        kind, rest = (parts[0], parts[1:]) if parts else ("", [])
        if kind in _DISCOVERY and len(rest) <= 1:
            return self._discover(asked, kind, rest)
        if kind in {"Bulk", "Me"}:
            raise NotImplementedException(detail=f"/{kind} is not supported.")
        if parts == [".search"]:
            return self._everything(asked)
        handlers: dict[str, _Handlers] = {"Users": self._users(), "Groups": self._groups()}
        handler = handlers.get(kind)
        if handler is None or len(rest) > 1:
            raise NotFoundException(detail="There is nothing at this address.")
        if rest == [".search"]:
            return self._list(_only(asked, "POST", _search_body), handler.search)
        return self._one(asked, handler, rest[0]) if rest else self._collection(asked, handler)

    def _discover(self, asked: Asked, kind: str, rest: list[str]) -> Answer:
        _only(asked, "GET", lambda _asked: None)
        if any(name.lower() == "filter" for name in asked.query):
            raise ForbiddenException(detail="What the service says of itself cannot be filtered.")
        if kind == "ServiceProviderConfig":
            if rest:
                raise NotFoundException
            config: Any = CONFIG.model_copy()
            config.meta = self._meta("ServiceProviderConfig", "ServiceProviderConfig")
            return _reply(200, config)
        found: list[Any] = []
        for one in PROVIDER.resource_types if kind == "ResourceTypes" else PROVIDER.schemas:
            copy: Any = one.model_copy()
            copy.meta = self._meta(kind.removesuffix("s"), f"{kind}/{copy.id}")
            found.append(copy)
        if not rest:
            model = ListResponse.__class_getitem__(type(found[0]))
            return _reply(
                200, model(total_results=len(found), start_index=1, items_per_page=len(found), resources=found)
            )
        wanted = next((one for one in found if str(one.id).lower() == rest[0].lower()), None)
        if wanted is None:
            raise NotFoundException(detail=f"There is no {rest[0][:100]!r} among {kind}.")
        return _reply(200, wanted)

    def _meta(self, kind: str, place: str) -> Any:
        return Meta(resource_type=kind, location=f"{self._viewer.base}/{place}")

    def _collection(self, asked: Asked, handler: "_Handlers") -> Answer:
        if asked.method == "GET":
            return self._list(_search_query(asked), handler.search)
        if asked.method != "POST":
            raise MethodNotAllowed
        wanted = _response_parameters(asked)
        found = handler.get(handler.create(_parsed(asked.body)))
        return _reply(201, found, wanted, Context.RESOURCE_CREATION_RESPONSE, (("Location", found.meta.location),))

    def _one(self, asked: Asked, handler: "_Handlers", resource_id: str) -> Answer:
        wanted = _response_parameters(asked)
        if asked.method == "GET":
            found = handler.get(resource_id)
            if asked.if_none_match and _matches(asked.if_none_match, found.meta.version):
                return Answer(304, headers=(("ETag", found.meta.version),))
            return _reply(200, found, wanted)
        if asked.method not in {"PUT", "PATCH", "DELETE"}:
            raise MethodNotAllowed
        with transaction.atomic():
            if asked.if_match and not _matches(asked.if_match, handler.get(resource_id).meta.version):
                raise PreconditionFailedException
            return self._change(asked, handler, resource_id, wanted)

    def _change(self, asked: Asked, handler: "_Handlers", resource_id: str, wanted: Any) -> Answer:
        if asked.method == "DELETE":
            handler.delete(resource_id)
            return Answer(204)
        if asked.method == "PUT":
            handler.replace(resource_id, _parsed(asked.body))
            return _reply(200, handler.get(resource_id), wanted, Context.RESOURCE_REPLACEMENT_RESPONSE)
        handler.patch(resource_id, patch_operations(_parsed(asked.body)))
        if handler.quiet and not (wanted.attributes or wanted.excluded_attributes):
            return Answer(204)
        return _reply(200, handler.get(resource_id), wanted, Context.RESOURCE_PATCH_RESPONSE)

    def _list(self, request: SearchRequest[Any], search: Callable[[SearchRequest[Any]], Found]) -> Answer:
        found = search(request)
        start, _count = page_of(request)
        return _listed(found.total, start, found.resources, request)

    def _everything(self, asked: Asked) -> Answer:
        """Search users, then groups, as one list."""
        request = _only(asked, "POST", _search_body)
        if request.sort_by is not None:
            raise NotImplementedException(detail="Users and groups are not sorted together; search one of them.")
        start, count = page_of(request)
        users = search_users(request, self._viewer, strict=False)
        left = count - len(users.resources)
        rest = request.model_copy(update={"start_index": max(0, start - users.total) + 1, "count": left})
        groups = search_groups(rest, self._viewer, members=_wants_members(request), strict=False)
        return _listed(users.total + groups.total, start, [*users.resources, *groups.resources], request)

    def _search_users(self, request: SearchRequest[Any]) -> Found:
        return search_users(request, self._viewer)

    def _search_groups(self, request: SearchRequest[Any]) -> Found:
        return search_groups(request, self._viewer, members=_wants_members(request))

    def _users(self) -> "_Handlers":
        client, actor = self._viewer.client, self._actor

        def get(user_id: str) -> Any:
            return users_of([visible_person(PersonId(user_id), client=client)], self._viewer)[0]

        def replace(user_id: str, body: Any) -> None:
            user = _read(Person, _user_body(body), Context.RESOURCE_REPLACEMENT_REQUEST)
            update_user(PersonId(user_id), user, client=client, actor=actor)

        def patch(user_id: str, operations: list[Json]) -> None:
            user = get(user_id)
            message = {"schemas": [str(PatchOp.__schema__)], "Operations": operations}
            change = PatchOp.__class_getitem__(Person).model_validate(message, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
            if change.patch(user):
                update_user(PersonId(user_id), user, client=client, actor=actor)

        return _Handlers(
            get=get,
            create=lambda body: create_user(
                _read(Person, _user_body(body), Context.RESOURCE_CREATION_REQUEST), client=client, actor=actor
            ),
            replace=replace,
            patch=patch,
            delete=lambda user_id: delete_user(PersonId(user_id), client=client, actor=actor),
            search=self._search_users,
        )

    def _groups(self) -> "_Handlers":
        client, actor = self._viewer.client, self._actor

        def replace(group_id: str, body: Any) -> None:
            group = _read(Group, _group_body(body), Context.RESOURCE_REPLACEMENT_REQUEST)
            replace_group(GroupId(group_id), group, client=client, actor=actor)

        return _Handlers(
            get=lambda group_id: groups_of([visible_group(GroupId(group_id))], self._viewer)[0],
            create=lambda body: make_group(
                _read(Group, _group_body(body), Context.RESOURCE_CREATION_REQUEST), client=client, actor=actor
            ),
            replace=replace,
            patch=lambda group_id, operations: change_group(
                GroupId(group_id), read_group_patch(operations), client=client, actor=actor
            ),
            delete=lambda group_id: remove_group(GroupId(group_id), client=client, actor=actor),
            search=self._search_groups,
            quiet=True,
        )


class _Handlers(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done to one kind of resource; `quiet` ones are not sent back after a PATCH unless they are asked for."""

    get: Callable[[str], Any]
    create: Callable[[Any], str]
    replace: Callable[[str, Any], None]
    patch: Callable[[str, list[Json]], None]
    delete: Callable[[str], None]
    search: Callable[[SearchRequest[Any]], Found]
    quiet: bool = False


def failure(error: Error, *headers: tuple[str, str]) -> Answer:
    """Return an answer that says what went wrong."""
    return Answer(error.status or 500, error.model_dump_json().encode(), headers)


def _reply(
    status: int,
    resource: Any,
    wanted: ResponseParameters[Any] | None = None,
    context: Context = Context.RESOURCE_QUERY_RESPONSE,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    body = resource.model_dump_json(scim_ctx=context, response_parameters=wanted).encode()
    version = resource.meta.version if getattr(resource, "meta", None) else None
    return Answer(status, body, (*headers, *([("ETag", version)] if version else [])))


def _listed(total: int, start: int, resources: Any, request: SearchRequest[Any]) -> Answer:
    page = _LIST(total_results=total, start_index=start + 1, items_per_page=len(resources), resources=list(resources))
    return _reply(200, page, request)


def _user_body(body: Any) -> Json:
    found = resource_body(body, str(User.__schema__))
    names = {name.lower(): name for name in found}
    user_name = found.get(names.get("username", ""))
    key = names.get("emails", "emails")
    found[key] = with_default_emails(user_name if isinstance(user_name, str) else "", found.get(key))
    if found.get(names.get("active", "active")) is None:
        found[names.get("active", "active")] = True
    return found


def _group_body(body: Any) -> Json:
    return resource_body(body, str(Group.__schema__))


def _read(model: Any, body: Json, context: Context) -> Any:
    return model.model_validate(body, scim_ctx=context, scim_policy=POLICY)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidSyntaxException(detail="The body is not JSON.") from None


def _only(asked: Asked, method: str, read: Callable[[Asked], Any]) -> Any:
    if asked.method != method:
        raise MethodNotAllowed
    return read(asked)


def _search_query(asked: Asked) -> SearchRequest[Any]:
    given = {_SEARCH_KEYS[name.lower()]: value for name, value in asked.query.items() if name.lower() in _SEARCH_KEYS}
    return _search(given)


def _search_body(asked: Asked) -> SearchRequest[Any]:
    body = _parsed(asked.body)
    if not isinstance(body, dict):
        raise InvalidSyntaxException(detail="The body is a JSON object.")
    return _search({_SEARCH_KEYS[name.lower()]: one for name, one in body.items() if name.lower() in _SEARCH_KEYS})


def _search(given: Mapping[str, Any]) -> SearchRequest[Any]:
    if len(str(given.get("filter", ""))) > MAX_FILTER_CHARACTERS:
        raise InvalidSyntaxException(detail=f"A filter has at most {MAX_FILTER_CHARACTERS} characters.")
    return SearchRequest.model_validate(
        {"schemas": [str(SearchRequest.__schema__)], **given}, scim_ctx=Context.SEARCH_REQUEST
    )


def _response_parameters(asked: Asked) -> ResponseParameters[Any]:
    named = {"attributes", "excludedattributes"}
    given = {_SEARCH_KEYS[name.lower()]: value for name, value in asked.query.items() if name.lower() in named}
    return ResponseParameters.model_validate(given)


def _wants_members(request: SearchRequest[Any]) -> bool:
    excluded = {str(one).lower().rpartition(":")[2] for one in request.excluded_attributes or ()}
    wanted = {str(one).lower().rpartition(":")[2].partition(".")[0] for one in request.attributes or ()}
    return "members" not in excluded and (not wanted or "members" in wanted)


def _matches(header: str, version: str) -> bool:
    """Say whether one of the versions in a header is this one, whether it is marked weak or not (RFC 7232, section 2.3.2)."""
    given = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in given or version.removeprefix("W/") in given
