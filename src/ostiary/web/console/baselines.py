"""Pages about baselines: what they ask, of whom they are required, writing one, requiring one, and what the brake holds."""

import time
from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ostiary.baselines.facade import (
    BUILT_IN,
    InvalidBaseline,
    NothingHeld,
    Requirement,
    Simulation,
    Stored,
    UnknownBaseline,
    check_document,
    count_blocked,
    count_held_checks,
    get_baseline,
    get_held,
    keep_held,
    let_happen,
    list_baselines,
    list_days,
    list_held,
    list_requirements,
    list_verdicts,
    list_versions,
    remove_baseline,
    require_baseline,
    set_baseline,
    simulate_document,
    simulate_requirement,
)
from ostiary.baselines.facade import count_waiting as count_waiting_exceptions
from ostiary.errors import OstiaryError
from ostiary.identity.facade import list_groups
from ostiary.policy.identifiers import DeviceId
from ostiary.policy.rules.problems import Problem
from ostiary.web.console.acting import ask_and_act
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.baseline_words import asked_of, shown_check, shown_simulation
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.rules_text import rules_field, with_unix_lines

SECTION: Final = Resource.DEVICES
DAYS: Final = 14
MOST_DEVICES_NAMED: Final = 3


class _SaidForm(ReasonForm):
    """Why, and how many devices may be blocked at once by it."""

    blocked = forms.IntegerField(
        label=gettext_lazy("How many devices this blocks at once"),
        min_value=0,
        max_value=10**6,
        required=False,
        help_text=gettext_lazy("Type the number shown where it is large, so that nobody blocks many by a slip."),
        widget=forms.NumberInput(attrs={"autocomplete": "off"}),
    )


class DocumentForm(_SaidForm):
    """A baseline as text."""

    document = rules_field()
    document.label = gettext_lazy("The document")


class RequireForm(_SaidForm):
    """Of whom a baseline is required, and from when on."""

    group = forms.CharField(label=gettext_lazy("Of the devices of"), max_length=64, required=False)
    device = forms.CharField(
        label=gettext_lazy("Or of one device"),
        max_length=16,
        required=False,
        help_text=gettext_lazy("Its identifier, for instance of a server: what is required of it itself comes first."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "dev-"}),
    )
    starts = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        help_text=gettext_lazy("Begins that day at 00:00 (UTC); empty for at once."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )


@console_page(Resource.DEVICES, Action.VIEW)
def baselines(request: HttpRequest) -> HttpResponseBase:
    """List the baselines, of whom each is required, how many devices meet it, and how the last days were."""
    requirements, verdicts, now = list_requirements(), list_verdicts().values(), time.time()
    names: dict[str, str] = {one.device: one.name for one in verdicts}
    lines = [
        {
            "stored": one,
            "baseline": one.baseline,
            "asked": asked_of(one.baseline.name, requirements, now, names, most=MOST_DEVICES_NAMED),
            "meet": sum(1 for each in verdicts if one.baseline.name in each.meets),
        }
        for one in list_baselines()
    ]
    context = {
        "lines": lines,
        "devices": len(verdicts),
        "compliant": sum(1 for one in verdicts if one.compliant),
        "held_turn": get_held(now),
        "held_checks": count_held_checks(now),
        "days": list_days(DAYS),
        "waiting": count_waiting_exceptions(),
    }
    return render_page(request, "baselines/list.html", SECTION, context)


