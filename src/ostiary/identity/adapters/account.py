"""django-allauth's hooks for accounts. Ours are stricter: no sign-up, no redirect to another host."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from ostiary.identity.browser_session import sign_browser_in
from ostiary.identity.domain.return_paths import UnsafeReturnPath, parse_return_path
from ostiary.identity.models import Person


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People come by invitation, and stay on this host."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Nobody signs themselves up."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Say whether somebody may be sent to `url` after signing in: plain paths on this host only."""
        try:
            parse_return_path(url or "")
        except UnsafeReturnPath:
            return False
        return True

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count nothing here: `web.signin` limits attempts before it asks."""

    def login(self, request: HttpRequest, user: Person) -> None:
        """Sign the browser in: allauth comes here once every stage is behind the person."""
        sign_browser_in(request, user)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: our pages say what happened."""

    def send_notification_mail(
        self, template_prefix: str, user: Person, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Send nothing: `identity.services` writes to people about their account."""
