"""Passwords as their owners keep them here: judged, stored, found on a list of breached ones."""

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from ostiary.identity.adapters.breached import BreachedPasswords
from ostiary.identity.errors import UnacceptableText
from ostiary.identity.journal import record_account_change
from ostiary.identity.models import Person
from ostiary.identity.services.guards import lock_person
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor

_CHECKER = Actor(kind="system", id="sign-in", label="sign-in")


def check_password_is_good(password: str, person: Person) -> None:
    """Raise `UnacceptableText` with what would make the password acceptable."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise UnacceptableText(" ".join(error.messages)) from None


def store_password(person: Person, password: str, *, by_mail: bool = False) -> None:
    """Store a password that was judged, inside a transaction that is open.

    Args:
        person: whose.
        password: the new one.
        by_mail: whether nothing but a mailed link stood behind it.
    """
    person.set_password(password)
    person.password_set_at, person.password_by_mail, person.password_breached_at = datetime.now(UTC), by_mail, None
    person.save()


def review_password(*, person_id: PersonId, password: str) -> None:
    """Note whether a password that was right just now is known from a breach by now; only the local list is asked.

    It opens the door all the same: the second factor stands, and its owner is told to replace it.
    """
    file = settings.INSTANCE.configuration.sign_in.breached_passwords
    if not file:
        return
    breached = BreachedPasswords(file=file).contains(password)
    with transaction.atomic():
        person = lock_person(person_id)
        if breached == (person.password_breached_at is not None):
            return
        person.password_breached_at = datetime.now(UTC) if breached else None
        person.save(update_fields=["password_breached_at"])
        details: dict[str, str | int | float | bool | None] = {"password_breached": breached}
        record_account_change(actor=_CHECKER, change="update", person=person, details=details)
