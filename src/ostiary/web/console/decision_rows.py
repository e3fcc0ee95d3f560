"""Decisions as rows that read as sentences: names looked up, the unmet condition read back from the record."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString

from ostiary.applications.facade import list_apps
from ostiary.identity.facade import names_of
from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import DecisionQuery, DecisionRow, LineGone, UnknownDecision, get_event, search_decisions
from ostiary.web.console.words import tell_decision

RECENT = 10


@dataclass(frozen=True, slots=True)
class ToldDecision:
    """A decision with its sentence."""

    row: DecisionRow
    sentence: SafeString


def tell_decisions(rows: Iterable[DecisionRow]) -> tuple[ToldDecision, ...]:
    """Return each decision with its sentence."""
    listed = tuple(rows)
    people = names_of({PersonId(row.person) for row in listed if row.person})
    apps = {str(app.id): app.name for app in list_apps()}
    return tuple(
        ToldDecision(
            row=row,
            sentence=tell_decision(
                outcome=row.outcome,
                who=people.get(PersonId(row.person), "") or row.email,
                app=apps.get(row.app, row.app) or row.host,
                reason=row.reason,
                why=_unmet_words(row),
            ),
        )
        for row in listed
    )


def recent_decisions(*, person: str = "", app: str = "") -> tuple[ToldDecision, ...]:
    """Return the latest decisions about a person or an app."""
    return tell_decisions(search_decisions(DecisionQuery(person=person, app=app, page_size=RECENT)).items)


def _unmet_words(row: DecisionRow) -> str:
    """Return the condition that was not met; empty where there was none, or the record no longer holds the line."""
    if row.reason != ReasonCode.CONDITIONS_UNMET:
        return ""
    try:
        return str(get_event(row.stream, row.seq).get("message", ""))
    except (UnknownDecision, LineGone):
        return ""
