"""Tells Django about this room."""

from django.apps import AppConfig


class MdmConfig(AppConfig):
    """The room of device management elsewhere."""

    name = "ostiary.mdm"
    label = "mdm"
    verbose_name = "Device management elsewhere"
