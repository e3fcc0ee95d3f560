"""Asks and tells other systems, which the authority of `signals.authority` vouches for too."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from ostiary.outgoing import asking
from ostiary.outgoing.asking import Answer

PURPOSE: Final = "signals"
"""Under which the tokens that are sent to others are sealed."""


def ask(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, named_by: str = ""
) -> Answer:  # fmt: skip
    """Send one request and return its answer. Arguments and errors as for `outgoing.asking.ask`."""
    return asking.ask(method, url, headers=headers, body=body, named_by=named_by, authority=_authority())


def read_document(url: str, *, named_by: str = "") -> dict[str, Any]:
    """Return a JSON object. Arguments and errors as for `outgoing.asking.read_document`."""
    return asking.read_document(url, named_by=named_by, authority=_authority())


def _authority() -> str:
    authority: str = settings.INSTANCE.configuration.signals.authority
    return authority
