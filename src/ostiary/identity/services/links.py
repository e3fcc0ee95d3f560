"""One-time links: made, looked at, used up. What using one leads to lives in `invitations` and `recovery`."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from django.conf import settings

from ostiary.identity.errors import LinkRefused
from ostiary.identity.models import OneTimeLink, Person
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import PersonId

MAX_TOKEN_CHARACTERS = 100
PASSWORD_LINK_SECONDS = 3600
CONFIRM_LINK_SECONDS = 3 * 24 * 3600
BREAK_GLASS_LINK_SECONDS = 15 * 60
RECOVERY_LINK_SECONDS = 30 * 60
RESET_LINK_SECONDS = 24 * 3600


def make_link(
    *, person: Person, purpose: OneTimeLink.Purpose, seconds: int, by_mail: bool = False
) -> tuple[str, datetime]:
    """Return a new link and when it ends. Only its digest is stored.

    Args:
        person: whom it is for.
        purpose: what it lets them do.
        seconds: how long it works.
        by_mail: whether it goes to the person's address alone, so that opening it confirms the address.
    """
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=seconds)
    OneTimeLink.objects.create(
        digest=_digest(token), purpose=purpose, person=person, by_mail=by_mail, created_at=now, expires_at=expires_at
    )
    instance = settings.INSTANCE
    return instance.url(instance.identity_host, f"/link/{token}"), expires_at


def look_at_link(token: str) -> OneTimeLink:
    """Return a link that still works, without using it up.

    Raises:
        LinkRefused: when it does not work, whatever the cause.
    """
    row = None
    if len(token) <= MAX_TOKEN_CHARACTERS:
        row = (
            OneTimeLink.objects.select_related("person")
            .filter(
                in_force("person__"),
                digest=_digest(token),
                used_at=None,
                expires_at__gt=datetime.now(UTC),
                person__is_active=True,
            )
            .first()
        )
    if row is None:
        raise LinkRefused(
            "This link does not work any more.", hint="It may have been used, or be too old. Ask for a new one."
        )
    return row


def use_link(token: str, *, purpose: OneTimeLink.Purpose) -> OneTimeLink:
    """Use a link up and return it. Of several at once, one succeeds.

    Every other link of the same purpose for the same person ends with it.

    Raises:
        LinkRefused: when it does not work or is for something else.
    """
    row = look_at_link(token)
    now = datetime.now(UTC)
    used = OneTimeLink.objects.filter(pk=row.pk, purpose=purpose, used_at=None).update(used_at=now)
    if not used:
        raise LinkRefused("This link does not work any more.", hint="Ask for a new one.")
    OneTimeLink.objects.filter(person=row.person, purpose=purpose, used_at=None).delete()
    return row


def withdraw_links(person_id: PersonId | str, *purposes: OneTimeLink.Purpose) -> None:
    """End every unused link of a person; only those of the given purposes when there are any."""
    rows = OneTimeLink.objects.filter(person_id=person_id, used_at=None)
    if purposes:
        rows = rows.filter(purpose__in=purposes)
    rows.delete()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
