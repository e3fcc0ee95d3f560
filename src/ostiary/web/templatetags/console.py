"""`{% load console %}`: small parts that only the console's pages show. Components of every page are in `ostiary`."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ostiary.applications.facade import AppHealth, Health, limit_text
from ostiary.identity.facade import Person, SignInSession
from ostiary.policy.request import Authentication
from ostiary.web.console.columns import PARAMETER, USUAL, ShownColumns
from ostiary.web.console.decision_rows import ToldDecision
from ostiary.web.console.tables import DECISIONS, SESSIONS
from ostiary.web.console.words import OUTCOME_NAMES, name_event_kind, name_method, name_reason
from ostiary.web.design.icons import draw_icon
from ostiary.web.design.moments import as_datetime, describe_moment
from ostiary.web.templatetags.ostiary import badge

register = template.Library()
register.filter("reason_name", name_reason)
register.filter("event_kind", name_event_kind)


@register.filter
def limit(seconds: int) -> str:
    """Return a limit of an app as it was typed."""
    return limit_text(seconds)


@register.filter
def code_spans(text: str) -> SafeString:
    """Draw text in which names stand between backticks with the names as code."""
    parts = enumerate(str(text).split("`"))
    drawn = (format_html("<code>{}</code>", part) if place % 2 else format_html("{}", part) for place, part in parts)
    return format_html_join("", "{}", ((part,) for part in drawn))


@register.simple_tag
def health_badge(health: AppHealth | None, builtin: bool = False) -> SafeString:
    """Draw how an upstream is doing; the console itself is well when this page is seen."""
    if builtin:
        return badge("allowed", _("Up"))
    if health is None or health.health is Health.UNKNOWN:
        return badge("", _("Not known"))
    return badge("allowed", _("Up")) if health.health is Health.UP else badge("refused", _("Down"))


@register.simple_tag
def person_badge(person: Person) -> SafeString:
    """Draw the state of an account."""
    if not person.active:
        return badge("refused", _("Disabled"))
    if person.locked:
        return badge("held", _("Guessed at"))
    if person.invited:
        return badge("held", _("Invited"))
    return badge("allowed", _("Active"))


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    """Draw an outcome."""
    return badge(outcome, str(OUTCOME_NAMES[outcome]))


@register.simple_tag
def method_names(methods: Iterable[str]) -> SafeString:
    """Draw authenticators in words."""
    names = ", ".join(name_method(method) for method in methods)
    return format_html("{}", names) if names else format_html('<span class="faint">{}</span>', _("none yet"))


@register.simple_tag
def proof_names(proofs: Iterable[Authentication]) -> SafeString:
    """Draw what was proved in a session, each method once, the latest proof's moment in the tooltip."""
    latest = {proof.method: proof.at for proof in sorted(proofs, key=lambda proof: proof.at)}
    return format_html_join(
        ", ",
        '<span title="{}">{}</span>',
        (
            (
                describe_moment(as_datetime(at), timezone.now()),
                name_method(method),
            )
            for method, at in latest.items()
        ),
    )


@register.simple_tag(takes_context=True)
def export_links(context: Context, view: str, *arguments: str) -> SafeString:
    """Draw links to the same table as CSV and JSON, filters kept."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    links = []
    for kind in ("csv", "json"):
        query["export"] = kind
        links.append((f"{reverse(view, args=arguments)}?{query.urlencode()}", kind.upper()))
    return format_html(
        '<span class="row export">{}{}</span>',
        draw_icon("download"),
        format_html_join("", '<a class="small soft" href="{}" download>{}</a>', links),
    )


@register.simple_tag
def copy_button(target: str, name: str, *, short: bool = False) -> SafeString:
    """Draw a button that copies the text of an element; without scripts it is not there, and the text can be marked.

    Args:
        target: the element's id.
        name: what the button says, for instance "Copy the test".
        short: draw the icon alone, where the words would be in the way.
    """
    words = format_html("<span{} data-copy-words>{}</span>", SafeString(' class="unseen"') if short else "", name)
    return format_html(
        '<button class="button plain copy" type="button" data-copy="{}" data-copied="{}" data-marked="{}" data-script-only'
        ' hidden>{}{}</button><span class="small soft" role="status" data-copy-said></span>',
        target,
        _("Copied"),
        _("Marked: copy it with the keyboard"),
        draw_icon("copy"),
        words,
    )


@register.inclusion_tag("console/parts/filter_text.html")
def filter_text(text: str, label: str = "") -> dict[str, Any]:
    """Draw the filter's text field."""
    return {"text": text, "label": label or _("Contains")}


@register.inclusion_tag("console/parts/column_choice.html", takes_context=True)
def column_choice(context: Context, columns: ShownColumns) -> dict[str, Any]:
    """Draw the control that chooses a list's columns; what is filtered and which page it is stay as they are."""
    request, exported = context["request"], columns.table.exported
    return {
        "columns": columns,
        "table": columns.table,
        "path": request.path,
        "kept": [(name, value) for name, values in request.GET.lists() for value in values if name != PARAMETER],
        "parameter": PARAMETER,
        "usual": USUAL,
        "exported": exported is not None and context["may"][exported.value]["export"],
    }


@register.simple_tag
def column_heads(columns: ShownColumns) -> SafeString:
    """Draw the headings of the columns that are shown."""
    kinds = ((SafeString(f' class="{column.kind}"') if column.kind else "", column.name) for column in columns.columns)
    return format_html_join("", '<th scope="col"{}>{}</th>', kinds)


@register.inclusion_tag("console/parts/decision_table.html")
def decision_table(decisions: Sequence[ToldDecision], columns: ShownColumns | None = None) -> dict[str, Any]:
    """Draw decisions as sentences; with the usual columns where none were chosen."""
    return {"decisions": decisions, "columns": columns or DECISIONS.usual}


@register.inclusion_tag("console/parts/session_table.html", takes_context=True)
def session_table(
    context: Context, sessions: Sequence[SignInSession], columns: ShownColumns | None = None
) -> dict[str, Any]:
    """Draw sign-ins; of one person, without that person, where no columns were chosen."""
    return {
        "sessions": sessions,
        "columns": columns or SESSIONS.usual.without_subject,
        "own": context.get("own"),
        "may": context["may"],
    }
