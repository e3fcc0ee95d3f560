"""The forms of the sign-in pages: what may be typed, and nothing of what it means."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

MAX_CREDENTIAL_CHARACTERS = 20_000


class PasswordForm(forms.Form):
    """E-mail address and password."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "username webauthn", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class EmailForm(forms.Form):
    """Where to send a link."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )


class PresentPasswordForm(forms.Form):
    """The password somebody has."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class NewPasswordForm(forms.Form):
    """A password to set; typed once, with the possibility to look at it."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        min_length=12,
        max_length=256,
        help_text=_("At least 12 characters. Four or more random words are easy to remember and hard to guess."),
        error_messages={"min_length": _("Use at least %(limit_value)d characters.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class CodeForm(forms.Form):
    """A code from an authenticator app or from the recovery codes."""

    code = forms.CharField(
        label=_("Code"),
        max_length=24,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", "class": "code"}
        ),
    )


class CredentialForm(forms.Form):
    """What the browser answers for a passkey; filled in by `passkeys.js`."""

    credential = forms.CharField(max_length=MAX_CREDENTIAL_CHARACTERS, widget=forms.HiddenInput)
    name = forms.CharField(required=False, max_length=60)

    def clean_credential(self) -> Any:
        """Return the JSON value; its length was bounded before, its depth is bounded here."""
        try:
            return json.loads(self.cleaned_data["credential"])
        except (ValueError, RecursionError):
            raise forms.ValidationError(_("This is not what a browser sends.")) from None


class LabelForm(forms.Form):
    """What somebody calls a passkey, or themselves."""

    name = forms.CharField(label=_("Name"), max_length=200, strip=True)
