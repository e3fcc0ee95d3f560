"""Access reviews in the portal: what waits for one's answer, with what use suggests. Whose each is to answer is `reviews`' to say."""

import time
from datetime import UTC, datetime

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ostiary.errors import OstiaryError
from ostiary.identity.entrance import PersonRow, person_actor
from ostiary.policy.identifiers import PersonId
from ostiary.reviews.facade import (
    Answer,
    Item,
    UnknownReview,
    answer_item,
    confirm_suggested,
    delegate_item,
    get_campaign,
    get_item,
    has_seat,
    items_answered,
    items_chosen,
    items_to_answer,
)
from ostiary.web.signin.people import signed_in

DAY_SECONDS = 86_400.0
MAX_AT_ONCE = 200
PAGE_SIZE = 100


class AnswerForm(forms.Form):
    """What is said with the answer."""

    comment = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Needed to keep what use speaks against. It stands in the report."),
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("To reduce it: the last day."),
    )
    narrower = forms.CharField(
        label=gettext_lazy("Or instead"),
        max_length=63,
        required=False,
        help_text=gettext_lazy("To reduce it: the identifier of a narrower group or role."),
    )

    @property
    def ends_at(self) -> float | None:
        """The end of the last day, when the form is valid; `None` for none."""
        chosen = self.cleaned_data["until"]
        if chosen is None:
            return None
        return datetime(chosen.year, chosen.month, chosen.day, tzinfo=UTC).timestamp() + DAY_SECONDS


class HandOnForm(forms.Form):
    """To whom, and why."""

    email = forms.EmailField(label=gettext_lazy("To whom"), help_text=gettext_lazy("Their e-mail address."))
    comment = forms.CharField(label=gettext_lazy("Why"), max_length=500, required=False)


@require_safe
def reviews(request: HttpRequest) -> HttpResponse:
    """List what waits for the person's answer, and what they answered."""
    row, _session = signed_in(request)
    return _listed(request, row)


@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Show what would be answered as suggested, and do it when that was confirmed."""
    row, _session = signed_in(request)
    chosen = dict.fromkeys(request.POST.getlist("item"))
    few = tuple(chosen) if len(chosen) <= MAX_AT_ONCE else ()
    items = [one for one in items_chosen(PersonId(row.id), few) if one.suggestion.answer]
    if not items:
        messages.warning(request, _("Choose at least one, and at most %(most)d.") % {"most": MAX_AT_ONCE})
        return HttpResponseRedirect(reverse("portal_reviews"))
    if request.POST.get("confirmed") != "yes":
        context = {"items": items, "portal_tab": "reviews"}
        return render(request, "portal/reviews_confirm.html", context)
    try:
        done = confirm_suggested(item_ids=tuple(one.id for one in items), actor=person_actor(request, row))
    except OstiaryError as error:
        messages.warning(request, str(error))
    else:
        words = ngettext("%(count)d is answered as suggested.", "%(count)d are answered as suggested.", done)
        messages.success(request, words % {"count": done})
    return HttpResponseRedirect(reverse("portal_reviews"))


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, item_id: str) -> HttpResponse:
    """Show one item to whoever may answer it, and take their answer."""
    row, _session = signed_in(request)
    item = _concerning(item_id, row)
    form = AnswerForm(request.POST or None, initial=_suggested(item))
    if request.method != "POST":
        return _shown(request, item, form)
    wanted = request.POST.get("answer", "")
    if wanted in {one.value for one in Answer} and form.is_valid():
        reduced = wanted == Answer.REDUCE
        try:
            answer_item(
                item_id=item.id,
                answer=Answer(wanted),
                actor=person_actor(request, row),
                comment=form.cleaned_data["comment"],
                until=form.ends_at if reduced else None,
                narrower=form.cleaned_data["narrower"].strip() if reduced else "",
            )
        except OstiaryError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
        else:
            messages.success(request, _("Your answer for %(who)s is noted.") % {"who": item.person or item.email})
            return HttpResponseRedirect(reverse("portal_reviews"))
    return _shown(request, item, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def hand_on(request: HttpRequest, item_id: str) -> HttpResponse:
    """Let somebody else answer."""
    row, _session = signed_in(request)
    item = _concerning(item_id, row)
    form = HandOnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            delegate_item(
                item_id=item.id,
                to=form.cleaned_data["email"],
                comment=form.cleaned_data["comment"],
                actor=person_actor(request, row),
            )
        except OstiaryError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
        else:
            messages.success(request, _("%(email)s answers it now.") % {"email": form.cleaned_data["email"]})
            return HttpResponseRedirect(reverse("portal_reviews"))
    context = {"item": item, "form": form, "portal_tab": "reviews"}
    return render(request, "portal/review_hand_on.html", context, status=422 if form.errors else 200)


def _listed(request: HttpRequest, row: PersonRow) -> HttpResponse:
    page = items_to_answer(PersonId(row.id), page=_page_number(request), page_size=PAGE_SIZE)
    waiting = page.items
    campaigns = {one: get_campaign(one) for one in dict.fromkeys(item.campaign for item in waiting)}
    parts = [
        {
            "campaign": campaign,
            "suggested": [one for one in waiting if one.campaign == key and one.suggestion.answer],
            "others": [one for one in waiting if one.campaign == key and not one.suggestion.answer],
            "overdue": campaign.deadline_at < time.time(),
        }
        for key, campaign in campaigns.items()
    ]
    context = {"parts": parts, "page": page, "answered": items_answered(PersonId(row.id)), "portal_tab": "reviews"}
    return render(request, "portal/reviews.html", context)


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def _shown(request: HttpRequest, item: Item, form: AnswerForm, status: int = 200) -> HttpResponse:
    context = {"item": item, "form": form, "campaign": get_campaign(item.campaign), "portal_tab": "reviews"}
    return render(request, "portal/review.html", context, status=status)


def _suggested(item: Item) -> dict[str, object]:
    until = item.suggestion.until
    day = None if until is None else datetime.fromtimestamp(until, UTC).date()
    return {"until": day, "narrower": item.suggestion.narrower}


def _concerning(item_id: str, row: PersonRow) -> Item:
    """Return an item that is somebody's to answer, or was; for others it does not exist, and never for one's own access."""
    try:
        item = get_item(item_id)
    except UnknownReview:
        raise Http404 from None
    if item.person_id == row.id or not has_seat(item.id, PersonId(row.id)):
        raise Http404
    return item
