"""Tells Django about this room."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The gateway room."""

    name = "ostiary.gateway"
    label = "gateway"
