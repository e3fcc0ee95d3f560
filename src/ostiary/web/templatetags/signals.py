"""Tags that draw shared signals."""

from typing import Final

from django import template
from django.utils.safestring import SafeString

from ostiary.signals.facade import Outcome
from ostiary.web.console.signals import OUTCOMES
from ostiary.web.templatetags.ostiary import badge

_LOOKS: Final = {
    Outcome.SESSIONS_ENDED: "refused",
    Outcome.DISABLED: "refused",
    Outcome.ENABLED: "allowed",
    Outcome.VERIFIED: "allowed",
    Outcome.HELD: "held",
}

register = template.Library()


@register.simple_tag
def signal_badge(outcome: Outcome) -> SafeString:
    """Draw what became of a signal."""
    return badge(_LOOKS.get(outcome, ""), str(OUTCOMES[outcome]))
