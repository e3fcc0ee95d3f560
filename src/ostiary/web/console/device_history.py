"""How a device's facts changed: the newest on its page, all of them on a page of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.http import Http404, HttpRequest, HttpResponseBase

from ostiary.devices.facade import ChangedFact, UnknownDevice, get_device, list_fact_changes, looks_good
from ostiary.web.console.guard import console_page
from ostiary.web.console.listing import cut
from ostiary.web.console.page import page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.fact_words import fact_name, fact_value, source_name

MAX_CHANGES: Final = 1000


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change in words; `meaning`: whether it looks good now, looks bad, or is not known any more."""

    at: float
    name: str
    before: str
    after: str
    meaning: str
    source: str


def shown_changes(changes: Iterable[ChangedFact]) -> list[ShownChange]:
    """Return changes as pages show them."""
    return [
        ShownChange(
            one.at,
            fact_name(one.name),
            fact_value(one.name, one.before),
            fact_value(one.name, one.value),
            _meaning(one),
            source_name(one.source),
        )
        for one in changes
    ]


@console_page(Resource.DEVICES, Action.VIEW)
def device_history(request: HttpRequest, device_id: str) -> HttpResponseBase:
    """Show every change of a device's facts that is kept, newest first."""
    try:
        device = get_device(device_id)
    except UnknownDevice:
        raise Http404 from None
    page = cut(list_fact_changes(device.id, limit=MAX_CHANGES), page_number(request))
    context = {"device": device, "page": page, "changes": shown_changes(page.items)}
    return render_page(request, "devices/history.html", Resource.DEVICES, context)


def _meaning(change: ChangedFact) -> str:
    if change.value is None:
        return "held"
    good = looks_good(change.name, change.value)
    return "" if good is None else "allowed" if good else "refused"
