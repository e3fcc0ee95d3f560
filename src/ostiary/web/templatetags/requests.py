"""Tags that draw requests for access."""

from django import template
from django.utils.safestring import SafeString

from ostiary.requests.facade import HOUR_SECONDS, State
from ostiary.web.portal.request_words import STATE_LOOKS, STATE_WORDS, hours_in_words
from ostiary.web.templatetags.ostiary import badge

register = template.Library()


@register.simple_tag
def state_badge(state: State) -> SafeString:
    """Draw where a request stands."""
    return badge(STATE_LOOKS.get(state, ""), str(STATE_WORDS[state]))


@register.filter
def asked_time(seconds: int) -> str:
    """Return the time that was asked for, in words."""
    return hours_in_words(max(1, round(seconds / HOUR_SECONDS)))
