"""The first page: what needs somebody now, then how the day went. Parts of it refresh themselves."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from ostiary.applications.facade import list_apps
from ostiary.baselines.facade import count_waiting as count_waiting_exceptions
from ostiary.baselines.facade import get_held
from ostiary.devices.facade import count_copied, count_waiting
from ostiary.identity.facade import list_people, list_sessions, search_recoveries
from ostiary.requests.facade import count_overdue, count_owed
from ostiary.reviews.facade import read_standing
from ostiary.rulebook.facade import get_current, get_followed, list_proposals
from ostiary.signals.facade import list_transmitters
from ostiary.visibility.facade import Activity, get_activity, get_log_status, get_refusals
from ostiary.web.console.apps import health_by_app
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.attention import list_needs
from ostiary.web.console.guard import console_page
from ostiary.web.console.page import allowances_of, render_page
from ostiary.web.console.permissions import Action, Resource, may
from ostiary.web.console.process_states import read_machinery, read_untidy
from ostiary.web.console.words import OUTCOME_NAMES, name_reason
from ostiary.web.design.charts import Bar, Column, Series

SECTION = Resource.OVERVIEW
MAX_BARS: Final = 8


@dataclass(frozen=True, slots=True)
class Window:
    """How far the overview looks back; `span` is what the decisions page calls the same."""

    key: str
    seconds: int
    short: Promise
    words: Promise
    label: str


WINDOWS: Final = (
    Window("hour", 3600, _lazy("1 h"), _lazy("last hour"), "%H:%M"),
    Window("day", 86400, _lazy("24 h"), _lazy("last 24 h"), "%H:%M"),
    Window("week", 604800, _lazy("7 days"), _lazy("last 7 days"), "%a %H:%M"),
)
DAY: Final = WINDOWS[1]


@console_page(Resource.OVERVIEW, Action.VIEW)
def overview(request: HttpRequest) -> HttpResponseBase:
    """Show the overview."""
    return render_page(request, "overview.html", SECTION, _state(request, time.time()))


@console_page(Resource.OVERVIEW, Action.VIEW)
def overview_part(request: HttpRequest) -> HttpResponseBase:
    """Return the part of the overview that refreshes itself."""
    context = {**_state(request, time.time()), "may": allowances_of(caller_of(request).role)}
    return render(request, "console/parts/overview.html", context)


def window_of(request: HttpRequest) -> Window:
    """Return the window that the page is asked for; a day when none or nonsense."""
    return next((window for window in WINDOWS if window.key == request.GET.get("span")), DAY)


def _state(request: HttpRequest, now: float) -> dict[str, Any]:
    window, role = window_of(request), caller_of(request).role
    activity = get_activity(since=now - window.seconds, now=now)
    health = health_by_app()
    every_app = list_apps()
    apps = [(app, health.get(app.id)) for app in every_app if app.behind_gateway]
    machinery = read_machinery(settings.INSTANCE, now)
    record = get_log_status()
    return {
        "needs": list_needs(
            may=partial(may, role),
            machinery=machinery,
            record=record,
            refusals=get_refusals(since=now - DAY.seconds, now=now),
            rules=get_current(),
            followed=get_followed(),
            proposals=len(list_proposals()),
            apps=apps,
            second_factor_required=settings.INSTANCE.configuration.sign_in.require_second_factor,
            untidy=read_untidy(settings.INSTANCE),
            recoveries=search_recoveries(waiting=True, page_size=1).total,
            reviews=(count_owed() - count_overdue(), count_overdue()),
            access_reviews=read_standing(),
            devices=(count_waiting(), count_copied()),
            turned=get_held(now),
            exceptions=count_waiting_exceptions(),
            held=[(one.name, one.held) for one in list_transmitters() if one.held_at is not None],
        ),
        "window": window,
        "windows": WINDOWS,
        "activity": activity,
        "requests": activity.allowed + activity.held + activity.refused,
        "per_second": f"{activity.per_second:.1f}",
        "columns": _columns(activity, window),
        "series": _series(),
        "passed": [bucket.allowed + bucket.held + bucket.refused for bucket in activity.buckets],
        "stopped": [bucket.held + bucket.refused for bucket in activity.buckets],
        "reasons": _reasons(activity, window),
        "busiest": _busiest(activity, window, {str(app.id): app.name for app in every_app}),
        "sessions": list_sessions(page=1, page_size=1).total,
        "people": list_people(page=1, page_size=1).total,
        "apps": apps,
        "machinery": machinery,
        "record": record,
        "as_of": timezone.now(),
    }


def _series() -> tuple[Series, ...]:
    return tuple(Series(str(OUTCOME_NAMES[kind]), kind) for kind in ("allowed", "held", "refused"))


def _columns(activity: Activity, window: Window) -> tuple[Column, ...]:
    return tuple(
        Column(
            timezone.localtime(datetime.fromtimestamp(bucket.at, tz=UTC)).strftime(window.label),
            (bucket.allowed, bucket.held, bucket.refused),
        )
        for bucket in activity.buckets
    )


def _reasons(activity: Activity, window: Window) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            name_reason(reason) if reason else _("no reason noted"),
            count,
            f"{reverse('console:decisions')}?{urlencode({'reason': reason, 'span': window.key})}",
        )
        for reason, count in activity.refusals[:MAX_BARS]
    )


def _busiest(activity: Activity, window: Window, names: dict[str, str]) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            names.get(one.app, one.app),
            one.total,
            f"{reverse('console:decisions')}?{urlencode({'app': one.app, 'span': window.key, 'grants': 'on'})}",
        )
        for one in activity.apps[:MAX_BARS]
        if one.app
    )
