"""People sign in to real applications by SAML; the whole instance starts once a process."""

from tests.running_instance import running

__all__ = ["running"]
