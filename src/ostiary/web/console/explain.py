"""Pages that explain: what somebody would be answered, and why a decision on record was made. Explaining is `gateway`'s."""

import time
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ostiary.applications.facade import list_apps
from ostiary.errors import OstiaryError
from ostiary.gateway.explaining import PastExplanation, explain_inquiry, explain_record
from ostiary.gateway.inquiry import Inquiry, pose
from ostiary.identity.facade import UnknownPerson, UnknownSession
from ostiary.policy.request import ActionClass
from ostiary.policy.why.question import InvalidQuestion
from ostiary.visibility.facade import DecisionRecord
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource, may
from ostiary.web.console.problems import add_problem

SECTION: Final = Resource.EXPLAIN
_FIELD_OF: Final = {"to": "app", "from": "address"}
"""The form's names for keys of a question, where they differ."""


class ExplainForm(forms.Form):
    """Who asks for what, and what is known of it. What may stand in a field is `policy`'s to say."""

    person = forms.CharField(
        label=_("Person"), max_length=320, help_text=_("Their e-mail address, or their identifier.")
    )
    app = forms.ChoiceField(label=_("App"))
    do = forms.ChoiceField(
        label=_("Action"),
        required=False,
        choices=[
            (ActionClass.VIEW, _("View")),
            (ActionClass.EDIT, _("Edit")),
            (ActionClass.DELETE, _("Delete")),
            (ActionClass.CONNECT, _("Connect")),
        ],
    )
    path = forms.CharField(label=_("Path"), required=False, max_length=2000, help_text=_("In the app; empty means /."))
    mfa = forms.ChoiceField(
        label=_("Second factor"),
        required=False,
        choices=[
            ("", _("The strongest they have set up")),
            ("none", _("None, a password only")),
            ("any", _("Any, such as a recovery code")),
            ("otp", _("One-time code")),
            ("phishing-resistant", _("Passkey or security key")),
        ],
    )
    mfa_age = forms.CharField(
        label=_("Given how long before"), required=False, max_length=20, help_text=_("10m, 12h; empty means just then.")
    )
    at = forms.CharField(
        label=_("When"),
        required=False,
        max_length=80,
        help_text=_("With the time zone: 2026-11-23 06:10 Europe/Berlin; empty means now."),
    )
    address = forms.CharField(label=_("Address"), required=False, max_length=80, help_text=_("Empty: not known."))
    country = forms.CharField(
        label=_("Country"), required=False, max_length=20, help_text=_("Two letters; empty: the address's, if known.")
    )
    risk = forms.CharField(label=_("Risk"), required=False, max_length=20, help_text=_("0 to 100; empty means 0."))
    device = forms.CharField(
        label=_("Device"),
        required=False,
        max_length=500,
        help_text=_("What is known of it: managed=true,os_version=14; empty: nothing."),
    )
    session = forms.CharField(
        label=_("Sign-in"),
        required=False,
        max_length=100,
        help_text=_("One of theirs, by its identifier, for what they proved in it."),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["app"].choices = [(str(app.id), app.name) for app in list_apps()]  # type: ignore[attr-defined]

    def ask(self, now: float) -> Inquiry | None:
        """Return the question as a request; `None` after noting what keeps it from being asked."""
        said = self.cleaned_data
        written = {key: said[_FIELD_OF.get(key, key)] for key in ("do", "path", "mfa", "mfa_age", "at", "country")}
        written |= {"from": said["address"], "risk": said["risk"], "device": said["device"], "to": f"app:{said['app']}"}
        try:
            return pose(who=said["person"], written=written, session=said["session"], now=now)
        except InvalidQuestion as error:
            for key, problem in error.problems:
                words = problem.message[:1].upper() + problem.message[1:]
                self.add_error(_FIELD_OF.get(key, key), f"{words}: {problem.hint}" if problem.hint else f"{words}.")
        except UnknownPerson as error:
            add_problem(self, error, "person")
        except UnknownSession as error:
            add_problem(self, error, "session")
        return None


@console_page(Resource.EXPLAIN, Action.VIEW)
def explain(request: HttpRequest) -> HttpResponseBase:
    """Explain what somebody would be answered; an address with the question in it can be kept and shared."""
    form = ExplainForm(request.GET or None)
    if not form.is_bound:
        return render_page(request, "explain.html", SECTION, {"form": form})
    inquiry = form.ask(time.time()) if form.is_valid() else None
    if inquiry is None:
        return render_page(request, "explain.html", SECTION, {"form": form}, status=422)
    context: dict[str, Any] = {"form": form, "inquiry": inquiry}
    try:
        context["explanation"] = explain_inquiry(inquiry)
    except OstiaryError as error:
        context["problem"] = error
    return render_page(request, "explain.html", SECTION, context)


def why_of(request: HttpRequest, record: DecisionRecord) -> PastExplanation | None:
    """Return why a decision was made, for those who may see the rules; `None` for others."""
    return explain_record(record) if may(caller_of(request).role, Resource.EXPLAIN, Action.VIEW) else None


def asked_again(record: DecisionRecord) -> str:
    """Return the page on which the same question can be asked with other facts; empty where nothing was asked."""
    asked = record.request
    if asked is None or asked.subject.person is None:
        return ""
    said = {
        "person": asked.subject.person,
        "app": asked.resource.app,
        "do": "" if asked.action is ActionClass.UNKNOWN else asked.action,
        "path": asked.resource.path,
        "address": asked.context.address or "",
        "country": asked.context.country or "",
        "risk": "" if asked.context.risk is None else str(asked.context.risk),
    }
    return f"{reverse('console:explain')}?{urlencode(said)}"
