"""Tells Django about this room."""

from django.apps import AppConfig


class OidcConfig(AppConfig):
    """The room of the OpenID Connect provider."""

    name = "ostiary.oidc"
    label = "oidc"
    verbose_name = "OpenID Connect provider"
