"""Whom and what clients may not touch: what opens the console, unless the operator allows it."""

from django.conf import settings
from scim2_models import ForbiddenException

from ostiary.identity.facade import BUILTIN_GROUPS, Group, Person


def require_may_change_person(person: Person) -> None:
    """Refuse changes of people who may use the console.

    Raises:
        ForbiddenException: when somebody may, and no client may change them.
    """
    opens = sorted(set(person.groups) & set(BUILTIN_GROUPS))
    if opens and not _may_change_administrators():
        raise ForbiddenException(
            detail=f"{person.email} is in {opens[0]}, and is changed in Ostiary only (scim.may_change_administrators)."
        )


def require_may_change_group(group: Group) -> None:
    """Refuse changes of the builtin groups.

    Raises:
        ForbiddenException: when it is one, and no client may change them.
    """
    if group.builtin and not _may_change_administrators():
        raise ForbiddenException(
            detail=f"{group.id} is a builtin group, and is changed in Ostiary only (scim.may_change_administrators)."
        )


def _may_change_administrators() -> bool:
    return bool(settings.INSTANCE.configuration.scim.may_change_administrators)
