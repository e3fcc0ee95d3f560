"""How reviews are said: states, answers, why an answer is suggested, what was read back. Everywhere the same."""

from datetime import UTC, datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.reviews.domain.campaign import Answer, Item, ItemState, Seat
from ostiary.reviews.domain.facts import Ground, Opened, ReadBack, StillReached
from ostiary.reviews.domain.pre_answer import ENOUGH_DAYS, SELDOM_DAYS
from ostiary.reviews.domain.rubber_stamp import Alarm, Sign

STATES: Final[dict[ItemState, Promise]] = {
    ItemState.WAITING: gettext_lazy("Waiting"),
    ItemState.KEPT: gettext_lazy("Kept"),
    ItemState.OWED: gettext_lazy("To be carried out"),
    ItemState.CARRIED_OUT: gettext_lazy("Being read back"),
    ItemState.ELSEWHERE: gettext_lazy("To be done elsewhere"),
    ItemState.SETTLED: gettext_lazy("Done and read back"),
    ItemState.GONE: gettext_lazy("Ended by itself"),
    ItemState.UNANSWERED: gettext_lazy("Not answered"),
}
ANSWERS: Final[dict[str, Promise]] = {
    Answer.KEEP: gettext_lazy("Keep"),
    Answer.REDUCE: gettext_lazy("Reduce"),
    Answer.REMOVE: gettext_lazy("Remove"),
    "": gettext_lazy("Look yourself"),
}
KINDS: Final[dict[str, Promise]] = {
    "group": gettext_lazy("group"),
    "role": gettext_lazy("role"),
    "service": gettext_lazy("service"),
}
SEATS: Final[dict[Seat, Promise]] = {
    Seat.OWNER: gettext_lazy("answers for it"),
    Seat.MANAGER: gettext_lazy("their manager"),
    Seat.ADMINISTRATOR: gettext_lazy("administrator"),
    Seat.DELEGATE: gettext_lazy("was handed it"),
    Seat.SUBSTITUTE: gettext_lazy("substitute"),
}
GROUNDS: Final[dict[Ground, Promise]] = {
    Ground.USED: gettext_lazy("It was used lately."),
    Ground.NEW: gettext_lazy("It was not used yet, but is no older than %(enough)d days."),
    Ground.NARROWER: gettext_lazy("All that was used, %(narrower)s opens as well, and less besides."),
    Ground.SELDOM: gettext_lazy("It was not used for %(seldom)d days: an end would show whether it is needed."),
    Ground.SELDOM_FIXED: gettext_lazy("It was not used for %(seldom)d days, but how long it lasts is not said here."),
    Ground.UNUSED: gettext_lazy("It was never used in the time that is on record."),
    Ground.NOTHING_LOST: gettext_lazy("Nothing would be lost: other groups open the same."),
    Ground.SWITCHED_OFF: gettext_lazy("The account is switched off."),
    Ground.ENDS: gettext_lazy("It ends by itself soon."),
    Ground.OPENS_NOTHING: gettext_lazy("No rule opens anything by it, so use cannot tell."),
    Ground.RECORD_SHORT: gettext_lazy("The record of use is shorter than %(enough)d days, so use cannot tell."),
    Ground.CONSOLE: gettext_lazy("It opens the console, where use says little about need."),
    Ground.WIDENS: gettext_lazy("A rule refuses something to this group: without it, more would be open."),
}


def day(at: float | None) -> str:
    """Return a moment as a day in UTC; nothing for none."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def last_day(until: float | None) -> str:
    """Return the last day (UTC) of a time that ends at a moment: the day before, for one that ends at midnight."""
    return "" if until is None else day(until - 1.0)


def minute(at: float | None) -> str:
    """Return a moment to the minute in UTC; nothing for none."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def ground_of(item: Item) -> str:
    """Return why an answer is suggested, as a sentence."""
    values = {"enough": ENOUGH_DAYS, "seldom": SELDOM_DAYS, "narrower": item.suggestion.narrower}
    return str(GROUNDS[item.suggestion.ground]) % values


def suggested_of(item: Item) -> str:
    """Return the suggested answer with what it comes with."""
    return _with_terms(item.suggestion.answer, item.suggestion.until, item.suggestion.narrower)


def answered_of(item: Item) -> str:
    """Return the given answer with what it comes with; nothing while there is none."""
    return _with_terms(item.answer.value, item.until, item.narrower) if item.answer is not None else ""


