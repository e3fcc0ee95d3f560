"""The form of an app that people sign in to by SAML. What is acceptable is said by the room itself, not here."""

import time
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from ostiary.saml.facade import Described, NameFormat, ServiceProvider, describe, read_attributes, read_metadata

NAME_FORMATS: Final = (
    ("", _("as its metadata asks")),
    (NameFormat.EMAIL.name, _("by their e-mail address")),
    (NameFormat.PERSISTENT.name, _("by a value that says nothing and stays")),
    (NameFormat.TRANSIENT.name, _("by a new value for each sign-in")),
)
_CODE: Final = {"class": "code", "spellcheck": "false"}


class SamlForm(forms.Form):
    """What an administrator writes about how people sign in to an app by SAML."""

    app_id = forms.CharField(
        label=_("Identifier"),
        max_length=63,
        help_text=_("What rules name: a-z, digits and hyphens. It stays as it is."),
    )
    name = forms.CharField(label=_("Name"), max_length=100, required=False)
    metadata = forms.CharField(
        label=_("Metadata of the app"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, **_CODE}),
        help_text=_("The whole XML that the app offers under its single sign-on settings."),
    )
    entity_id = forms.CharField(
        label=_("Entity ID"), max_length=1024, required=False, help_text=_("Only where the app offers no metadata.")
    )
    acs = forms.CharField(
        label=_("ACS URL"),
        max_length=1000,
        required=False,
        help_text=_("Where the app takes sign-ins; also called reply URL."),
    )
    name_format = forms.ChoiceField(label=_("People are named"), choices=NAME_FORMATS, required=False)
    attributes = forms.CharField(
        label=_("Attributes"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, **_CODE}),
        help_text=_("One a line: User.Email=email. Also name, first_name, last_name, id, groups."),
    )
    signed_requests = forms.BooleanField(label=_("Refuse its requests without a signature"), required=False)
    sign_response = forms.BooleanField(label=_("Sign the whole response beside the assertion"), required=False)
    starts_here = forms.BooleanField(
        label=_("Let people open it from here without its asking"),
        required=False,
        help_text=_("Only for apps that cannot begin a sign-in themselves."),
    )
    start_page = forms.CharField(
        label=_("Page it then opens with"),
        max_length=1000,
        required=False,
        help_text=_("RelayState, in its own words."),
    )

    def __init__(self, data: Any = None, *, provider: ServiceProvider | None = None) -> None:
        super().__init__(data, initial=_initial(provider) if provider else None)
        if provider is not None:
            for name in ("app_id", "name", "entity_id", "acs"):
                del self.fields[name]
            self.fields["metadata"].help_text = _("Empty leaves what is known of the app as it is.")
            self.fields["name_format"].choices = NAME_FORMATS[1:]  # type: ignore[attr-defined]

    def described(self) -> Described:
        """Return what was given of a new app.

        Raises:
            UnusableMetadata: when it cannot be used.
        """
        given = self.described_anew()
        if given is not None:
            return given
        return describe(entity_id=self.cleaned_data["entity_id"].strip(), consumers=self.cleaned_data["acs"].split())

    def described_anew(self) -> Described | None:
        """Return what the metadata says; `None` when none was given.

        Raises:
            UnusableMetadata: when it cannot be used.
        """
        text = self.cleaned_data["metadata"].strip()
        return read_metadata(text.encode(), now=time.time()) if text else None

    def settings(self) -> dict[str, Any]:
        """Return how it is served, as the room's arguments.

        Raises:
            BadAttribute: when an attribute cannot be read.
        """
        given = self.cleaned_data
        return {
            "name_format": NameFormat[given["name_format"]] if given["name_format"] else None,
            "attributes": read_attributes(line for line in given["attributes"].splitlines() if line.strip()),
            "signed_requests": given["signed_requests"],
            "sign_response": given["sign_response"],
            "starts_here": given["starts_here"],
            "start_page": given["start_page"],
        }


def _initial(provider: ServiceProvider) -> dict[str, Any]:
    return {
        "name_format": provider.name_format.name,
        "attributes": "\n".join(f"{one.name}={one.fact.value}" for one in provider.attributes),
        "signed_requests": provider.signed_requests,
        "sign_response": provider.sign_response,
        "starts_here": provider.starts_here,
        "start_page": provider.start_page,
    }
