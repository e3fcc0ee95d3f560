"""Fixtures of kept decisions: the console's company."""

from tests.console_fixtures import company, console_instance, visit

__all__ = ["company", "console_instance", "visit"]
