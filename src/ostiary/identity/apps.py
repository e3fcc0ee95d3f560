"""Tells Django about this room."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """The identity room."""

    name = "ostiary.identity"
    label = "identity"
    verbose_name = "People and sign-in"
