"""Tells Django about this room."""

from django.apps import AppConfig


class OsqueryConfig(AppConfig):
    """The room of hosts that run osquery."""

    name = "ostiary.osquery"
    label = "osquery"
    verbose_name = "osquery"
