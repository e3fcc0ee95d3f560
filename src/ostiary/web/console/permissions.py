"""Who may do what in the console: one table, reviewed like code. Enforcing it is `guard`'s.

A cell lists the roles that may. What is not in the table may nobody.
"""

from enum import StrEnum
from typing import Final

from ostiary.identity.facade import BUILTIN_GROUPS, ConsoleRole, Person


class Resource(StrEnum):
    """What a page is about. `EXPLAIN` shows what rules make of a request: rules and decisions together."""

    OVERVIEW = "overview"
    APPS = "apps"
    PEOPLE = "people"
    GROUPS = "groups"
    ROLES = "roles"
    REQUESTS = "requests"
    REVIEWS = "reviews"
    SERVICES = "services"
    DEVICES = "devices"
    SOFTWARE = "software"
    SESSIONS = "sessions"
    SIGNALS = "signals"
    RULES = "rules"
    EXPLAIN = "explain"
    DECISIONS = "decisions"
    AUDIT = "audit"


class Action(StrEnum):
    """What is done to it.

    `ENTER` is adding a new one, for people: inviting. `GRANT` is giving access: putting someone into a group,
    or giving them a role; for devices: approving and releasing them.
    `RESET` is taking all authenticators away so that new ones can be set up, and confirming who lost their second factor.
    """

    VIEW = "view"
    EXPORT = "export"
    ENTER = "enter"
    CHANGE = "change"
    REMOVE = "remove"
    GRANT = "grant"
    DISABLE = "disable"
    RESET = "reset"
    REVOKE = "revoke"


ADMINISTRATOR: Final = frozenset({ConsoleRole.ADMINISTRATOR})
READERS: Final = frozenset({ConsoleRole.ADMINISTRATOR, ConsoleRole.AUDITOR})
DESK: Final = frozenset({ConsoleRole.ADMINISTRATOR, ConsoleRole.HELPDESK})
EVERY_ROLE: Final = frozenset({ConsoleRole.ADMINISTRATOR, ConsoleRole.AUDITOR, ConsoleRole.HELPDESK})

PERMISSIONS: Final[dict[tuple[Resource, Action], frozenset[ConsoleRole]]] = {
    (Resource.OVERVIEW, Action.VIEW): EVERY_ROLE,
    (Resource.APPS, Action.VIEW): EVERY_ROLE,
    (Resource.APPS, Action.EXPORT): READERS,
    (Resource.APPS, Action.ENTER): ADMINISTRATOR,
    (Resource.APPS, Action.CHANGE): ADMINISTRATOR,
    (Resource.APPS, Action.REMOVE): ADMINISTRATOR,
    (Resource.PEOPLE, Action.VIEW): EVERY_ROLE,
    (Resource.PEOPLE, Action.EXPORT): READERS,
    (Resource.PEOPLE, Action.ENTER): DESK,
    (Resource.PEOPLE, Action.CHANGE): ADMINISTRATOR,
    (Resource.PEOPLE, Action.DISABLE): DESK,
    (Resource.PEOPLE, Action.RESET): DESK,
    (Resource.GROUPS, Action.VIEW): EVERY_ROLE,
    (Resource.GROUPS, Action.EXPORT): READERS,
    (Resource.GROUPS, Action.ENTER): ADMINISTRATOR,
    (Resource.GROUPS, Action.REMOVE): ADMINISTRATOR,
    (Resource.GROUPS, Action.GRANT): ADMINISTRATOR,
    (Resource.GROUPS, Action.CHANGE): ADMINISTRATOR,
    (Resource.ROLES, Action.VIEW): EVERY_ROLE,
    (Resource.ROLES, Action.ENTER): ADMINISTRATOR,
    (Resource.ROLES, Action.CHANGE): ADMINISTRATOR,
    (Resource.ROLES, Action.REMOVE): ADMINISTRATOR,
    (Resource.ROLES, Action.GRANT): ADMINISTRATOR,
    (Resource.REQUESTS, Action.VIEW): EVERY_ROLE,
    (Resource.REQUESTS, Action.EXPORT): READERS,
    (Resource.REQUESTS, Action.GRANT): ADMINISTRATOR,
    (Resource.REQUESTS, Action.REVOKE): ADMINISTRATOR,
    (Resource.REVIEWS, Action.VIEW): READERS,
    (Resource.REVIEWS, Action.EXPORT): READERS,
    (Resource.REVIEWS, Action.ENTER): ADMINISTRATOR,
    (Resource.REVIEWS, Action.CHANGE): ADMINISTRATOR,
    (Resource.SERVICES, Action.VIEW): EVERY_ROLE,
    (Resource.SERVICES, Action.ENTER): ADMINISTRATOR,
    (Resource.SERVICES, Action.CHANGE): ADMINISTRATOR,
    (Resource.SERVICES, Action.DISABLE): ADMINISTRATOR,
    (Resource.SERVICES, Action.REMOVE): ADMINISTRATOR,
    (Resource.SERVICES, Action.REVOKE): ADMINISTRATOR,
    (Resource.DEVICES, Action.VIEW): EVERY_ROLE,
    (Resource.DEVICES, Action.EXPORT): READERS,
    (Resource.DEVICES, Action.CHANGE): ADMINISTRATOR,
    (Resource.DEVICES, Action.GRANT): ADMINISTRATOR,
    (Resource.DEVICES, Action.REVOKE): ADMINISTRATOR,
    (Resource.SOFTWARE, Action.VIEW): EVERY_ROLE,
    (Resource.SOFTWARE, Action.EXPORT): READERS,
    (Resource.SESSIONS, Action.VIEW): EVERY_ROLE,
    (Resource.SESSIONS, Action.EXPORT): READERS,
    (Resource.SESSIONS, Action.REVOKE): DESK,
    (Resource.SIGNALS, Action.VIEW): READERS,
    (Resource.SIGNALS, Action.CHANGE): ADMINISTRATOR,
    (Resource.RULES, Action.VIEW): READERS,
    (Resource.RULES, Action.EXPORT): READERS,
    (Resource.RULES, Action.CHANGE): ADMINISTRATOR,
    (Resource.EXPLAIN, Action.VIEW): READERS,
    (Resource.DECISIONS, Action.VIEW): EVERY_ROLE,
    (Resource.DECISIONS, Action.EXPORT): READERS,
    (Resource.AUDIT, Action.VIEW): READERS,
    (Resource.AUDIT, Action.EXPORT): READERS,
}


def may(role: ConsoleRole, resource: Resource, action: Action) -> bool:
    """Tell whether a role may do this."""
    return role in PERMISSIONS.get((resource, action), frozenset())


def may_act_on(role: ConsoleRole, person: Person) -> bool:
    """Tell whether a role may act on this person: the help desk must not lock out who has a role, disabled or not."""
    return role is ConsoleRole.ADMINISTRATOR or not set(person.groups) & set(BUILTIN_GROUPS)
