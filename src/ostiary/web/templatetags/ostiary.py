"""`{% load ostiary %}`: every component a page is made of. What each is for is in `docs/reference/components.md`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django import template
from django.forms import BoundField, CheckboxInput
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ostiary.web.design.charts import Bar, Column, Series, draw_bar, draw_columns, draw_sparkline, scale_of
from ostiary.web.design.icons import draw_icon, draw_mark
from ostiary.web.design.moments import describe_span_seconds, draw_moment

register = template.Library()

NOTICE_ICONS: Final = {"info": "info", "success": "allowed", "warn": "warn", "refused": "refused"}
MEANINGS: Final = frozenset({"allowed", "held", "refused"})


@register.simple_tag
def icon(name: str, title: str = "") -> SafeString:
    """Draw an icon; with a title it speaks, without one it is decoration."""
    return draw_icon(name, title)


@register.simple_tag
def mark() -> SafeString:
    """Draw the product's mark."""
    return draw_mark()


@register.simple_tag
def button(
    text: str,
    *,
    kind: str = "",
    href: str = "",
    icon: str = "",
    name: str = "",
    value: str = "",
    type: str = "submit",  # noqa: A002 - the attribute's own name
    disabled: bool = False,
) -> SafeString:
    """Draw a button, or a link that looks like one when `href` is given.

    Args:
        text: a verb and what it acts on.
        kind: classes: `primary`, `danger`, `plain`, `large`, `wide`, in any combination.
        href: where it leads.
        icon: an icon before the text.
        name: with `value`, what a form sends when this button sends it.
        value: see `name`.
        type: `submit` or `button`.
        disabled: drawn, but cannot be pressed.
    """
    inside = format_html("{}{}", draw_icon(icon) if icon else "", text)
    look = f"button {kind}".strip()
    if href:
        return format_html('<a class="{}" href="{}">{}</a>', look, href, inside)
    sent = format_html(' name="{}" value="{}"', name, value) if name else ""
    state = SafeString(" disabled") if disabled else ""
    return format_html('<button class="{}" type="{}"{}{}>{}</button>', look, type, sent, state, inside)


@register.inclusion_tag("ostiary/components/field.html")
def field(bound: BoundField, *, label: str = "", help: str = "", hide_label: bool = False) -> dict[str, Any]:  # noqa: A002
    """Draw a form field with its label, help and error, wired for screen readers.

    Args:
        bound: the field of the form.
        label: instead of the field's own.
        help: instead of the field's own; then it is shown but not announced twice.
        hide_label: keep the label for screen readers only.
    """
    tick = isinstance(bound.field.widget, CheckboxInput)
    return {"field": bound, "label": label or bound.label, "help": help, "tick": tick, "hide_label": hide_label}


@register.simple_block_tag
def notice(content: str, kind: str = "info", title: str = "") -> SafeString:
    """Draw a notice: `info`, `success`, `warn` or `refused`. It says what happened and what to do next."""
    heading = format_html("<p><strong>{}</strong></p>", title) if title else ""
    role = "alert" if kind in {"warn", "refused"} else "status"
    return format_html(
        '<div class="notice {}" role="{}">{}<div>{}{}</div></div>',
        kind,
        role,
        draw_icon(NOTICE_ICONS[kind]),
        heading,
        SafeString(content),
    )


@register.simple_tag
def badge(kind: str, text: str) -> SafeString:
    """Draw a badge. `allowed`, `held` and `refused` have a shape as well as a colour; `accent` and `""` have none."""
    if kind in MEANINGS:
        return format_html('<span class="badge {}">{}{}</span>', kind, draw_icon(kind), text)
    return format_html('<span class="badge plain {}">{}</span>', kind, text)


@register.simple_tag
def moment(at: datetime | float | None, absent: str = "") -> SafeString:
    """Draw a moment: absolute, the relative form in its tooltip; `absent` where there is none."""
    return draw_moment(at, timezone.now(), absent)


@register.filter
def span(seconds: float) -> str:
    """Return seconds as words: `{{ 5400|span }}` is "1 hour"."""
    return describe_span_seconds(seconds)


