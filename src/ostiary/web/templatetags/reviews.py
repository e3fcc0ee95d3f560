"""Tags that draw access reviews."""

from typing import Final

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ostiary.policy.identifiers import PersonId
from ostiary.reviews import words
from ostiary.reviews.facade import Item, ItemState, count_to_answer
from ostiary.web.templatetags.ostiary import badge

register = template.Library()
_STATE_LOOKS: Final = {
    ItemState.WAITING: "held",
    ItemState.OWED: "held",
    ItemState.CARRIED_OUT: "held",
    ItemState.ELSEWHERE: "refused",
    ItemState.UNANSWERED: "refused",
    ItemState.KEPT: "allowed",
    ItemState.SETTLED: "allowed",
}
_ANSWER_LOOKS: Final = {"keep": "allowed", "reduce": "held", "remove": "refused"}

register.filter("ground", words.ground_of)
register.filter("suggested", words.suggested_of)
register.filter("answered", words.answered_of)
register.filter("use", words.use_of)
register.filter("peers", words.peers_of)
register.filter("loss", words.loss_of)
register.filter("gain", words.gain_of)
register.filter("way", words.way_of)
register.filter("kind", words.kind_of)
register.filter("handed_on", words.handed_on_of)
register.filter("read_back", words.read_back_of)
register.filter("alarm", words.alarm_words)


@register.simple_tag
def item_badge(item: Item) -> SafeString:
    """Draw where an item stands."""
    return badge(_STATE_LOOKS.get(item.state, ""), str(words.STATES[item.state]))


@register.simple_tag
def suggestion_badge(item: Item) -> SafeString:
    """Draw the answer that use suggests."""
    return badge(_ANSWER_LOOKS.get(item.suggestion.answer, ""), words.suggested_of(item))


@register.simple_tag(takes_context=True)
def reviews_tab(context: RequestContext) -> SafeString:
    """Draw the way to the reviews for whom something waits, and for whoever is there."""
    user = getattr(context.get("request"), "user", None)
    here = context.get("portal_tab") == "reviews"
    count = count_to_answer(PersonId(user.pk)) if user is not None and user.is_authenticated else 0
    if not count and not here:
        return mark_safe("")
    current = mark_safe(' aria-current="page"') if here else ""
    words_ = f"{_('Reviews')} ({count})" if count else _("Reviews")
    return format_html('<a href="{}"{}>{}</a>', reverse("portal_reviews"), current, words_)


@register.simple_tag
def seat_names(item: Item) -> str:
    """Return who may answer an item, and why."""
    named = [f"{one.name or one.email} ({words.SEATS[one.seat]})" for one in item.reviewers]
    return ", ".join(named) or _("nobody but the machine's operator")
