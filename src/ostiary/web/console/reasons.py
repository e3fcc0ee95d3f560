"""The form that asks why. The reason stands on the record."""

from django import forms
from django.utils.translation import gettext_lazy as _


class ReasonForm(forms.Form):
    """Why something is done that takes access away or gives it."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, required=False, help_text=_("Stands on the record beside your name.")
    )
