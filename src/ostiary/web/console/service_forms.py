"""The forms about services, their keys and the issuers they trust. What they may say is judged in `workloads`."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ostiary.errors import OstiaryError
from ostiary.identity.facade import UnknownPerson
from ostiary.policy.identifiers import MalformedIdentifier
from ostiary.web.console.reasons import ReasonForm
from ostiary.workloads.facade import (
    DEFAULT_DAYS,
    LONGEST_DAYS,
    TOKEN_MINUTES,
    Preset,
    ServiceExists,
    UnusableAudience,
    UnusableClaims,
    UnusableIssuer,
    UnusableKey,
    UnusableKeySet,
)


class ServiceForm(ReasonForm):
    """What is known of a service."""

    owner = forms.EmailField(
        label=_("Who answers for it"),
        max_length=254,
        help_text=_("An e-mail address. They get a mail before it is switched off for want of use, or ends."),
    )
    purpose = forms.CharField(label=_("What it is for"), max_length=500, required=False)
    days = forms.IntegerField(label=_("Days until it ends"), min_value=1, max_value=LONGEST_DAYS, initial=DEFAULT_DAYS)
    token_minutes = forms.IntegerField(
        label=_("Minutes each token lives"), min_value=1, max_value=60, initial=TOKEN_MINUTES
    )
    field_order = ("name", "owner", "purpose", "days", "token_minutes", "key", "reason")


class NewServiceForm(ServiceForm):
    """A new service, with the key it proves itself with."""

    name = forms.CharField(
        label=_("Name"), max_length=63, help_text=_("Rules call it service:NAME. Small letters, digits, hyphens.")
    )
    key = forms.CharField(
        label=_("Its public key"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "class": "code"}),
        help_text=_(
            "PEM or JWK. The private key stays with the service. Empty, where an issuer such as GitHub speaks for it."
        ),
    )


class ChangeForm(ServiceForm):
    """What changes of a service; without days its end stays."""

    days = forms.IntegerField(
        label=_("Days until it ends, from now"),
        min_value=1,
        max_value=LONGEST_DAYS,
        required=False,
        help_text=_("Empty: its end stays as it is."),
    )


class KeyForm(ReasonForm):
    """Another key of a service."""

    key = forms.CharField(
        label=_("Its public key"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "code"}),
        help_text=_("PEM or JWK. The private key stays with the service."),
    )
    field_order = ("key", "reason")


class TrustForm(ReasonForm):
    """An issuer, and what its tokens must say.

    Args:
        preset: what is usual for it.
    """

    issuer = forms.CharField(
        label=_("Issuer"), max_length=500, help_text=_("Exactly as its tokens say it in iss: an https address.")
    )
    audience = forms.CharField(
        label=_("For whom"),
        max_length=500,
        required=False,
        help_text=_("What the job asks its token for (aud). Empty: the address of the sign-in host."),
    )
    claims = forms.CharField(
        label=_("What its tokens must say"),
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "code"}),
    )
    keys = forms.CharField(
        label=_("Its keys (JWKS)"),
        max_length=100_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "code"}),
        help_text=_(
            "Only where they cannot be fetched from the issuer, as with a cluster that nobody outside reaches."
        ),
    )
    once = forms.BooleanField(
        label=_("Each of its tokens is good once"),
        required=False,
        help_text=_(
            "Right where a job gets a new token whenever it asks (GitHub). Not where it has one for its whole life (GitLab, Kubernetes)."
        ),
    )
    field_order = ("issuer", "audience", "claims", "keys", "once", "reason")

    def __init__(self, *args: Any, preset: Preset, **kwargs: Any) -> None:
        kwargs["initial"] = {"issuer": preset.issuer, "audience": audience(), "once": preset.once}
        super().__init__(*args, **kwargs)
        self.fields["claims"].help_text = _(
            "One NAME=VALUE a line, all of them; * stands for anything. At least one says without * whose job it is."
        )
        self.fields["claims"].widget.attrs["placeholder"] = "\n".join(preset.examples)


class _NeverSentBack(forms.Textarea):
    """What is typed here does not come back with the page, not even beside an error."""

    def format_value(self, value: Any) -> str:
        """Return nothing."""
        del value
        return ""


class TokenForm(forms.Form):
    """A token that is tried. It is not sent back with the page."""

    token = forms.CharField(
        label=_("Token of a job"),
        max_length=16_000,
        widget=_NeverSentBack(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off", "class": "code"}),
        help_text=_("Nothing is given out for it or used up, and it is kept nowhere."),
    )


def audience() -> str:
    """Return whom tokens are for unless somebody says otherwise: the address of the sign-in host."""
    instance = settings.INSTANCE
    origin: str = instance.url(instance.identity_host, "")
    return origin


def field_of(error: OstiaryError) -> str | None:
    """Return the field that an error is about."""
    match error:
        case UnknownPerson():
            return "owner"
        case MalformedIdentifier() | ServiceExists():
            return "name"
        case UnusableKey():
            return "key"
        case UnusableIssuer():
            return "issuer"
        case UnusableAudience():
            return "audience"
        case UnusableClaims():
            return "claims"
        case UnusableKeySet():
            return "keys"
    return None
