"""The names that exist in this company, so that a misspelt one in rules is found. What a document may say is `policy`'s."""

from ostiary.applications.facade import list_apps
from ostiary.identity.facade import list_groups
from ostiary.policy.rules.selector_reader import Known


def known_names() -> Known:
    """Return the groups and the apps that exist.

    People, services and labels are not among them: rules may speak of them before they are here.
    """
    return Known(
        groups=frozenset(str(group.id) for group in list_groups()), apps=frozenset(str(app.id) for app in list_apps())
    )
