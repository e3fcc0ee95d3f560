"""Pages about shared signals: who is listened to, who is told, what was told. Systems are registered on the machine itself."""

from collections.abc import Mapping
from typing import Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.errors import OstiaryError
from ostiary.signals.facade import (
    PUSH,
    Outcome,
    Stream,
    Transmitter,
    UnknownStream,
    UnknownTransmitter,
    ask_for_verification,
    discard_signals,
    get_receiver,
    get_stream,
    get_transmitter,
    list_receivers,
    list_signals,
    list_streams,
    list_transmitters,
    name_of,
    push_url,
    release_signals,
    verify_stream,
)
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.columns import ShownColumns, with_columns
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.listing import cut, matches
from ostiary.web.console.page import PAGE_SIZE, page_number, render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.problems import add_problem
from ostiary.web.console.reasons import ReasonForm
from ostiary.web.console.tables import STREAMS, TOLD, TRANSMITTERS

SECTION = Resource.SIGNALS
LAST: Final = 10
OUTCOMES: Final[Mapping[Outcome, Promise]] = {
    Outcome.RECORDED: gettext_lazy("put on record"),
    Outcome.UNKNOWN_SUBJECT: gettext_lazy("nobody here"),
    Outcome.SESSIONS_ENDED: gettext_lazy("signed out"),
    Outcome.DISABLED: gettext_lazy("disabled"),
    Outcome.ENABLED: gettext_lazy("enabled"),
    Outcome.HELD: gettext_lazy("held"),
    Outcome.DISCARDED: gettext_lazy("thrown away"),
    Outcome.VERIFIED: gettext_lazy("verified"),
}


