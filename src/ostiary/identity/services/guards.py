"""Rules that protect the instance from its own administrators, and people from each other.

The console decides who sees a button. These rules hold whatever the way in: console, command line, another program.
"""

import re
import time
import unicodedata
from datetime import UTC, datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Exists, OuterRef, QuerySet

from ostiary.identity.domain import ADMINISTRATORS, BUILTIN_GROUPS, ELIGIBLE
from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.identity.errors import NotAllowed, UnacceptableText, UnknownPerson
from ostiary.identity.models import Group, Membership, Person
from ostiary.identity.terms import in_force
from ostiary.visibility.facade import Actor

MAX_NAME_CHARACTERS = 200
MAX_EMAIL_CHARACTERS = 254
MAX_REASON_CHARACTERS = 500
MAX_TERM_SECONDS = 10 * 366 * 24 * 3600
_SPACES = re.compile(r"\s+")


def parse_email(text: str) -> str:
    """Return an address in the one form it is stored in.

    Raises:
        UnacceptableText: for anything that is not a plain ASCII address.
    """
    email = text.strip().lower()
    try:
        if len(email) > MAX_EMAIL_CHARACTERS or not email.isascii():
            raise ValidationError("form")
        validate_email(email)
    except ValidationError:
        raise UnacceptableText(
            f"{text.strip()[:80]!r} is not an e-mail address.", hint="Write it as name@example.com."
        ) from None
    return email


def parse_name(text: str, *, what: str = "name", limit: int = MAX_NAME_CHARACTERS) -> str:
    """Return a name in composed form with single spaces.

    Raises:
        UnacceptableText: when it is too long or has characters that cannot be seen.
    """
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    invisible = [one for one in name if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Cn"}]
    if len(name) > limit or invisible:
        raise UnacceptableText(
            f"This cannot be a {what}.", hint=f"Use at most {limit} letters and signs that can be seen."
        )
    return name


def parse_reason(text: str) -> str:
    """Return a reason in the form it is recorded in."""
    return parse_name(text, what="reason", limit=MAX_REASON_CHARACTERS)


def parse_end(ends_at: float | None) -> datetime | None:
    """Return the end of a term as a moment to store; `None` for none.

    Raises:
        UnacceptableText: when it is over already, or so far away that it is no end.
    """
    if ends_at is None:
        return None
    now = time.time()
    if not now < ends_at < now + MAX_TERM_SECONDS:
        raise UnacceptableText("The end must be in the future, and within ten years.", hint="For no end, give none.")
    return datetime.fromtimestamp(ends_at, UTC)


def lock_person(person_id: str) -> Person:
    """Return one person, locked until the transaction ends.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
    """
    rows = Person.objects.select_for_update().filter(pk=person_id)
    person = rows.first() if can_be_stored(person_id) else None
    if person is None:
        raise UnknownPerson("There is nobody with this identifier.", detail=str(person_id)[:100])
    return person


def find_owner(email: str) -> Person:
    """Return who is to answer for something.

    Raises:
        UnknownPerson: when nobody who can sign in has this address.
    """
    owner = Person.objects.filter(email=parse_email(email)).first()
    if owner is None or not owner.may_sign_in:
        raise UnknownPerson(f"Nobody who could answer for it has the address {email.strip()[:100]}.")
    return owner


def is_administrator(person_id: str) -> bool:
    """Say whether somebody is an administrator who is not disabled."""
    rows = Membership.objects.filter(in_force(), in_force("person__"), person__is_active=True)
    return rows.filter(person_id=person_id, group_id=ADMINISTRATORS).exists()


def is_eligible(person_id: str) -> bool:
    """Say whether somebody who is not disabled may become an administrator for a while."""
    rows = Membership.objects.filter(in_force(), in_force("person__"), person__is_active=True, group__builtin=True)
    return rows.filter(person_id=person_id, group_id=ELIGIBLE).exists()


def require_may_change_person(actor: Actor, person: Person) -> None:
    """Only administrators change administrators and those who may become one: else a helpdesk could make itself one.

    Raises:
        NotAllowed: when somebody who is not an administrator acts on one.
    """
    if actor.kind != "person" or actor.id == person.id:
        return
    if (is_administrator(person.id) or is_eligible(person.id)) and not is_administrator(actor.id):
        raise NotAllowed("Only administrators change an administrator's account.")


def require_may_let_in_anew(actor: Actor, person: Person) -> None:
    """Only administrators are shown a link by which somebody with a role in the console, or who may get one, signs in anew.

    Raises:
        NotAllowed: when somebody else acts.
    """
    if actor.kind != "person" or is_administrator(actor.id):
        return
    if Membership.objects.filter(in_force(), person=person, group_id__in=BUILTIN_GROUPS).exists():
        raise NotAllowed("Only administrators let somebody with a role in the console sign in anew.")


def require_may_change_group(actor: Actor, group_id: str) -> None:
    """Only administrators change who is in the builtin groups, which open the console.

    Raises:
        NotAllowed: when somebody else tries.
    """
    if actor.kind == "person" and group_id in BUILTIN_GROUPS and not is_administrator(actor.id):
        raise NotAllowed("Only administrators change who may use the console.")


def require_not_oneself(actor: Actor, person: Person) -> None:
    """Raise `NotAllowed` when somebody would disable themselves."""
    if actor.kind == "person" and actor.id == person.id:
        raise NotAllowed("You cannot disable your own account.", hint="Ask another administrator.")


def require_another_administrator(person: Person, *, leaves: str = "") -> None:
    """Raise `NotAllowed` when nobody could administer the instance without this person.

    Counted are those who have taken up their invitation, are not disabled and have no end: administrators without an end,
    and, with a passkey, those who may become one; two of these where another has to agree each time. Emergency accounts,
    which have nothing to sign in with, are not. Two such changes at once wait for each other.

    Args:
        person: who loses something.
        leaves: the group they would not be in any more; empty when they lose everything.
    """
    Group.objects.select_for_update().get(pk=ADMINISTRATORS)
    standing, becoming = _lasting(ADMINISTRATORS), _lasting(ELIGIBLE).filter(_WITH_PASSKEY, group__builtin=True)
    counts = standing.filter(person=person).exists() or becoming.filter(person=person).exists()
    if leaves != ELIGIBLE:
        standing = standing.exclude(person=person)
    if leaves != ADMINISTRATORS:
        becoming = becoming.exclude(person=person)
    if not counts or standing.exists():
        return
    left = becoming.values("person_id").distinct().count()
    if not left:
        raise NotAllowed(
            f"{person.email} is the last administrator.", hint="Make somebody else an administrator first."
        )
    if left == 1 and settings.INSTANCE.configuration.access.administrator_approval == "administrator":
        raise NotAllowed(
            f"Without {person.email} nobody could agree that somebody becomes an administrator.",
            hint="Name a second one who may become one and has a passkey, or set access.administrator_approval to none.",
        )


_WITH_PASSKEY = Exists(Authenticator.objects.filter(user_id=OuterRef("person_id"), type=Authenticator.Type.WEBAUTHN))


def _lasting(group_id: str) -> QuerySet[Membership]:
    return Membership.objects.filter(
        group_id=group_id,
        ends_at__isnull=True,
        person__is_active=True,
        person__ends_at__isnull=True,
        person__emergency=False,
        person__accepted_at__isnull=False,
    )
