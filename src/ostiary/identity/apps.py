"""Tells Django about this room."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class IdentityConfig(AppConfig):
    """The identity room."""

    name = "ostiary.identity"
    label = "identity"
    verbose_name = "People and sign-in"

    def ready(self) -> None:
        """See to it that the builtin groups exist after every migration, and after a database was emptied."""
        post_migrate.connect(_create_builtin_groups, sender=self)


def _create_builtin_groups(*, using: str, **_: Any) -> None:
    from ostiary.identity.models import Group  # noqa: PLC0415 - models exist once every room is known

    for id_, name, description in BUILTIN_GROUPS:
        Group.objects.using(using).get_or_create(
            id=id_, defaults={"name": name, "description": description, "builtin": True}
        )


BUILTIN_GROUPS = (
    ("administrators", "Administrators", "May change everything. A passkey is required."),
    ("auditors", "Auditors", "May read everything and change nothing."),
    ("helpdesk", "Helpdesk", "May invite people, end their sessions and reset their sign-in."),
    ("administrators-eligible", "May become administrators", "May become administrators for a while, with a passkey."),
)
