"""What every page of the sign-in host and the console knows about the instance."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def instance(request: HttpRequest) -> dict[str, Any]:
    """Return the organisation's name, whom to write to, and who is signed in."""
    return {
        "organisation": settings.INSTANCE.display_name,
        "contact": settings.INSTANCE.configuration.contact,
        "sign_in_session": getattr(request, "sign_in_session", None),
    }
