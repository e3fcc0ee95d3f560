"""Tells Django about this room."""

from django.apps import AppConfig


class AuthzenConfig(AppConfig):
    """The room of programs that may ask."""

    name = "ostiary.authzen"
    label = "authzen"
