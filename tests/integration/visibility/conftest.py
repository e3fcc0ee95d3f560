"""Fixtures of the record."""

from tests.visibility_record import instance, recorded

__all__ = ["instance", "recorded"]
