"""What is shown on a whole instance shares one: it starts once a process, and its folders take turns."""

from tests.running_instance import running

__all__ = ["running"]
