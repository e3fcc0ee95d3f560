"""Tells Django about this room."""

from django.apps import AppConfig
from django.db.models.signals import post_save


class ScimConfig(AppConfig):
    """The room of directories that keep people and groups here."""

    name = "ostiary.scim"
    label = "scim"

    def ready(self) -> None:
        """Listen for accounts that are enabled, whoever does it."""
        from ostiary.scim.services.shut import forget_shut  # noqa: PLC0415 - models can be imported from here on

        post_save.connect(forget_shut, sender="identity.Person", dispatch_uid="ostiary.scim.forget_shut")
