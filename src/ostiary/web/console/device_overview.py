"""All devices together: what they run on, which went silent, how each fact stands, what is oldest. Every number leads to its devices."""

import time
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ostiary.baselines.facade import count_stands, list_days
from ostiary.devices.facade import FactCount, Looks, get_fleet, list_seen
from ostiary.web.console.device_list import PLATFORM_NAMES, STILL_USED, TELLING_WORDS
from ostiary.web.console.guard import console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.design.charts import Bar, Column, Series, draw_share
from ostiary.web.fact_words import fact_name
from ostiary.web.stands_words import STANDS_WORDS

DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class ShownCount:
    """How one fact stands, with where its devices are listed."""

    name: str
    count: FactCount
    good_url: str
    bad_url: str
    unknown_url: str
    drawing: SafeString


@console_page(Resource.DEVICES, Action.VIEW)
def devices_overview(request: HttpRequest) -> HttpResponseBase:
    """Show all devices together."""
    now = time.time()
    fleet = get_fleet(now=now)
    context = {
        "fleet": fleet,
        "in_use_url": _listed(state=STILL_USED),
        "stands": [(*STANDS_WORDS[one], count, _listed(standing=one)) for one, count in count_stands(now=now)],
        "unknown": len(list_seen(now=now)),
        "platforms": [Bar(PLATFORM_NAMES[name], count, _listed(platform=name)) for name, count in fleet.platforms],
        "telling": [(TELLING_WORDS[one], count, _listed(telling=one)) for one, count in fleet.telling],
        "facts": [_shown(one) for one in fleet.facts],
        "versions": [(one, _listed(fact="os_version", is_=one.name)) for one in fleet.versions],
        "columns": _columns(),
        "series": (
            Series(_("As required"), "allowed"),
            Series(_("Has time left"), "held"),
            Series(_("Not as required"), "refused"),
            Series(_("Not known"), "unknown"),
        ),
    }
    return render_page(request, "devices/overview.html", Resource.DEVICES, context)


def _columns() -> tuple[Column, ...]:
    return tuple(
        Column(one.day, (one.compliant, one.grace, one.blocked, one.unknown)) for one in reversed(list_days(DAYS))
    )


def _shown(count: FactCount) -> ShownCount:
    parts = ((count.good, "allowed"), (count.bad, "refused"), (count.unknown, "unknown"))
    good, bad, unknown = (_listed(fact=count.name, is_=looks) for looks in (Looks.GOOD, Looks.BAD, Looks.UNKNOWN))
    return ShownCount(fact_name(count.name), count, good, bad, unknown, draw_share(parts))


def _listed(*, is_: str = "", **asked: str) -> str:
    return f"{reverse('console:devices')}?{urlencode({**asked, **({'is': is_} if is_ else {})})}"
