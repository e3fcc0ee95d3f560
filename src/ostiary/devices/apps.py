"""Tells Django about this room, and the life cycle of people about the devices they answer for."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    """The room of devices."""

    name = "ostiary.devices"
    label = "devices"
    verbose_name = "Devices"

    def ready(self) -> None:
        """Let devices end when whoever answers for them leaves or begins afresh."""
        from ostiary.changes import happened_to_somebody  # noqa: PLC0415 - as below
        from ostiary.devices.services.leavers import (  # noqa: PLC0415 - models are ready only now
            DEVICES_OF_LEAVERS,
            retire_devices_of,
            tell_of_owner,
        )
        from ostiary.devices.services.register import AFRESH  # noqa: PLC0415 - as above
        from ostiary.identity.facade import end_too, hand_over_too  # noqa: PLC0415 - as above

        hand_over_too(DEVICES_OF_LEAVERS)
        end_too(AFRESH, retire_devices_of)
        happened_to_somebody.connect(tell_of_owner, dispatch_uid="ostiary.devices.tell_of_owner")
