"""What users and groups can be ordered by."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce, Lower
from scim2_models import InvalidPathException
from scim2_models.path import AttributeBinding

from ostiary.scim.models import StoredGroup
from ostiary.scim.queries.attributes import said_of
from ostiary.scim.queries.conditions import name_of


def user_order(client: str, binding: AttributeBinding) -> Any:
    """Return what users are ordered by.

    Raises:
        InvalidPathException: when they cannot be ordered by that.
    """
    rows = said_of(client)
    columns: dict[str, Any] = {
        "id": F("id"),
        "user_name": Lower(Coalesce(Subquery(rows.values("user_name_key")[:1]), F("email"))),
        "display_name": Lower("name"),
        "title": Lower("title"),
        "active": F("is_active"),
        "emails.value": F("email"),
        "department": Lower("department"),
        "employee_number": Lower("employee_number"),
        "meta.created": F("created_at"),
        "meta.last_modified": Coalesce(Subquery(rows.values("modified_at")[:1]), F("created_at")),
        **{
            name: Lower(Subquery(rows.values(column)[:1]))
            for name, column in (
                ("external_id", "external_id"),
                ("name.formatted", "formatted"),
                ("name.given_name", "given_name"),
                ("name.family_name", "family_name"),
            )
        },
    }
    return _column(columns, binding)


def group_order(client: str, binding: AttributeBinding) -> Any:
    """Return what groups are ordered by.

    Raises:
        InvalidPathException: when they cannot be ordered by that.
    """
    rows = StoredGroup.objects.filter(client=client, group=OuterRef("pk"))
    columns = {
        "id": F("id"),
        "display_name": Lower("name"),
        "external_id": Subquery(rows.values("external_id")[:1]),
    }
    return _column(columns, binding)


def _column(columns: Mapping[str, Any], binding: AttributeBinding) -> Any:
    found = columns.get(name_of(binding))
    if found is None:
        raise InvalidPathException(
            detail=f"Nothing is sorted by {binding.urn}; try one of {', '.join(sorted(columns))}."
        )
    return found
