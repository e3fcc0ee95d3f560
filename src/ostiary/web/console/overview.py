"""The first page: what needs somebody now, then how the day went. Parts of it refresh themselves."""

import time
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from ostiary.applications.facade import list_apps
from ostiary.identity.facade import list_people, list_sessions
from ostiary.rulebook.facade import get_current
from ostiary.visibility.facade import Activity, get_activity, get_log_status
from ostiary.web.console.apps import health_by_app
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.attention import list_needs
from ostiary.web.console.guard import console_page
from ostiary.web.console.page import allowances_of, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.process_states import read_machinery
from ostiary.web.console.words import OUTCOME_NAMES, name_reason
from ostiary.web.design.charts import Bar, Column, Series

SECTION = Resource.OVERVIEW
DAY_SECONDS: Final = 86400
MAX_BARS: Final = 8


@console_page(Resource.OVERVIEW, Action.VIEW)
def overview(request: HttpRequest) -> HttpResponseBase:
    """Show the overview."""
    return render_page(request, "overview.html", SECTION, _state(time.time()))


@console_page(Resource.OVERVIEW, Action.VIEW)
def overview_part(request: HttpRequest) -> HttpResponseBase:
    """Return the part of the overview that refreshes itself."""
    context = {**_state(time.time()), "may": allowances_of(caller_of(request).role)}
    return render(request, "console/parts/overview.html", context)


def _state(now: float) -> dict[str, Any]:
    activity = get_activity(since=now - DAY_SECONDS, now=now)
    health = health_by_app()
    apps = [(app, health.get(app.id)) for app in list_apps()]
    machinery = read_machinery(settings.INSTANCE, now)
    record = get_log_status()
    return {
        "needs": list_needs(
            machinery=machinery,
            record=record,
            activity=activity,
            rules=get_current(),
            apps=apps,
            second_factor_required=settings.INSTANCE.configuration.sign_in.require_second_factor,
        ),
        "activity": activity,
        "requests": activity.allowed + activity.held + activity.refused,
        "per_second": f"{activity.per_second:.1f}",
        "columns": _columns(activity),
        "series": _series(),
        "passed": [bucket.allowed + bucket.held + bucket.refused for bucket in activity.buckets],
        "stopped": [bucket.held + bucket.refused for bucket in activity.buckets],
        "reasons": _reasons(activity),
        "busiest": _busiest(activity, {str(app.id): app.name for app, _health in apps}),
        "sessions": list_sessions(page=1, page_size=1).total,
        "people": list_people(page=1, page_size=1).total,
        "apps": apps,
        "machinery": machinery,
        "record": record,
        "as_of": timezone.now(),
    }


def _series() -> tuple[Series, ...]:
    return tuple(Series(str(OUTCOME_NAMES[kind]), kind) for kind in ("allowed", "held", "refused"))


def _columns(activity: Activity) -> tuple[Column, ...]:
    return tuple(
        Column(
            timezone.localtime(datetime.fromtimestamp(bucket.at, tz=UTC)).strftime("%H:%M"),
            (bucket.allowed, bucket.held, bucket.refused),
        )
        for bucket in activity.buckets
    )


def _reasons(activity: Activity) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            name_reason(reason) if reason else _("no reason noted"),
            count,
            f"{reverse('console:decisions')}?{urlencode({'reason': reason, 'span': 'day'})}",
        )
        for reason, count in activity.refusals[:MAX_BARS]
    )


def _busiest(activity: Activity, names: dict[str, str]) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            names.get(one.app, one.app),
            one.total,
            f"{reverse('console:decisions')}?{urlencode({'app': one.app, 'span': 'day', 'grants': 'on'})}",
        )
        for one in activity.apps[:MAX_BARS]
        if one.app
    )
