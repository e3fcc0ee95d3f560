"""What a client can do to users and to groups: the two kinds of resource that there are."""

from collections.abc import Callable
from typing import Any

import msgspec
from scim2_models import Context, PatchOp, SearchRequest

from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.scim.domain.group_changes import read_group_patch
from ostiary.scim.domain.habits import Json, resource_body
from ostiary.scim.domain.people import with_default_emails
from ostiary.scim.domain.resources import POLICY, Group, Person, User
from ostiary.scim.queries.search import Found, search_groups, search_users
from ostiary.scim.queries.views import Viewer, groups_of, users_of
from ostiary.scim.services.groups import change_group, make_group, remove_group, replace_group, visible_group
from ostiary.scim.services.users import create_user, delete_user, update_user, visible_person
from ostiary.visibility.facade import Actor


class Handlers(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done to one kind of resource; `quiet` ones are not sent back after a PATCH unless they are asked for."""

    get: Callable[[str], Any]
    create: Callable[[Any], str]
    replace: Callable[[str, Any], None]
    patch: Callable[[str, list[Json]], None]
    delete: Callable[[str], None]
    search: Callable[[SearchRequest[Any]], Found]
    quiet: bool = False


def user_handlers(viewer: Viewer, actor: Actor) -> Handlers:
    """Return what one client can do to users."""
    client = viewer.client

    def get(user_id: str) -> Any:
        return users_of([visible_person(PersonId(user_id), client=client)], viewer)[0]

    def replace(user_id: str, body: Any) -> None:
        user = _read(Person, _user_body(body), Context.RESOURCE_REPLACEMENT_REQUEST)
        update_user(PersonId(user_id), user, client=client, actor=actor)

    def patch(user_id: str, operations: list[Json]) -> None:
        user = get(user_id)
        message = {"schemas": [str(PatchOp.__schema__)], "Operations": operations}
        change = PatchOp.__class_getitem__(Person).model_validate(message, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        if change.patch(user):
            update_user(PersonId(user_id), user, client=client, actor=actor)

    return Handlers(
        get=get,
        create=lambda body: create_user(
            _read(Person, _user_body(body), Context.RESOURCE_CREATION_REQUEST), client=client, actor=actor
        ),
        replace=replace,
        patch=patch,
        delete=lambda user_id: delete_user(PersonId(user_id), client=client, actor=actor),
        search=lambda request: search_users(request, viewer),
    )


def group_handlers(viewer: Viewer, actor: Actor) -> Handlers:
    """Return what one client can do to groups."""
    client = viewer.client

    def replace(group_id: str, body: Any) -> None:
        group = _read(Group, _group_body(body), Context.RESOURCE_REPLACEMENT_REQUEST)
        replace_group(GroupId(group_id), group, client=client, actor=actor)

    return Handlers(
        get=lambda group_id: groups_of([visible_group(GroupId(group_id))], viewer)[0],
        create=lambda body: make_group(
            _read(Group, _group_body(body), Context.RESOURCE_CREATION_REQUEST), client=client, actor=actor
        ),
        replace=replace,
        patch=lambda group_id, operations: change_group(
            GroupId(group_id), read_group_patch(operations), client=client, actor=actor
        ),
        delete=lambda group_id: remove_group(GroupId(group_id), client=client, actor=actor),
        search=lambda request: search_groups(request, viewer, members=wants_members(request)),
        quiet=True,
    )


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


def wants_members(request: SearchRequest[Any]) -> bool:
    """Say whether a search asks to see who is in the groups it finds."""
    excluded = {str(one).lower().rpartition(":")[2] for one in request.excluded_attributes or ()}
    wanted = {str(one).lower().rpartition(":")[2].partition(".")[0] for one in request.attributes or ()}
    return "members" not in excluded and (not wanted or "members" in wanted)
