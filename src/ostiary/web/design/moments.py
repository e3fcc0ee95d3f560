"""Moments in words: absolute where one reads, relative in the tooltip. Pure; `now` is an argument."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def as_datetime(moment: datetime | float) -> datetime:
    """Return an aware moment: seconds since the epoch are UTC, a naive datetime is taken as UTC."""
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.fromtimestamp(moment, tz=UTC)


def describe_span(span: timedelta) -> str:
    """Return a length of time in its largest sensible unit: "12 minutes", "3 days"."""
    seconds = int(abs(span.total_seconds()))
    for unit, one, many in (
        (_DAY, "%(count)d day", "%(count)d days"),
        (_HOUR, "%(count)d hour", "%(count)d hours"),
        (_MINUTE, "%(count)d minute", "%(count)d minutes"),
    ):
        if seconds >= unit:
            count = seconds // unit
            return ngettext(one, many, count) % {"count": count}
    return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}


def describe_span_seconds(seconds: float) -> str:
    """Return `describe_span` of a number of seconds."""
    return describe_span(timedelta(seconds=seconds))


def describe_distance(moment: datetime, now: datetime) -> str:
    """Return how far a moment is: "3 minutes ago", "in 2 days", "now"."""
    span = now - moment
    if abs(span) < timedelta(seconds=5):
        return _("now")
    words = {"span": describe_span(span)}
    return _("%(span)s ago") % words if span > timedelta(0) else _("in %(span)s") % words


def describe_moment(moment: datetime, now: datetime) -> str:
    """Return the moment for reading, without what `now` makes obvious: today's date, this year."""
    local, today = timezone.localtime(moment), timezone.localtime(now)
    if local.date() == today.date():
        return date_format(local, "H:i:s")
    if local.year == today.year:
        return date_format(local, "j M, H:i")
    return date_format(local, "j M Y, H:i")


def draw_moment(moment: datetime | float | None, now: datetime, absent: str = "") -> SafeString:
    """Return a `<time>`: absolute on the page; the relative form and the full date in its tooltip."""
    if moment is None:
        return format_html('<span class="faint">{}</span>', absent or _("never"))
    aware = as_datetime(moment)
    local = timezone.localtime(aware)
    full = f"{date_format(local, 'l, j F Y, H:i:s')} {local.tzname()}"
    return format_html(
        '<time datetime="{}" title="{} · {}">{}</time>',
        aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        describe_distance(aware, now),
        full,
        describe_moment(aware, now),
    )
