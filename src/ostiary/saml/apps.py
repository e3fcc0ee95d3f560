"""Tells Django about this room."""

from django.apps import AppConfig


class SamlConfig(AppConfig):
    """The room of applications that people sign in to by SAML."""

    name = "ostiary.saml"
    label = "saml"
    verbose_name = "Sign-in by SAML"
