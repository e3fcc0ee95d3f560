"""Forms of requests for access: for how long and why, by which group, and what is said with an answer."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy

from ostiary.identity.facade import get_group
from ostiary.policy.identifiers import GroupId
from ostiary.requests.facade import HOUR_SECONDS, choices
from ostiary.web.portal.request_words import hours_in_words


class TermForm(forms.Form):
    """For how long, and why."""

    hours = forms.TypedChoiceField(label=gettext_lazy("For how long"), coerce=int, initial=8)
    reason = forms.CharField(
        label=gettext_lazy("Why you need it"),
        max_length=500,
        help_text=gettext_lazy("Whoever answers reads this, and it stands on the record."),
    )

    def __init__(self, data: object = None, **more: object) -> None:
        super().__init__(data, **more)  # type: ignore[arg-type]
        longest = settings.INSTANCE.configuration.access.longest_hours
        field: forms.TypedChoiceField = self.fields["hours"]  # type: ignore[assignment]
        field.choices = [(hours, hours_in_words(hours)) for hours in choices(longest)]

    @property
    def seconds(self) -> int:
        """How long, when the form is valid."""
        return int(self.cleaned_data["hours"]) * HOUR_SECONDS


class AskForm(TermForm):
    """What for as well: one of the groups that would open the app."""

    group = forms.ChoiceField(label=gettext_lazy("By which group"))
    field_order = ("group", "hours", "reason")

    def __init__(self, groups: tuple[GroupId, ...], data: object = None) -> None:
        super().__init__(data)
        field: forms.ChoiceField = self.fields["group"]  # type: ignore[assignment]
        field.choices = [(group, get_group(group).name) for group in groups]
        field.initial = groups[0] if groups else None


class AnswerForm(forms.Form):
    """What is said with the answer."""

    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Whoever asked reads this, and it stands on the record."),
    )


class WhyForm(forms.Form):
    """Why, for what is not asked of anybody first."""

    reason = forms.CharField(
        label=gettext_lazy("Why you need it"),
        max_length=500,
        help_text=gettext_lazy("Everybody concerned reads this at once, and it stands on the record."),
    )


class EmergencyForm(WhyForm):
    """What for as well: one of the groups that would open the app."""

    group = forms.ChoiceField(label=gettext_lazy("By which group"))
    field_order = ("group", "reason")

    def __init__(self, groups: tuple[GroupId, ...], data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        field: forms.ChoiceField = self.fields["group"]  # type: ignore[assignment]
        field.choices = [(group, get_group(group).name) for group in groups]
        field.initial = groups[0] if groups else None


class ReviewForm(forms.Form):
    """What is said about the use of emergency access."""

    words = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        help_text=gettext_lazy("Whoever used it reads this, and it stands on the record."),
    )
