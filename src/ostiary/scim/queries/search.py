"""Searches: one page of the users or groups that a filter fits, in some order."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.db.models import Exists, OuterRef, Q
from scim2_models import InvalidPathException, ScimFilter, SearchRequest, TooManyException

from ostiary.identity.facade import count_groups, count_people, read_groups, read_people
from ostiary.scim.domain.resources import MAX_RESULTS, Group, Person
from ostiary.scim.models import StoredUser
from ostiary.scim.queries.attributes import group_attributes, user_attributes
from ostiary.scim.queries.conditions import Condition, compile_filter
from ostiary.scim.queries.ordering import group_order, user_order
from ostiary.scim.queries.views import Viewer, groups_of, users_of

MAX_LOOKED_AT: Final = 2000
"""How many resources are looked at one by one where the database cannot answer the whole filter."""


class Found(msgspec.Struct, frozen=True):
    """One page of a search.

    Args:
        total: how many there are on all pages.
        resources: those of this page, in order.
    """

    total: int
    resources: Sequence[Any]


def search_users(request: SearchRequest[Any], viewer: Viewer, *, strict: bool = True) -> Found:
    """Return one page of users.

    Args:
        request: filter, order and page.
        viewer: who looks.
        strict: whether an attribute that users do not have is a mistake; otherwise nobody has it.

    Raises:
        InvalidFilterException, InvalidPathException: when filter or order cannot be used.
        TooManyException: when too many would have to be looked at one by one.
    """
    condition = _condition(request, Person, user_attributes(viewer.client), strict)
    where = _visible(viewer.client) & condition.where
    order = _order(request, Person, lambda binding: user_order(viewer.client, binding))

    def read(start: int, count: int) -> list[Any]:
        return users_of(read_people(where, order=order, start=start, count=count), viewer)

    return _page(request, Person, condition, count_people(where), read)


def search_groups(request: SearchRequest[Any], viewer: Viewer, *, members: bool, strict: bool = True) -> Found:
    """Return one page of groups.

    Args:
        request: filter, order and page.
        viewer: who looks.
        members: whether anybody wants to know who is in them.
        strict: as for `search_users`.

    Raises:
        InvalidFilterException, InvalidPathException, TooManyException: as for `search_users`.
    """
    condition = _condition(request, Group, group_attributes(viewer.client), strict)
    order = _order(request, Group, lambda binding: group_order(viewer.client, binding))

    def read(start: int, count: int) -> list[Any]:
        groups = read_groups(condition.where, order=order, start=start, count=count)
        return groups_of(groups, viewer, members=members or not condition.exact)

    return _page(request, Group, condition, count_groups(condition.where), read)


def page_of(request: SearchRequest[Any]) -> tuple[int, int]:
    """Return how many resources to leave out from the front, and how many to give at most."""
    count = MAX_RESULTS if request.count is None else min(request.count, MAX_RESULTS)
    return request.start_index_0 or 0, count


def _page(request: SearchRequest[Any], model: Any, condition: Condition, total: int, read: Any) -> Found:
    start, count = page_of(request)
    if condition.exact:
        return Found(total, read(start, count) if count else [])
    if total > MAX_LOOKED_AT:
        raise TooManyException(
            detail=f"This filter would look at {total} resources one by one; narrow it down to {MAX_LOOKED_AT}."
        )
    bound = ScimFilter[model](str(request.filter))
    fitting = [one for one in read(0, MAX_LOOKED_AT) if bound.match(one)]
    return Found(len(fitting), fitting[start : start + count])


def _condition(request: SearchRequest[Any], model: Any, attributes: Any, strict: bool) -> Condition:
    if request.filter is None:
        return Condition(Q())
    return compile_filter(str(request.filter), model, attributes, strict=strict)


def _order(request: SearchRequest[Any], model: Any, column: Any) -> list[Any]:
    if request.sort_by is None:
        return []
    binding = request.sort_binding(model)
    if binding is None:
        raise InvalidPathException(detail=f"Nothing is sorted by {str(request.sort_by)[:60]!r}.")
    found = column(binding)
    expression = found
    if request.sort_order == SearchRequest.SortOrder.descending:
        return [expression.desc(nulls_first=True)]
    return [expression.asc(nulls_last=True)]


def _visible(client: str) -> Q:
    gone = StoredUser.objects.filter(client=client, person=OuterRef("pk"), gone_at__isnull=False)
    return Q(~Exists(gone))
