"""Fixtures of explanations: the console's company."""

from tests.console_fixtures import company, console_instance, visit

__all__ = ["company", "console_instance", "visit"]
