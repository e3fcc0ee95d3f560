"""How requests for access are said in the portal and in the console."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ostiary.requests.facade import State

STATE_WORDS: Final[dict[State, Promise]] = {
    State.WAITING: _("Waiting"),
    State.GRANTED: _("In force"),
    State.REFUSED: _("Refused"),
    State.WITHDRAWN: _("Withdrawn"),
    State.LAPSED: _("Lapsed"),
    State.RETURNED: _("Handed back"),
    State.OVER: _("Over"),
}
STATE_LOOKS: Final = {State.WAITING: "held", State.GRANTED: "allowed", State.REFUSED: "refused"}


def hours_in_words(hours: int) -> str:
    """Return a number of hours as people say it."""
    if hours >= 48 and hours % 24 == 0:
        days = hours // 24
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
