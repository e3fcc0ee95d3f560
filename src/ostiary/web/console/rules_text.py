"""The text of a rules document as forms take it: the field, and the line ends that browsers change."""

from typing import Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

MAX_CHARACTERS: Final = 500_000


def rules_field(**attributes: str) -> forms.CharField:
    """Return the field that takes a rules document.

    Args:
        attributes: of the text area, besides the usual ones.
    """
    usual = {"spellcheck": "false", "wrap": "off", "autocapitalize": "off"}
    return forms.CharField(
        label=_("Rules"),
        required=False,
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={**usual, **attributes}),
    )


def with_unix_lines(sent: QueryDict) -> QueryDict:
    """Browsers send text areas with CR LF; the rules' text has plain line feeds."""
    changed = sent.copy()
    changed["document"] = str(sent.get("document", "")).replace("\r\n", "\n").replace("\r", "\n")
    return changed
