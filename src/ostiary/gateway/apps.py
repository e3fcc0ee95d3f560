"""Tells Django about this room."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The gateway room."""

    name = "ostiary.gateway"
    label = "gateway"

    def ready(self) -> None:
        """Listen to what the pillars announce."""
        from ostiary.changes import facts_changed  # noqa: PLC0415 - models are not loaded before this
        from ostiary.gateway.counting import count_change  # noqa: PLC0415

        facts_changed.connect(count_change, dispatch_uid="ostiary.gateway.count_change")