@register.filter
def monogram(name: str) -> str:
    """Return up to two initials."""
    words = [word for word in name.replace("@", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


@register.simple_tag
def steps(current: int, *names: str) -> SafeString:
    """Draw how far one has come: `{% steps 2 "Password" "Second factor" %}`; counted from 1."""
    items = (
        (
            SafeString(' class="done"')
            if place < current
            else SafeString(' aria-current="step"')
            if place == current
            else "",
            name,
        )
        for place, name in enumerate(names, start=1)
    )
    return format_html(
        '<ol class="steps" aria-label="{}">{}</ol>', _("Steps"), format_html_join("", "<li{}>{}</li>", items)
    )


@register.simple_tag
def breadcrumb(*parts: str) -> SafeString:
    """Draw where one is: pairs of words and address, the last words alone: `{% breadcrumb "People" url "Alice" %}`."""
    links = format_html_join("", '<li><a href="{1}">{0}</a></li>', zip(parts[:-1:2], parts[1::2], strict=True))
    return format_html(
        '<nav class="breadcrumb" aria-label="{}"><ol>{}<li aria-current="page">{}</li></ol></nav>',
        _("Where you are"),
        links,
        parts[-1],
    )


@register.inclusion_tag("ostiary/components/empty.html")
def empty(title: str, text: str = "", *, icon: str = "", href: str = "", action: str = "") -> dict[str, Any]:
    """Draw an empty state: what this is, and the one next step."""
    return {"title": title, "text": text, "icon": icon, "href": href, "action": action}


@register.inclusion_tag("ostiary/components/paging.html", takes_context=True)
def paging(context: Context, page: Any, *, name: str = "page") -> dict[str, Any]:
    """Draw which part of a list is shown, with the ways to the others.

    Args:
        context: the page's; its `request` holds the filters to keep.
        page: has `items`, `total`, `page` (from 1) and `page_size`.
        name: the query parameter.
    """
    first = (page.page - 1) * page.page_size + 1 if page.items else 0
    last = (page.page - 1) * page.page_size + len(page.items)
    request = context["request"]

    def address(number: int) -> str:
        query = request.GET.copy()
        query[name] = str(number)
        return f"?{query.urlencode()}"

    return {
        "first": first,
        "last": last,
        "total": page.total,
        "before": address(page.page - 1) if page.page > 1 else "",
        "after": address(page.page + 1) if last < page.total else "",
    }


@register.simple_tag
def skeleton(lines: int = 3) -> SafeString:
    """Draw grey lines where content is on its way."""
    return format_html(
        '<div class="skeleton" aria-hidden="true">{}</div>', format_html_join("", "<span>{}</span>", [("",)] * lines)
    )


@register.simple_tag
def sparkline(values: Sequence[float], label: str, kind: str = "accent") -> SafeString:
    """Draw a line beside a number."""
    return draw_sparkline(values, label, kind)


@register.inclusion_tag("ostiary/components/columns.html")
def column_chart(title: str, columns: Sequence[Column], series: Sequence[Series], unit: str = "") -> dict[str, Any]:
    """Draw a stacked column chart with a title, axes and, on request, its table."""
    middle = len(columns) // 2
    top = scale_of(columns)
    return {
        "title": title,
        "unit": unit,
        "series": series,
        "columns": columns,
        "plot": draw_columns(columns, series, title),
        "top": top,
        "middle": top // 2,
        "labels": [columns[place].label for place in (0, middle, -1)] if len(columns) > 2 else [],
    }


@register.inclusion_tag("ostiary/components/bars.html")
def bar_chart(
    title: str, bars: Sequence[Bar], kind: str = "accent", name: str = "", amount: str = ""
) -> dict[str, Any]:
    """Draw amounts by name as a table with bars, the largest first as given."""
    largest = max((bar.amount for bar in bars), default=0)
    return {
        "title": title,
        "rows": [(bar, draw_bar(bar.amount, largest, kind)) for bar in bars],
        "name": name,
        "amount": amount,
    }
