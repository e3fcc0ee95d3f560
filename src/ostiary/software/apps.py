"""Tells Django about this room."""

from django.apps import AppConfig


class SoftwareConfig(AppConfig):
    """The room of software."""

    name = "ostiary.software"
    label = "software"
    verbose_name = "Software"