def _with_terms(answer: str, until: float | None, narrower: str) -> str:
    words = str(ANSWERS[answer])
    if until is not None:
        return _("%(answer)s: until %(day)s") % {"answer": words, "day": last_day(until)}
    return _("%(answer)s: %(narrower)s instead") % {"answer": words, "narrower": narrower} if narrower else words


def use_of(item: Item) -> str:
    """Return how it was used, as a sentence."""
    facts = item.facts
    if facts.last_at is None:
        return _("Never used since %(day)s.") % {"day": day(facts.recorded_since)}
    return ngettext(
        "Used once, on %(day)s, since %(since)s.",
        "Used %(count)d times since %(since)s, last on %(day)s.",
        facts.count,
    ) % {"count": facts.count, "since": day(facts.recorded_since), "day": day(facts.last_at)}


def peers_of(item: Item) -> str:
    """Return what others who hold the same do, as a sentence; nothing of a service, which is the only one of its kind."""
    peers = item.facts.peers
    if item.is_service:
        return ""
    if not peers.people:
        return _("Nobody else has it.")
    words = ngettext(
        "Of %(people)d other who has it, %(used)d used it",
        "Of %(people)d others who have it, %(used)d used it",
        peers.people,
    ) % {"people": peers.people, "used": peers.used}
    return f"{words}{_(', typically %(median)d times') % {'median': peers.median} if peers.used else ''}."


def opened_words(opened: Opened | StillReached) -> str:
    """Return an app with what may be done there."""
    return f"{opened.name} ({', '.join(opened.actions)})"


def loss_of(item: Item) -> str:
    """Return what would be lost by removing it."""
    return ", ".join(map(opened_words, item.facts.gives)) or _("nothing")


def gain_of(item: Item) -> str:
    """Return what removing it would open; nothing where it opens nothing."""
    return ", ".join(map(opened_words, item.facts.widens))


def handed_on_of(item: Item) -> str:
    """Return from whom to whom an item went; nothing where it went nowhere."""
    return "; ".join(
        _("%(by)s to %(to)s on %(day)s%(why)s")
        % {"by": one.by, "to": one.to, "day": day(one.at), "why": f" ({one.comment})" if one.comment else ""}
        for one in item.handed_on
    )


def kind_of(item: Item) -> str:
    """Return what is held, as a word."""
    return str(KINDS[item.kind])


def way_of(item: Item) -> str:
    """Return how somebody got it."""
    facts = item.facts
    words = _("by %(who)s on %(day)s") % {"who": facts.granted_by, "day": day(facts.granted_at)}
    return f"{item.via}, {words}" if item.via else words


def read_back_of(found: ReadBack | None) -> str:
    """Return what the published facts said afterwards, as sentences; nothing while they were not asked."""
    if found is None:
        return ""
    asked = _("Read back on %(at)s (facts %(generation)d):") % {"at": minute(found.at), "generation": found.generation}
    if found.ends_at is not None:
        said = [_("it ends at %(at)s.") % {"at": minute(found.ends_at)}]
        words = _("In reach after that: %(app)s, %(way)s.")
        said += [words % {"app": opened_words(one), "way": _other_way(one)} for one in found.still]
        return f"{asked} {' '.join(said)}"
    said = []
    if found.gone:
        said.append(_("out of reach: %(apps)s.") % {"apps": ", ".join(map(opened_words, found.gone))})
    said += [
        _("Still in reach: %(app)s, %(way)s.") % {"app": opened_words(one), "way": _other_way(one)}
        for one in found.still
    ]
    return f"{asked} {' '.join(said) or _('it opened nothing.')}"


def _other_way(one: StillReached) -> str:
    rules = ", ".join(one.rules)
    if one.groups:
        return _("by %(groups)s (rule %(rules)s)") % {"groups": ", ".join(one.groups), "rules": rules}
    return _("by a rule that needs no group (%(rules)s)") % {"rules": rules}


def alarm_words(alarm: Alarm) -> str:
    """Return one sign of answers given without looking, as a sentence."""
    values = {"who": alarm.reviewer, "answers": alarm.answers, "seconds": alarm.seconds}
    if alarm.sign is Sign.PACE:
        return _("%(who)s gave %(answers)d answers within %(seconds)g seconds.") % values
    return _("%(who)s kept everything, although the record spoke against %(answers)d of it.") % values
