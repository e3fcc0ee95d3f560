"""The form for an app: text in, the catalogue's arguments out. What is acceptable is the catalogue's to say."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ostiary.applications.facade import App, limit_text

ELSEWHERE_FIELDS = ("name", "launch_url", "description", "contact", "labels")
BUILTIN_FIELDS = ("name", "description", "contact", "labels", "idle", "longest")


class AppForm(forms.Form):
    """Adds an app, or changes one when `app` is given."""

    app_id = forms.CharField(
        label=_("Identifier"), max_length=63, help_text=_("What rules call it: small letters, digits, hyphens.")
    )
    name = forms.CharField(label=_("Name"), max_length=100, required=False, help_text=_("What people read."))
    upstream = forms.CharField(
        label=_("Upstream"),
        max_length=300,
        help_text=_("Where the app itself listens, as this machine reaches it: http://10.0.0.5:8080"),
    )
    host = forms.CharField(label=_("Address for people"), max_length=253, required=False)
    launch_url = forms.CharField(
        label=_("Address for people"),
        max_length=500,
        help_text=_("The app is not behind the gateway: people open it here."),
    )
    description = forms.CharField(label=_("Description"), max_length=500, required=False)
    contact = forms.CharField(
        label=_("Contact"), max_length=200, required=False, help_text=_("Whom somebody who is refused can write to.")
    )
    labels = forms.CharField(
        label=_("Labels"), required=False, help_text=_("Separated by spaces. Rules can name a label instead of an app.")
    )
    idle = forms.CharField(
        label=_("Idle limit"),
        max_length=16,
        required=False,
        help_text=_("Unused for so long, it asks for a fresh proof, such as 15m. Empty for no limit of its own."),
    )
    longest = forms.CharField(
        label=_("Longest time between proofs"),
        max_length=16,
        required=False,
        help_text=_("However it is used, such as 8h. Empty for no limit of its own."),
    )
    health_path = forms.CharField(
        label=_("Health path"),
        max_length=255,
        required=False,
        help_text=_("Asked for every few seconds, such as /healthz. Empty watches ordinary traffic."),
    )
    host_header = forms.CharField(
        label=_("Host header"), max_length=260, required=False, help_text=_("Only if the app insists on its own name.")
    )
    ca_file = forms.CharField(
        label=_("Authority file"),
        max_length=1000,
        required=False,
        help_text=_("On this machine: the PEM file of the authority that signed the app's certificate."),
    )
    verify_tls = forms.BooleanField(label=_("Check the certificate of an https upstream"), required=False, initial=True)
    streams = forms.BooleanField(label=_("Forward WebSocket and other upgrades"), required=False, initial=True)
    methods = forms.CharField(
        label=_("Methods"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "code"}),
        help_text=_("One a line, where a method does not mean what it says: REPORT=view"),
    )
    identity_headers = forms.CharField(
        label=_("Identity headers"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "code"}),
        help_text=_("One a line, for apps that read plain headers: Remote-User=email. Also id, name, groups."),
    )

    def __init__(self, data: Any = None, *, app: App | None = None) -> None:
        super().__init__(data, initial=_initial(app) if app else None)
        self.fields["host"].help_text = _("Empty takes the identifier before .%(domain)s") % {
            "domain": settings.INSTANCE.configuration.domain
        }
        if app is not None:
            del self.fields["app_id"]
            self.fields["host"].help_text = ""
            self.fields["host"].required = self.fields["name"].required = True
        if app is not None and not app.behind_gateway:
            self.fields = {name: self.fields[name] for name in ELSEWHERE_FIELDS}
        else:
            del self.fields["launch_url"]
        if app is not None and app.builtin:
            self.fields = {name: self.fields[name] for name in BUILTIN_FIELDS}

    def clean_methods(self) -> dict[str, str]:
        """Return methods by name."""
        return self._pairs("methods")

    def clean_identity_headers(self) -> dict[str, str]:
        """Return facts by header name."""
        return self._pairs("identity_headers")

    def clean_labels(self) -> list[str]:
        """Return the labels."""
        text: str = self.cleaned_data["labels"]
        return text.replace(",", " ").split()

    def values(self) -> dict[str, Any]:
        """Return what was typed as the catalogue's arguments, without the identifier."""
        return {name: value for name, value in self.cleaned_data.items() if name != "app_id"}

    def _pairs(self, field: str) -> dict[str, str]:
        lines = [line.strip() for line in str(self.cleaned_data[field]).splitlines() if line.strip()]
        pairs = [(line.partition("=")[0].strip(), line.partition("=")[2].strip()) for line in lines]
        for line, (name, value) in zip(lines, pairs, strict=True):
            if not name or not value:
                raise forms.ValidationError(_("“%(line)s” has no equals sign."), params={"line": line})
        return dict(pairs)


def _initial(app: App) -> dict[str, Any]:
    return {
        "name": app.name,
        "upstream": app.upstream.url,
        "host": app.host,
        "launch_url": app.launch_url,
        "description": app.description,
        "contact": app.contact,
        "labels": " ".join(app.labels),
        "idle": limit_text(app.idle_seconds),
        "longest": limit_text(app.longest_seconds),
        "health_path": app.upstream.health_path,
        "host_header": app.upstream.host_header,
        "ca_file": app.upstream.ca_file,
        "verify_tls": app.upstream.verify_tls,
        "streams": app.streams,
        "methods": "\n".join(f"{method}={action.value}" for method, action in app.methods.items()),
        "identity_headers": "\n".join(f"{header}={fact}" for header, fact in app.identity_headers.items()),
    }