@console_page(Resource.DEVICES, Action.VIEW)
def baseline(request: HttpRequest, baseline_name: str) -> HttpResponseBase:
    """Show what one baseline asks, in words, and its document."""
    stored, now, requirements = _baseline_or_404(baseline_name), time.time(), list_requirements()
    named = list_verdicts(DeviceId(one.device) for one in requirements if one.device)
    context = {
        "stored": stored,
        "baseline": stored.baseline,
        "checks": [shown_check(one) for one in stored.baseline.checks],
        "asked": asked_of(baseline_name, requirements, now, {device: one.name for device, one in named.items()}),
        "versions": () if stored.built_in else list_versions(baseline_name),
    }
    return render_page(request, "baselines/detail.html", SECTION, context)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def baseline_edit(request: HttpRequest, baseline_name: str) -> HttpResponseBase:
    """Edit a baseline as text, see what it would do to each device, put it in force. A built-in one is where a new one begins."""
    stored, now = _baseline_or_404(baseline_name), time.time()
    if request.method != "POST":
        text = _begun_from(stored) if stored.built_in else stored.document
        return _editor(request, stored, DocumentForm(initial={"document": text}), text)
    form = DocumentForm(with_unix_lines(request.POST))
    text = str(form.data.get("document", ""))
    try:
        read = check_document(text)
        found = _tried(text, read.name, now)
    except InvalidBaseline as error:
        return _editor(request, stored, form, text, problems=error.problems, status=422)
    if "apply" in request.POST and form.is_valid():
        try:
            done = set_baseline(
                text,
                now=now,
                actor=caller_of(request).actor,
                reason=form.cleaned_data["reason"],
                blocked=form.cleaned_data["blocked"],
            )
        except OstiaryError as error:
            add_problem(form, error)
        else:
            words = _("%(name)s is in force as version %(number)d.")
            messages.success(request, words % {"name": done.baseline.name, "number": done.number})
            return redirect("console:baseline", done.baseline.name)
    return _editor(request, stored, form, text, found=found, status=422 if form.errors else 200)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def baseline_require(request: HttpRequest, baseline_name: str) -> HttpResponseBase:
    """Try a requirement on every device, then require it."""
    stored, now = _baseline_or_404(baseline_name), time.time()
    form = RequireForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        group, device, day = (form.cleaned_data[name] for name in ("group", "device", "starts"))
        starts_at = None if day is None else max(now, datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        try:
            if "apply" in request.POST:
                require_baseline(
                    baseline_name,
                    now=now,
                    actor=caller_of(request).actor,
                    group=group,
                    device=device,
                    starts_at=starts_at,
                    reason=form.cleaned_data["reason"],
                    blocked=form.cleaned_data["blocked"],
                )
                messages.success(request, _("%(name)s is required.") % {"name": baseline_name})
                return redirect("console:baselines")
        except OstiaryError as error:
            add_problem(form, error)
        wanted = Requirement(baseline=baseline_name, group=group, device=device, starts_at=starts_at or now)
        found = simulate_requirement(wanted, now=now)
    groups = [(one.id, one.name) for one in list_groups()]
    context = {"form": form, "baseline": stored.baseline, "groups": groups, **_found(found)}
    status = 422 if form.errors else 200
    return render_page(request, "baselines/require.html", SECTION, context, status=status)


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def baseline_remove(request: HttpRequest, baseline_name: str) -> HttpResponseBase:
    """Say what taking a baseline away does, and do it."""
    stored = _baseline_or_404(baseline_name)

    def act(**said: Any) -> None:
        remove_baseline(baseline_name, now=time.time(), **said)

    return ask_and_act(
        request,
        SECTION,
        "baselines/remove.html",
        {"baseline": stored.baseline, "back_url": reverse("console:baseline", args=[baseline_name])},
        act=act,
        done=_("%(name)s is gone.") % {"name": baseline_name},
        then=reverse("console:baselines"),
    )


@console_page(Resource.DEVICES, Action.CHANGE, methods=WRITE)
def baselines_held(request: HttpRequest) -> HttpResponseBase:
    """Let happen what the brake holds, or keep it held."""
    form, now = ReasonForm(request.POST or None), time.time()
    what = request.POST.get("what", "")
    if request.method == "POST" and what in ("let", "keep") and form.is_valid():
        said = {"now": now, "actor": caller_of(request).actor, "reason": form.cleaned_data["reason"]}
        try:
            if what == "let":
                count = let_happen(**said)
                words = ngettext(
                    "%(count)d device is not compliant from now on.",
                    "%(count)d devices are not compliant from now on.",
                    count,
                )
                messages.success(request, words % {"count": count})
            else:
                keep_held(**said)
                messages.success(request, _("They count as they did before, for a day."))
        except NothingHeld as error:
            add_problem(form, error)
        else:
            return redirect("console:baselines")
    context = {
        "form": form,
        "held_turn": get_held(now),
        "checks": count_held_checks(now),
        "page": list_held(now, page=page_number(request), page_size=PAGE_SIZE),
        "back_url": reverse("console:baselines"),
    }
    return render_page(request, "baselines/held.html", SECTION, context, status=422 if form.errors else 200)


def _tried(text: str, name: str, now: float) -> Simulation:
    """What it would do where it is required already; else, what it would do if it were required of every device."""
    if any(one.baseline == name for one in list_requirements()):
        return simulate_document(text, now=now)
    return simulate_requirement(Requirement(baseline=name, starts_at=now), now=now, document=text)


def _begun_from(stored: Stored) -> str:
    name = stored.baseline.name
    return f"version: 1\nname: our_{name}\nwords: {stored.baseline.words}\nbased on: {name}\nchecks:\n"


def _found(found: Simulation | None) -> dict[str, Any]:
    return {} if found is None else {**shown_simulation(found), "turned": count_blocked(found)}


def _editor(
    request: HttpRequest,
    stored: Stored,
    form: DocumentForm,
    text: str,
    *,
    problems: tuple[Problem, ...] = (),
    found: Simulation | None = None,
    status: int = 200,
) -> HttpResponseBase:
    lines = text.count("\n") + 1
    context = {
        "form": form,
        "baseline": stored.baseline,
        "new": stored.baseline.name in BUILT_IN,
        "document": text,
        "numbers": range(1, lines + 1),
        "rows": max(lines + 1, 12),
        "wrong": " ".join(str(one.line) for one in problems if one.line),
        "report": {"problems": problems},
        **_found(found),
    }
    return render_page(request, "baselines/edit.html", SECTION, context, status=status)


def _baseline_or_404(name: str) -> Stored:
    try:
        return get_baseline(name)
    except UnknownBaseline:
        raise Http404 from None
