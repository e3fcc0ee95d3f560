"""Tells Django about this room."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The web room."""

    name = "ostiary.web"
    label = "web"
