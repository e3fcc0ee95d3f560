"""Tags that draw requests for access."""

from django import template
from django.utils.safestring import SafeString

from ostiary.requests.facade import HOUR_SECONDS, Kind, State
from ostiary.web.portal.request_words import KIND_WORDS, STATE_LOOKS, STATE_WORDS, hours_in_words, minutes_in_words
from ostiary.web.templatetags.ostiary import badge

register = template.Library()


@register.simple_tag
def state_badge(state: State) -> SafeString:
    """Draw where a request stands."""
    return badge(STATE_LOOKS.get(state, ""), str(STATE_WORDS[state]))


@register.simple_tag
def kind_badge(kind: Kind) -> SafeString | str:
    """Draw how a request came about, where it is no ordinary one."""
    return "" if kind is Kind.ACCESS else badge("held", str(KIND_WORDS[kind]))


@register.filter
def asked_time(seconds: int) -> str:
    """Return the time that was asked for, in words."""
    if seconds < HOUR_SECONDS:
        return minutes_in_words(max(1, round(seconds / 60)))
    return hours_in_words(round(seconds / HOUR_SECONDS))
