"""Form fields that several pages about people share: until when, and who. What is acceptable is the services' to say."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from ostiary.identity.facade import Group, Role
from ostiary.web.console.reasons import ReasonForm


def until_field(help_text: object = _("A day, which is included. Empty: no end.")) -> forms.DateField:
    """Return a field for the last day of something, in UTC, as moments are shown."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(
        label=_("Until"), required=False, widget=widget, input_formats=["%Y-%m-%d"], help_text=str(help_text)
    )


def end_of(form: forms.Form, field: str = "until") -> float | None:
    """Return the end of the day that stands in a field, in seconds since the epoch; `None` where none does."""
    day = form.cleaned_data.get(field)
    if day is None:
        return None
    try:
        return (datetime.combine(day, time.min, UTC) + timedelta(days=1)).timestamp()
    except OverflowError:
        return datetime.combine(day, time.min, UTC).timestamp()


def last_day(ends_at: float | None) -> str:
    """Return the last day of a term as its field shows it; empty where there is no end.

    Args:
        ends_at: seconds since the epoch.
    """
    return "" if ends_at is None else datetime.fromtimestamp(ends_at - 1, UTC).strftime("%Y-%m-%d")


def choices_field(label: object, help_text: object = "") -> forms.MultipleChoiceField:
    """Return a field in which several of a list are ticked."""
    return forms.MultipleChoiceField(
        label=str(label), required=False, widget=forms.CheckboxSelectMultiple, help_text=str(help_text)
    )


def offer(form: forms.Form, field: str, things: Iterable[Group | Role]) -> None:
    """Let a field offer these; without any, it is not there."""
    choices = [(thing.id, thing.name or thing.id) for thing in things]
    if choices:
        form.fields[field].choices = choices  # type: ignore[attr-defined]
    else:
        del form.fields[field]


class TermForm(ReasonForm):
    """Whom to give something, why, and until when."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    until = until_field()
    field_order = ("email", "until", "reason")
