"""`{% load why %}`: the names of a rule's parts and of what was assumed, for pages that explain."""

from typing import Final

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.gateway.inquiry import Assumed, AssumedFact
from ostiary.policy.decision import RemedyKind
from ostiary.policy.why.judgement import PartKey
from ostiary.policy.why.seen import PartSeen

register = template.Library()

PART_NAMES: Final[dict[PartKey, Promise]] = {
    PartKey.WHO: _("Whom"),
    PartKey.TO: _("What"),
    PartKey.DO: _("Action"),
    PartKey.PATHS: _("Path"),
    PartKey.WHEN: _("When"),
    PartKey.UNLESS: _("Unless"),
}
ASSUMED_NAMES: Final[dict[AssumedFact, Promise]] = {
    AssumedFact.PROOF: _("Second factor, just then"),
    AssumedFact.DO: _("Action"),
    AssumedFact.PATH: _("Path"),
    AssumedFact.DEVICE: _("Device"),
    AssumedFact.ADDRESS: _("Address"),
    AssumedFact.COUNTRY: _("Country"),
    AssumedFact.RISK: _("Risk"),
    AssumedFact.TIME: _("Time"),
}
ACT_ICONS: Final = {
    RemedyKind.STEP_UP: "key",
    RemedyKind.SIGN_IN: "key",
    RemedyKind.SET_UP: "key",
    RemedyKind.WAIT: "clock",
    RemedyKind.CHANGE_NETWORK: "arrow",
    RemedyKind.USE_DEVICE: "phone",
    RemedyKind.ASK: "people",
}


@register.filter
def part_name(part: PartSeen) -> str:
    """Return what a part of a rule is called."""
    return str(PART_NAMES[part.key])


@register.filter
def assumed_name(assumed: Assumed) -> str:
    """Return what an assumed fact is called."""
    return str(ASSUMED_NAMES[assumed.fact])


@register.filter
def assumed_value(assumed: Assumed) -> str:
    """Return what was assumed."""
    if assumed.value:
        return assumed.value
    return str(_("now") if assumed.fact is AssumedFact.TIME else _("not known"))


@register.filter
def act_icon(kind: RemedyKind) -> str:
    """Return the icon of an act."""
    return ACT_ICONS[kind]
