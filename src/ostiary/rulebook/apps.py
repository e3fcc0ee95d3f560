"""Tells Django about this room."""

from django.apps import AppConfig


class RulebookConfig(AppConfig):
    """The rulebook room."""

    name = "ostiary.rulebook"
    label = "rulebook"
