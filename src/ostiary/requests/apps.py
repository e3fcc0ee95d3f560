"""Tells Django about this room."""

from django.apps import AppConfig


class RequestsConfig(AppConfig):
    """The room of requests for access."""

    name = "ostiary.requests"
    label = "requests"
    verbose_name = "Requests for access"
