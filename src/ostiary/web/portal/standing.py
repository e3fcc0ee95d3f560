"""What is missing in one's own sign-in, and the one click that mends it: a quiet banner on the portal's pages."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.identity.facade import MISSING_WORDS, Unmet, list_standings
from ostiary.policy.identifiers import PersonId


@dataclass(frozen=True, slots=True)
class Missing:
    """The most pressing thing that is missing.

    Args:
        words: what.
        due_at: by when it is to be mended, seconds since the epoch; `None` for at once.
        href: where it is mended.
        action: the button's words.
    """

    words: Promise
    due_at: float | None
    href: str
    action: Promise


_REMEDIES: Final[dict[Unmet, tuple[str, Promise]]] = {
    Unmet.ADMINISTRATOR_WITHOUT_PASSKEY: ("set_up_passkey", _("Set up a passkey")),
    Unmet.BREACHED_PASSWORD: ("portal_password", _("Choose another password")),
    Unmet.NO_SECOND_FACTOR: ("set_up_passkey", _("Set up a passkey")),
    Unmet.NO_PASSKEY: ("set_up_passkey", _("Set up a passkey")),
    Unmet.TOO_FEW_FACTORS: ("set_up_passkey", _("Add a passkey")),
    Unmet.NO_RECOVERY_CODES: ("set_up_codes", _("Make recovery codes")),
}


def missing_for(person_id: PersonId) -> Missing | None:
    """Return what is most pressing for somebody; `None` when they meet what is asked for."""
    standing = next(iter(list_standings([person_id])), None)
    if standing is None or not standing.unmet:
        return None
    lack = standing.unmet[0]
    view, action = _REMEDIES[lack]
    return Missing(words=MISSING_WORDS[lack], due_at=standing.due_at or None, href=reverse(view), action=action)
