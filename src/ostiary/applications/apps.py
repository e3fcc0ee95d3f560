"""Tells Django about this room."""

from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    """The applications room."""

    name = "ostiary.applications"
    label = "applications"