@console_page(Resource.SIGNALS, Action.VIEW)
@with_columns(TRANSMITTERS)
def signals(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the systems that are listened to."""
    text = _text(request)
    found = [one for one in list_transmitters() if matches(text, (one.name, one.issuer))]
    context = {"page": cut(found, page_number(request)), "columns": columns, "text": text, **_switched()}
    return render_page(request, "signals/list.html", SECTION, context)


@console_page(Resource.SIGNALS, Action.VIEW)
@with_columns(STREAMS)
def signal_streams(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List the streams to the systems that are told, and how each does; receivers without one beside them."""
    text = _text(request)
    streams = list_streams()
    found = [one for one in streams if matches(text, (one.receiver, one.endpoint_url, one.description, one.id))]
    having = {one.receiver for one in streams}
    without = [one.name for one in list_receivers() if one.revoked_at is None and one.name not in having]
    page = cut([_shown(one) for one in found], page_number(request))
    context = {"page": page, "columns": columns, "text": text, "without": without, **_switched()}
    return render_page(request, "signals/streams.html", SECTION, context)


@console_page(Resource.SIGNALS, Action.VIEW)
@with_columns(TOLD)
def signal_events(request: HttpRequest, columns: ShownColumns) -> HttpResponseBase:
    """List what was told, the newest first."""
    text, wanted = _text(request), request.GET.get("outcome", "")
    outcome = Outcome(wanted) if wanted in {one.value for one in Outcome} else None
    page = list_signals(text=text, outcome=outcome, page=page_number(request), page_size=PAGE_SIZE)
    context = {
        "page": page,
        "columns": columns,
        "text": text,
        "outcome": wanted,
        "outcomes": [(one.value, words) for one, words in OUTCOMES.items()],
    }
    return render_page(request, "signals/events.html", SECTION, context)


@console_page(Resource.SIGNALS, Action.VIEW)
def signal_transmitter(request: HttpRequest, transmitter_name: str) -> HttpResponseBase:
    """Show one system that is listened to, and what it told last."""
    transmitter = _transmitter_or_404(transmitter_name)
    last = list_signals(transmitter=transmitter.name, page_size=LAST).items
    context = {"transmitter": transmitter, "push_url": push_url(transmitter.name), "last": last}
    return render_page(request, "signals/transmitter.html", SECTION, context)


@console_page(Resource.SIGNALS, Action.CHANGE, methods=WRITE)
def signal_transmitter_verify(request: HttpRequest, transmitter_name: str) -> HttpResponseBase:
    """Ask a transmitter for a verification."""
    transmitter = _transmitter_or_404(transmitter_name)
    form = forms.Form(request.POST or None)
    if request.method == "POST":
        try:
            ask_for_verification(transmitter.name, actor=caller_of(request).actor)
        except OstiaryError as error:
            form = forms.Form({})
            add_problem(form, error)
        else:
            messages.success(
                request, _("%(name)s was asked. When it arrives, it stands below.") % {"name": transmitter.name}
            )
            return redirect("console:signal_transmitter", transmitter.name)
    back = reverse("console:signal_transmitter", args=[transmitter.name])
    context = {"form": form, "transmitter": transmitter, "back_url": back}
    return render_page(request, "signals/verify_in.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.SIGNALS, Action.CHANGE, methods=WRITE)
def signal_transmitter_held(request: HttpRequest, transmitter_name: str) -> HttpResponseBase:
    """Let what is held of a transmitter through, or throw it away."""
    transmitter = _transmitter_or_404(transmitter_name)
    form = ReasonForm(request.POST or None)
    settle = {"release": release_signals, "discard": discard_signals}.get(request.POST.get("what", ""))
    if request.method == "POST" and settle is not None and form.is_valid():
        try:
            done = settle(transmitter.name, reason=form.cleaned_data["reason"], actor=caller_of(request).actor)
        except OstiaryError as error:
            add_problem(form, error)
        else:
            words = (
                _("%(count)d signals were let through.")
                if settle is release_signals
                else _("%(count)d signals were thrown away.")
            )
            messages.success(request, words % {"count": done})
            return redirect("console:signal_transmitter", transmitter.name)
    back = reverse("console:signal_transmitter", args=[transmitter.name])
    held = list_signals(transmitter=transmitter.name, outcome=Outcome.HELD, page_size=PAGE_SIZE)
    context = {"form": form, "transmitter": transmitter, "held_signals": held, "back_url": back}
    return render_page(request, "signals/held.html", SECTION, context, status=422 if form.errors else 200)


@console_page(Resource.SIGNALS, Action.VIEW)
def signal_stream(request: HttpRequest, stream_id: str) -> HttpResponseBase:
    """Show one stream, and whom it goes to."""
    stream = _stream_or_404(stream_id)
    context = {"stream": _shown(stream), "receiver": get_receiver(stream.receiver)}
    return render_page(request, "signals/stream.html", SECTION, context)


@console_page(Resource.SIGNALS, Action.CHANGE, methods=WRITE)
def signal_stream_verify(request: HttpRequest, stream_id: str) -> HttpResponseBase:
    """Send a receiver a verification."""
    stream = _stream_or_404(stream_id)
    if request.method == "POST":
        verify_stream(stream.id, actor=caller_of(request).actor)
        messages.success(request, _("A verification is on its way to %(name)s.") % {"name": stream.receiver})
        return redirect("console:signal_stream", stream.id)
    back = reverse("console:signal_stream", args=[stream.id])
    context = {"form": forms.Form(), "stream": _shown(stream), "back_url": back}
    return render_page(request, "signals/verify_out.html", SECTION, context)


def _shown(stream: Stream) -> dict[str, object]:
    """Return a stream with what templates ask of it."""
    return {
        "one": stream,
        "pushed": stream.method == PUSH,
        "events": [name_of(event) for event in stream.events],
        "looks": "held" if stream.problem or stream.dropped or stream.status.value != "enabled" else "allowed",
    }


def _switched() -> dict[str, bool]:
    return {"switched_on": settings.INSTANCE.configuration.signals.enabled}


def _text(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()[:200]


def _transmitter_or_404(name: str) -> Transmitter:
    try:
        return get_transmitter(name)
    except UnknownTransmitter:
        raise Http404 from None


def _stream_or_404(stream_id: str) -> Stream:
    try:
        return get_stream(stream_id)
    except UnknownStream:
        raise Http404 from None
