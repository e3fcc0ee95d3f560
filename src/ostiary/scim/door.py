"""Answers one SCIM request of a client: which resource, what is to happen, what is said back. HTTP itself lives in web.

Source: RFC 7644.
"""

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ForbiddenException,
    ListResponse,
    Meta,
    NotFoundException,
    NotImplementedException,
    PreconditionFailedException,
    SCIMException,
    SearchRequest,
)

from ostiary.errors import OstiaryError
from ostiary.identity.facade import NotAllowed
from ostiary.scim.bulk import answer_bulk
from ostiary.scim.domain.habits import patch_operations
from ostiary.scim.domain.resources import CONFIG, PROVIDER
from ostiary.scim.exchange import (
    Answer,
    Asked,
    MethodNotAllowed,
    failure,
    listed,
    matches,
    only,
    parsed,
    reply,
    response_parameters,
    search_body,
    search_query,
)
from ostiary.scim.kinds import Handlers, group_handlers, user_handlers, wants_members
from ostiary.scim.queries.search import Found, page_of, search_groups, search_users
from ostiary.scim.queries.views import Viewer
from ostiary.visibility.facade import Actor, RecordUnavailable

_DISCOVERY: Final = {"ServiceProviderConfig", "ResourceTypes", "Schemas"}


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
        if kind == "Me":
            raise NotImplementedException(
                detail="A client is a program and nobody's account here, so /Me names nobody."
            )
        if parts == ["Bulk"]:
            return answer_bulk(only(asked, "POST", lambda _asked: parsed(asked.body)), self.answer, self._viewer)
        if parts == [".search"]:
            return self._everything(asked)
        handlers: dict[str, Handlers] = {
            "Users": user_handlers(self._viewer, self._actor),
            "Groups": group_handlers(self._viewer, self._actor),
        }
        handler = handlers.get(kind)
        if handler is None or len(rest) > 1:
            raise NotFoundException(detail="There is nothing at this address.")
        if rest == [".search"]:
            return self._list(only(asked, "POST", search_body), handler.search)
        return self._one(asked, handler, rest[0]) if rest else self._collection(asked, handler)

    def _discover(self, asked: Asked, kind: str, rest: list[str]) -> Answer:
        only(asked, "GET", lambda _asked: None)
        if any(name.lower() == "filter" for name in asked.query):
            raise ForbiddenException(detail="What the service says of itself cannot be filtered.")
        if kind == "ServiceProviderConfig":
            if rest:
                raise NotFoundException
            config: Any = CONFIG.model_copy()
            config.meta = self._meta("ServiceProviderConfig", "ServiceProviderConfig")
            return reply(200, config)
        found: list[Any] = []
        for one in PROVIDER.resource_types if kind == "ResourceTypes" else PROVIDER.schemas:
            copy: Any = one.model_copy()
            copy.meta = self._meta(kind.removesuffix("s"), f"{kind}/{copy.id}")
            found.append(copy)
        if not rest:
            model = ListResponse.__class_getitem__(type(found[0]))
            return reply(
                200, model(total_results=len(found), start_index=1, items_per_page=len(found), resources=found)
            )
        wanted = next((one for one in found if str(one.id).lower() == rest[0].lower()), None)
        if wanted is None:
            raise NotFoundException(detail=f"There is no {rest[0][:100]!r} among {kind}.")
        return reply(200, wanted)

    def _meta(self, kind: str, place: str) -> Any:
        return Meta(resource_type=kind, location=f"{self._viewer.base}/{place}")

    def _collection(self, asked: Asked, handler: Handlers) -> Answer:
        if asked.method == "GET":
            return self._list(search_query(asked), handler.search)
        if asked.method != "POST":
            raise MethodNotAllowed
        wanted = response_parameters(asked)
        found = handler.get(handler.create(parsed(asked.body)))
        return reply(201, found, wanted, Context.RESOURCE_CREATION_RESPONSE, (("Location", found.meta.location),))

    def _one(self, asked: Asked, handler: Handlers, resource_id: str) -> Answer:
        wanted = response_parameters(asked)
        if asked.method == "GET":
            found = handler.get(resource_id)
            if asked.if_none_match and matches(asked.if_none_match, found.meta.version):
                return Answer(304, headers=(("ETag", found.meta.version),))
            return reply(200, found, wanted)
        if asked.method not in {"PUT", "PATCH", "DELETE"}:
            raise MethodNotAllowed
        with transaction.atomic():
            if asked.if_match and not matches(asked.if_match, handler.get(resource_id).meta.version):
                raise PreconditionFailedException
            return self._change(asked, handler, resource_id, wanted)

    def _change(self, asked: Asked, handler: Handlers, resource_id: str, wanted: Any) -> Answer:
        if asked.method == "DELETE":
            handler.delete(resource_id)
            return Answer(204)
        if asked.method == "PUT":
            handler.replace(resource_id, parsed(asked.body))
            return reply(200, handler.get(resource_id), wanted, Context.RESOURCE_REPLACEMENT_RESPONSE)
        handler.patch(resource_id, patch_operations(parsed(asked.body)))
        if handler.quiet and not (wanted.attributes or wanted.excluded_attributes):
            return Answer(204)
        return reply(200, handler.get(resource_id), wanted, Context.RESOURCE_PATCH_RESPONSE)

    def _list(self, request: SearchRequest[Any], search: Callable[[SearchRequest[Any]], Found]) -> Answer:
        found = search(request)
        start, _count = page_of(request)
        return listed(found.total, start, found.resources, request)

    def _everything(self, asked: Asked) -> Answer:
        """Search users, then groups, as one list."""
        request = only(asked, "POST", search_body)
        if request.sort_by is not None:
            raise NotImplementedException(detail="Users and groups are not sorted together; search one of them.")
        start, count = page_of(request)
        users = search_users(request, self._viewer, strict=False)
        left = count - len(users.resources)
        rest = request.model_copy(update={"start_index": max(0, start - users.total) + 1, "count": left})
        groups = search_groups(rest, self._viewer, members=wants_members(request), strict=False)
        return listed(users.total + groups.total, start, [*users.resources, *groups.resources], request)
