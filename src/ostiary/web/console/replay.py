"""The page that tries a rules document on what really happened: who would have gained and who would have lost."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ostiary.gateway.known_names import known_names
from ostiary.identity.facade import names_of
from ostiary.policy.identifiers import PersonId
from ostiary.policy.replay_report import Change, Effect, ReplayReport, Unreplayed
from ostiary.rulebook.facade import AppliedRules, check_rules, get_current, replay_candidate
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.guard import WRITE, console_page
from ostiary.web.console.page import render_page
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.replaying import REPLAYS, Replaying, is_replay_id
from ostiary.web.console.rules_text import rules_field, with_unix_lines

SECTION = Resource.RULES
DAY_SECONDS: Final = 86_400.0
USUAL_DAYS: Final = 30
SHORT_SECONDS: Final = 2.0
"""A replay that is done by then is shown at once; a longer one says how far it is."""
SPANS: Final = (
    (1, _("the last day")),
    (7, _("the last 7 days")),
    (30, _("the last 30 days")),
    (90, _("the last 90 days")),
)
EFFECT_NAMES: Final = {
    Effect.LOSES: _("Loses"),
    Effect.GAINS: _("Gains"),
    Effect.TERMS: _("Other terms"),
    Effect.LOST_ALREADY: _("Lost already"),
    Effect.GAINED_ALREADY: _("Gained already"),
}
EFFECT_BADGES: Final = {Effect.LOSES: "refused", Effect.GAINS: "allowed"}
UNREPLAYED_WORDS: Final = {
    Unreplayed.NO_INPUTS: _("turned away before anybody was asked: no sign-in, or no app"),
    Unreplayed.NOT_BY_RULES: _("refused for another reason than the rules"),
    Unreplayed.EMERGENCY: _("made with an emergency sign-in, which no rule decides"),
    Unreplayed.NO_GRANT: _("passed on a grant whose decision is not on record"),
    Unreplayed.APP_GONE: _("to apps that do not exist any more"),
}


class ReplayForm(forms.Form):
    """The rules to try, and how far back."""

    document = rules_field(rows="18")
    days = forms.TypedChoiceField(label=_("On the requests of"), choices=SPANS, coerce=int, required=False)


@dataclass(frozen=True, slots=True)
class Affected:
    """One person (or service) at a glance: how many requests they would have lost, gained, and made on other terms."""

    subject: str
    name: str
    lost: int
    gained: int
    terms: int
    already: int
    apps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One change as the page shows it."""

    change: Change
    name: str
    effect: str
    badge: str


@console_page(Resource.RULES, Action.VIEW, methods=WRITE)
def rules_replay(request: HttpRequest) -> HttpResponseBase:
    """Ask for rules to try; try them; show what was found, or how far it is."""
    if request.method == "POST":
        return _begin(request)
    if "replay" in request.GET:
        return _show(request, request.GET["replay"])
    current = get_current()
    form = ReplayForm(initial={"document": current.document, "days": USUAL_DAYS})
    return render_page(request, "rules/replay.html", SECTION, {"form": form})


def _begin(request: HttpRequest) -> HttpResponseBase:
    form = ReplayForm(with_unix_lines(request.POST))
    if not form.is_valid():
        return render_page(request, "rules/replay.html", SECTION, {"form": form}, status=422)
    document, current = form.cleaned_data["document"], get_current()
    report = check_rules(document, current.cedar, known=known_names())
    if not report.is_valid:
        return render_page(request, "rules/replay.html", SECTION, {"form": form, "report": report}, status=422)
    days = form.cleaned_data["days"] or USUAL_DAYS
    replaying = begin_replay(request, document, current.cedar, current, days=days)
    return redirect(f"{reverse('console:rules_replay')}?replay={replaying.id}")


def begin_replay(
    request: HttpRequest, document: str, cedar: str, current: AppliedRules, *, days: int = USUAL_DAYS
) -> Replaying:
    """Begin to try valid rules on what happened, and wait a moment: most replays are done by then.

    Args:
        request: of whoever asks, and may look at it.
        document: the rules to try.
        cedar: the Cedar text beside them.
        current: the rules in force, which they are compared with.
        days: how far back.
    """
    now, known = time.time(), known_names()
    replaying = Replaying(asked_by=caller_of(request).person.id, in_force=current, days=days)

    def work(progress: Callable[[float], None]) -> ReplayReport:
        return replay_candidate(
            document,
            cedar,
            since=now - days * DAY_SECONDS,
            until=now,
            progress=progress,
            known=known,
            in_force=current,
        )

    REPLAYS.start(replaying, work)
    replaying.ended.wait(SHORT_SECONDS)
    return replaying


def _show(request: HttpRequest, replay_id: str) -> HttpResponseBase:
    if not is_replay_id(replay_id):
        raise Http404
    replaying = REPLAYS.find(replay_id, caller_of(request).person.id)
    context: dict[str, Any] = {"replaying": replaying}
    if replaying is not None and replaying.report is not None:
        context |= found_in(replaying.report, request.GET)
    if request.headers.get("HX-Request"):
        return render(request, "console/rules/replay_part.html", context)
    status = HTTPStatus.GONE if replaying is None else HTTPStatus.OK
    return render_page(request, "rules/replayed.html", SECTION, context, status=status)


def found_in(whole: ReplayReport, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return what a replay found, for templates.

    Args:
        whole: what it found.
        wanted: `person` or `app`, to see only what concerns one.
    """
    person, app = wanted.get("person", ""), wanted.get("app", "")
    report = whole.narrowed(subjects=[person] if person else [], apps=[app] if app else [])
    ids = {PersonId(change.person) for change in report.changes if change.person}
    names = {str(one): name for one, name in names_of(ids).items()}
    return {
        "report": report,
        "lost": (report.subjects(Effect.LOSES), report.count(Effect.LOSES)),
        "gained": (report.subjects(Effect.GAINS), report.count(Effect.GAINS)),
        "terms": (report.subjects(Effect.TERMS), report.count(Effect.TERMS)),
        "affected": () if person else affected_in(report.changes, names),
        "changes": [
            Told(
                change,
                names.get(change.subject, change.subject),
                str(EFFECT_NAMES[change.effect]),
                EFFECT_BADGES.get(change.effect, ""),
            )
            for change in (report.changes if person else ())
        ],
        "person": names.get(person, person),
        "app": app,
        "unreplayed": [(count, UNREPLAYED_WORDS[why]) for why, count in sorted(report.unreplayed.items())],
    }


def affected_in(changes: Sequence[Change], names: Mapping[str, str]) -> tuple[Affected, ...]:
    """Return everybody for whom anything changes, whoever loses most first.

    Args:
        changes: of a replay.
        names: of people, by their ids.
    """
    by_subject: dict[str, list[Change]] = {}
    for change in changes:
        by_subject.setdefault(change.subject, []).append(change)
    rows = [
        Affected(
            subject=subject,
            name=names.get(subject, subject),
            lost=_sum(some, Effect.LOSES),
            gained=_sum(some, Effect.GAINS),
            terms=_sum(some, Effect.TERMS),
            already=_sum(some, Effect.LOST_ALREADY, Effect.GAINED_ALREADY),
            apps=tuple(dict.fromkeys(change.app for change in some)),
        )
        for subject, some in by_subject.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.lost, -row.gained, -row.terms, -row.already, row.name)))


def _sum(changes: Sequence[Change], *effects: Effect) -> int:
    return sum(change.count for change in changes if change.effect in effects)
