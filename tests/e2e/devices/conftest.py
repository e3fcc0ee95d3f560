"""Devices are shown on the whole instance, which starts once a process."""

from tests.running_instance import running

__all__ = ["running"]
