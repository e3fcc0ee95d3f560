"""The form that registers an application as a client of the OpenID Connect provider. What may be typed is said in `oidc`."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ostiary.oidc.facade import PRESETS, Client, ClientKind, find_preset

OTHER = ""


def product_choices() -> list[tuple[str, Any]]:
    """Return the products whose settings are known, by name."""
    known = sorted(((key, one.name) for key, one in PRESETS.items()), key=lambda pair: pair[1].lower())
    return [(OTHER, _("Something else")), *known]


class ClientForm(forms.Form):
    """Adds a client, or changes one when `client` is given."""

    app_id = forms.CharField(
        label=_("Identifier"),
        max_length=63,
        help_text=_("The client ID, and what rules call it: small letters, digits, hyphens."),
    )
    preset = forms.ChoiceField(label=_("Product"), choices=product_choices, required=False)
    url = forms.CharField(
        label=_("Address for people"), max_length=500, required=False, help_text=_("Such as https://cloud.example.org")
    )
    name = forms.CharField(label=_("Name"), max_length=100, required=False, help_text=_("What people read."))
    redirect_uris = forms.CharField(
        label=_("Redirect URIs"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "code"}),
        help_text=_("One a line, letter by letter as the app sends it. A product above fills them in."),
    )
    post_logout_redirect_uris = forms.CharField(
        label=_("After signing out"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "code"}),
        help_text=_("Where the app may send people then. One a line."),
    )
    backchannel_logout_uri = forms.CharField(
        label=_("Back-channel logout"),
        max_length=500,
        required=False,
        help_text=_("Where the app is told that a sign-in ended."),
    )
    claims = forms.CharField(
        label=_("Claims"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "code"}),
        help_text=_(
            "One a line, besides the usual: role=role. Sources: id, email, username, name, groups, role, roles."
        ),
    )
    roles = forms.CharField(
        label=_("Roles"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "code"}),
        help_text=_("One a line, group and role in the app: administrators=Admin. * is everybody."),
    )
    keys = forms.CharField(
        label=_("Its public keys"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"}),
        help_text=_("A JWK Set. The app then proves itself by its own key (private_key_jwt) and gets no secret."),
    )
    public = forms.BooleanField(label=_("Runs on people's devices and can keep no secret"), required=False)
    no_pkce = forms.BooleanField(label=_("Cannot use PKCE"), required=False)

    def __init__(self, data: Any = None, *, client: Client | None = None) -> None:
        super().__init__(data, initial=_initial(client) if client else None)
        if client is not None:
            for field in ("app_id", "preset", "url", "name", "public"):
                del self.fields[field]
            if client.kind is ClientKind.KEY:
                self.fields["keys"].help_text = _(
                    "A JWK Set that takes the place of the keys it has. Empty leaves them."
                )
            else:
                del self.fields["keys"]
            self.fields["redirect_uris"].required = True

    def clean_claims(self) -> dict[str, str]:
        """Return sources by claim."""
        return self._pairs("claims")

    def clean_roles(self) -> dict[str, str]:
        """Return roles by group."""
        return self._pairs("roles")

    def clean(self) -> dict[str, Any] | None:
        """Refuse two ways to prove itself at once."""
        typed = super().clean()
        if self.cleaned_data.get("public") and self.cleaned_data.get("keys"):
            self.add_error("keys", _("An app on people's devices can keep no key: give keys, or tick that it is one."))
        return typed

    def added(self) -> dict[str, Any]:
        """Return what was typed as the arguments of a new client.

        Raises:
            UnusableClient: when a product's address is missing.
        """
        typed = self.cleaned_data
        given = {
            "redirect_uris": _lines(typed["redirect_uris"]),
            "post_logout_redirect_uris": _lines(typed["post_logout_redirect_uris"]),
            "backchannel_logout_uri": typed["backchannel_logout_uri"],
            "claims": typed["claims"],
            "roles": typed["roles"],
        }
        name = typed["name"]
        if typed["preset"]:
            preset = find_preset(typed["preset"])
            name, given = name or preset.name, preset.fill(typed["url"], given)
        if typed["no_pkce"]:
            given["pkce"] = False
        kind = ClientKind.PUBLIC if typed["public"] else ClientKind.KEY if typed["keys"] else None
        if kind is not None:
            given["kind"] = kind
        return {**given, "keys": typed["keys"], "launch_url": typed["url"], "name": name, "preset": typed["preset"]}

    def changed(self) -> dict[str, Any]:
        """Return what was typed as the arguments of a change."""
        typed = self.cleaned_data
        return {
            "redirect_uris": _lines(typed["redirect_uris"]),
            "post_logout_redirect_uris": _lines(typed["post_logout_redirect_uris"]),
            "backchannel_logout_uri": typed["backchannel_logout_uri"],
            "claims": typed["claims"],
            "roles": typed["roles"],
            "pkce": not typed["no_pkce"],
            "keys": typed.get("keys") or None,
        }

    def _pairs(self, field: str) -> dict[str, str]:
        pairs: dict[str, str] = {}
        for line in _lines(self.cleaned_data[field]):
            name, equals, value = line.partition("=")
            if not equals or not name.strip() or not value.strip():
                raise forms.ValidationError(_("“%(line)s” has no equals sign."), params={"line": line})
            pairs[name.strip()] = value.strip()
        return pairs


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _initial(client: Client) -> dict[str, Any]:
    return {
        "redirect_uris": "\n".join(client.redirect_uris),
        "post_logout_redirect_uris": "\n".join(client.post_logout_redirect_uris),
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "claims": "\n".join(f"{name}={source}" for name, source in client.claims.items()),
        "roles": "\n".join(f"{group}={role}" for group, role in client.roles.items()),
        "no_pkce": not client.pkce,
    }
