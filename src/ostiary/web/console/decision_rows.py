"""Decisions as rows that read as sentences: names looked up, the unmet condition read back from the record."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString

from ostiary.applications.facade import list_apps
from ostiary.identity.facade import names_of
from ostiary.policy.decision import ReasonCode
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import DecisionQuery, DecisionRow, latest_decisions, read_told_words
from ostiary.web.console.words import tell_decision

RECENT = 10
TOLD = frozenset({ReasonCode.CONDITIONS_UNMET, ReasonCode.DENIED_BY_RULE})
"""Reasons for which the record holds words of the rules' own."""


@dataclass(frozen=True, slots=True)
class ToldDecision:
    """A decision with its sentence."""

    row: DecisionRow
    sentence: SafeString


def with_told_words(rows: Iterable[DecisionRow]) -> tuple[tuple[DecisionRow, str], ...]:
    """Return each decision with what the person was told; nothing where the reason says it all, or the line is gone."""
    listed = tuple(rows)
    words = read_told_words(row for row in listed if row.reason in TOLD)
    return tuple((row, words.get((row.stream, row.seq), "")) for row in listed)


def tell_decisions(rows: Iterable[DecisionRow]) -> tuple[ToldDecision, ...]:
    """Return each decision with its sentence."""
    listed = with_told_words(rows)
    people = names_of({PersonId(row.person) for row, _words in listed if row.person})
    apps = {str(app.id): app.name for app in list_apps()}
    return tuple(
        ToldDecision(
            row=row,
            sentence=tell_decision(
                outcome=row.outcome,
                who=people.get(PersonId(row.person), "") or row.email,
                app=apps.get(row.app, row.app) or row.host,
                reason=row.reason,
                why=words,
            ),
        )
        for row, words in listed
    )


def recent_decisions(*, person: str = "", app: str = "") -> tuple[ToldDecision, ...]:
    """Return the latest decisions about a person or an app."""
    return tell_decisions(latest_decisions(DecisionQuery(person=person, app=app, page_size=RECENT)))
