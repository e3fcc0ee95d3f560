"""Tells Django about this room."""

from django.apps import AppConfig


class VisibilityConfig(AppConfig):
    """The visibility room."""

    name = "ostiary.visibility"
    label = "visibility"
