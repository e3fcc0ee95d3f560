"""Tells Django about this room, and listens to what becomes known of devices."""

from django.apps import AppConfig


class BaselinesConfig(AppConfig):
    """The room of compliance."""

    name = "ostiary.baselines"
    label = "baselines"
    verbose_name = "Baselines"

    def ready(self) -> None:
        """Judge devices anew in the very transaction in which something else becomes known of them."""
        from ostiary.baselines.services.judging import posture_has_changed  # noqa: PLC0415 - models are ready only now
        from ostiary.devices.facade import posture_changed  # noqa: PLC0415 - as above

        posture_changed.connect(posture_has_changed, dispatch_uid="ostiary.baselines.posture_has_changed")
