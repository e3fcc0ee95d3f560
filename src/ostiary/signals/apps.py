"""Tells Django about this room."""

from django.apps import AppConfig
from django.db.models.signals import post_save


class SignalsConfig(AppConfig):
    """The room of shared signals."""

    name = "ostiary.signals"
    label = "signals"
    verbose_name = "Shared signals"

    def ready(self) -> None:
        """Listen to what happens to people, and to accounts that are enabled, whoever does it."""
        from ostiary.changes import happened_to_somebody  # noqa: PLC0415 - models can be imported from here on
        from ostiary.signals.services.announcing import announce  # noqa: PLC0415 - as above
        from ostiary.signals.services.shut import forget_shut  # noqa: PLC0415 - as above

        happened_to_somebody.connect(announce, dispatch_uid="ostiary.signals.announce")
        post_save.connect(forget_shut, sender="identity.Person", dispatch_uid="ostiary.signals.forget_shut")
