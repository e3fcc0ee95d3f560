"""Pages about access reviews: campaigns, one with its progress and its report, starting and closing. Answering is the portal's."""

from datetime import UTC, datetime

import msgspec
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.errors import OstiaryError
from ostiary.reviews.facade import (
    Campaign,
    ItemState,
    Report,
    UnknownReview,
    alarms_of,
    close_campaign,
    digest_of,
    get_campaign,
    list_campaigns,
    list_items,
    list_rights,
    parse_scope,
    remind,
    start_campaign,
    write_report,
)
from ostiary.reviews.words import STATES
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.export import export_table, wants_export
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.tables import REVIEWS

SECTION = Resource.REVIEWS


class StartForm(forms.Form):
    """What a review covers, and until when it is answered."""

    scope = forms.CharField(
        label=gettext_lazy("What it covers"),
        max_length=80,
        initial="everything",
        help_text=gettext_lazy(
            "everything, app:NAME, group:NAME, role:NAME, or label:NAME for the sensitivity of apps. "
            "Services are covered by everything, app and label."
        ),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, required=False, help_text=gettext_lazy("What people read.")
    )
    days = forms.IntegerField(label=gettext_lazy("Days to answer"), min_value=1, max_value=365, initial=14)


class CloseForm(forms.Form):
    """What is acknowledged."""

    statement = forms.CharField(
        label=gettext_lazy("Statement"),
        max_length=500,
        help_text=gettext_lazy("For instance: the access that remains is appropriate. It stands in the signed report."),
    )
    leave_open = forms.BooleanField(label=gettext_lazy("Close it although something is still open"), required=False)


@console_page(Resource.REVIEWS, Action.VIEW)
@with_columns(REVIEWS)
def reviews(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List reviews, the newest first."""
    text = _text(request)
    context = {
        "page": list_campaigns(text=text, page=page_number(request), page_size=PAGE_SIZE),
        "columns": columns,
        "text": text,
    }
    return render_page(request, "reviews/list.html", SECTION, context)


@console_page(Resource.REVIEWS, Action.EXPORT)
def reviews_export(request: HttpRequest) -> HttpResponseBase:
    """Return the register of access rights as a file."""
    if not wants_export(request):
        return redirect("console:reviews")
    rows = (
        {
            **msgspec.structs.asdict(one),
            "since": _moment(one.since),
            "until": _moment(one.until),
            "actions": " ".join(one.actions),
            "rules": " ".join(one.rules),
        }
        for one in list_rights()
    )
    return export_table(request, "access-rights", rows)


@console_page(Resource.REVIEWS, Action.ENTER, methods=WRITE)
def review_start(request: HttpRequest) -> HttpResponseBase:
    """Start a review."""
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = start_campaign(
                scope=parse_scope(form.cleaned_data["scope"]),
                name=form.cleaned_data["name"],
                days=form.cleaned_data["days"],
                actor=caller_of(request).actor,
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The review has begun. Reviewers get a mail."))
            return redirect("console:review", made.id)
    context = {"form": form, "back_url": reverse("console:reviews")}
    return render_page(request, "reviews/start.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.REVIEWS, Action.VIEW)
def review(request: HttpRequest, review_id: str) -> HttpResponseBase:
    """Show one review: how far it is, what looks unlike a review, and its items."""
    campaign, wanted = _review_or_404(review_id), request.GET.get("state", "")
    state = ItemState(wanted) if wanted in {one.value for one in ItemState} else None
    context = {
        "campaign": campaign,
        "alarms": alarms_of(campaign.id),
        "page": list_items(
            campaign.id, text=_text(request), state=state, page=page_number(request), page_size=PAGE_SIZE
        ),
        "text": _text(request),
        "state": wanted,
        "states": [(one.value, words) for one, words in STATES.items()],
    }
    return render_page(request, "reviews/detail.html", SECTION, context)


@console_page(Resource.REVIEWS, Action.CHANGE, methods=WRITE)
def review_remind(request: HttpRequest, review_id: str) -> HttpResponseBase:
    """Remind everybody who has something to answer."""
    campaign = _review_or_404(review_id)
    if request.method == "POST":
        try:
            told = remind(campaign_id=campaign.id, actor=caller_of(request).actor)
        except OstiaryError as error:
            messages.warning(request, str(error))
        else:
            words = ngettext("%(count)d person gets a mail.", "%(count)d people get a mail.", told)
            messages.success(request, words % {"count": told})
    return redirect("console:review", campaign.id)


@console_page(Resource.REVIEWS, Action.CHANGE, methods=WRITE)
def review_close(request: HttpRequest, review_id: str) -> HttpResponseBase:
    """Say what closing does, and do it: the report is signed, and whoever closes acknowledges it."""
    campaign = _review_or_404(review_id)
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            close_campaign(
                campaign_id=campaign.id,
                actor=caller_of(request).actor,
                statement=form.cleaned_data["statement"],
                leave_open=form.cleaned_data["leave_open"],
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The review is closed, and its report is signed."))
            return redirect("console:review", campaign.id)
    context = {
        "form": form,
        "campaign": campaign,
        "alarms": alarms_of(campaign.id),
        "back_url": reverse("console:review", args=[campaign.id]),
    }
    return render_page(request, "reviews/close.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.REVIEWS, Action.EXPORT)
def review_report(request: HttpRequest, review_id: str) -> HttpResponseBase:
    """Return the report: signed, or as PDF."""
    campaign = _review_or_404(review_id)
    payload, signed = write_report(campaign.id)
    if request.GET.get("form") == "pdf":
        from ostiary.reviews.pdf import draw_report  # noqa: PLC0415 - drawing is rare, and its library large

        drawn = draw_report(msgspec.json.decode(payload, type=Report), digest_of(payload))
        return _file(drawn, f"review-{campaign.id}.pdf", "application/pdf")
    return _file(signed, f"review-{campaign.id}.jws.json", "application/jose+json")


def _file(content: bytes, name: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _moment(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _review_or_404(review_id: str) -> Campaign:
    try:
        return get_campaign(review_id)
    except UnknownReview:
        raise Http404 from None


def _text(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()[:200]
