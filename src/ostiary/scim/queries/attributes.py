"""How the database answers what is asked of each attribute of users and groups, as one client sees them."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from scim2_models.path import CompareOperator

from ostiary.identity.facade import can_sign_in, has_member, is_in_group
from ostiary.scim.domain.clients import via_of
from ostiary.scim.models import StoredGroup, StoredUser
from ostiary.scim.queries.conditions import EVERYTHING, PLAIN, UNKNOWN, Compiler, Condition, moment, said, text


def said_of(client: str) -> QuerySet[StoredUser]:
    """Return what a client says of the person of the outer query."""
    return StoredUser.objects.filter(client=client, person=OuterRef("pk"))


def user_attributes(client: str) -> dict[str, Compiler]:
    """Return how the database answers what is asked of users, as one client sees them."""

    def column(name: str, *, case_exact: bool = False) -> Compiler:
        return said(client, text(name, case_exact=case_exact), StoredUser, "person")

    return {
        "id": text("id", case_exact=True),
        "user_name": _user_name(client),
        "external_id": column("external_id", case_exact=True),
        "name.formatted": column("formatted"),
        "name.given_name": column("given_name"),
        "name.family_name": column("family_name"),
        "title": text("title"),
        "active": _active,
        "emails.value": _emails(client),
        "groups.value": _group,
        "department": text("department"),
        "employee_number": text("employee_number"),
        "meta.created": moment("created_at"),
        "meta.last_modified": _modified(client),
    }


def _user_name(client: str) -> Compiler:
    """Compare the userName a client gave, or the address of whom it said nothing."""
    stated, theirs = said(client, text("user_name"), StoredUser, "person"), text("email")
    keys, addresses = (
        said(client, text("user_name_key", case_exact=True), StoredUser, "person"),
        text("email", case_exact=True),
    )

    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        if op is None:
            return Condition(EVERYTHING)
        if op == CompareOperator.eq and isinstance(value, str) and value.isascii():
            ours, other = keys(op, value.lower()), addresses(op, value.lower())
        else:
            ours, other = stated(op, value), theirs(op, value)
        if not ours.where or not other.where:
            return UNKNOWN
        known = Q(Exists(said_of(client)))
        return Condition(known & ours.where | ~known & other.where, ours.exact and other.exact)

    return compiled


def _active(op: CompareOperator | None, value: Any) -> Condition:
    if op is None:
        return Condition(EVERYTHING)
    if not isinstance(value, bool) or op not in {"eq", "ne"}:
        return UNKNOWN
    return Condition(can_sign_in() if value == (op == CompareOperator.eq) else ~can_sign_in())


def _emails(client: str) -> Compiler:
    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        if op != CompareOperator.eq or not isinstance(value, str) or not PLAIN.fullmatch(value):
            return UNKNOWN
        rows = StoredUser.objects.filter(client=client).annotate(stated=Cast("emails", TextField()))
        there = Q(pk__in=rows.filter(stated__icontains=value).values("person_id"))
        return Condition(Q(email=value.lower()) | there, exact=False)

    return compiled


def _group(op: CompareOperator | None, value: Any) -> Condition:
    if op not in {CompareOperator.eq, CompareOperator.ne} or not isinstance(value, str) or "\x00" in value:
        return UNKNOWN
    return Condition(is_in_group(value) if op == CompareOperator.eq else ~is_in_group(value))


def _modified(client: str) -> Compiler:
    ours, theirs = moment("modified_at"), moment("created_at")

    def compiled(op: CompareOperator | None, value: Any) -> Condition:
        other = theirs(op, value)
        if not other.where:
            return other
        known, rows = Q(Exists(said_of(client))), said_of(client).filter(ours(op, value).where)
        return Condition(known & Q(Exists(rows)) | ~known & other.where)

    return compiled


def group_attributes(client: str) -> dict[str, Compiler]:
    """Return how the database answers what is asked of groups, as one client sees them."""

    def member(op: CompareOperator | None, value: Any) -> Condition:
        if op not in {CompareOperator.eq, CompareOperator.ne} or not isinstance(value, str) or "\x00" in value:
            return UNKNOWN
        there = has_member(value, via_of(client))
        return Condition(there if op == CompareOperator.eq else ~there)

    return {
        "id": text("id", case_exact=True),
        "display_name": text("name"),
        "external_id": said(client, text("external_id", case_exact=True), StoredGroup, "group"),
        "members.value": member,
    }
