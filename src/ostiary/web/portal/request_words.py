"""How requests for access are said in the portal and in the console."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ostiary.requests.facade import Kind, Request, State

STATE_WORDS: Final[dict[State, Promise]] = {
    State.WAITING: _("Waiting"),
    State.GRANTED: _("In force"),
    State.REFUSED: _("Refused"),
    State.WITHDRAWN: _("Withdrawn"),
    State.LAPSED: _("Lapsed"),
    State.RETURNED: _("Handed back"),
    State.OVER: _("Over"),
}
KIND_WORDS: Final[dict[Kind, Promise]] = {
    Kind.ACCESS: _("Request"),
    Kind.EMERGENCY: _("Emergency"),
    Kind.ADMINISTRATOR: _("Administrator"),
}
STATE_LOOKS: Final = {State.WAITING: "held", State.GRANTED: "allowed", State.REFUSED: "refused"}


def hours_in_words(hours: int) -> str:
    """Return a number of hours as people say it."""
    if hours >= 48 and hours % 24 == 0:
        days = hours // 24
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def minutes_in_words(minutes: int) -> str:
    """Return a number of minutes as people say it."""
    if minutes % 60 == 0:
        return hours_in_words(minutes // 60)
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def answered_words(after: Request) -> str:
    """Return what an answer did, for whoever gave it."""
    said = {"who": after.name or after.email, "done": len(after.agreed), "needed": after.needed}
    if after.state is State.GRANTED:
        return gettext("%(who)s has access.") % said
    if after.state is State.WAITING:
        return gettext("You agree. %(done)d of %(needed)d have; %(who)s has access when all of them do.") % said
    return gettext("The request of %(who)s is refused.") % said
