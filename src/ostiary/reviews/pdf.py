"""The report as a document to read and to file: A4, with the digest of the signed report on every page.

The same report gives the same bytes, so that a PDF can be checked by drawing it again. It is in English, whoever asks.
"""

import io
from datetime import UTC, datetime
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _

from ostiary.reviews import words
from ostiary.reviews.domain.campaign import Item
from ostiary.reviews.domain.report import Report
from ostiary.reviews.pdf_sheet import MISSING, WIDTH, Sheets

_NARROW: Final = 42.0
_TWO: Final = (_NARROW, WIDTH - _NARROW)


def draw_report(report: Report, digest: str) -> bytes:
    """Return the report as PDF.

    Args:
        report: as it was signed.
        digest: SHA-256 of its bytes, in hexadecimal digits.
    """
    with translation.override("en"):
        return _drawn(report, digest)


def _drawn(report: Report, digest: str) -> bytes:
    campaign = report.campaign
    firm = report.organisation or report.domain
    heading = f"{firm} · {_('Access review')} · {campaign.name}"
    sheets = Sheets(heading, digest, datetime.fromtimestamp(report.written_at, UTC))
    sheets.set_title(f"{_('Access review')}: {campaign.name}")
    sheets.set_author(firm)
    sheets.set_subject(f"SHA-256 {digest}")
    sheets.title_line(firm, 11)
    sheets.title_line(f"{_('Access review')}: {campaign.name}", 17)
    if not report.final:
        sheets.text_line(_("This review is not closed: the report says how things stand. It is not the final one."))
    sheets.grid(_summary(report), _TWO, heading=False)
    _draw_alarms(sheets, report)
    sheets.title_line(_("Reviewers"), 12)
    sheets.grid(_reviewers(report), (64.0, 50.0, 32.0, 32.0))
    sheets.title_line(_("What was reviewed"), 12)
    for item in report.items:
        sheets.grid(_rows_of(sheets, item), _TWO, together=True)
    sheets.title_line(_("How to check this report"), 12)
    sheets.text_line(_("This document shows the signed report whose SHA-256 stands below every page. Check it with:"))
    sheets.text_line("ostiary review verify review.jws.json --pdf review.pdf")
    sheets.text_line(
        _("%(mark)s stands for letters that this document cannot show. The signed report has them.") % {"mark": MISSING}
    )
    target = io.BytesIO()
    sheets.output(target)
    return target.getvalue()


def _summary(report: Report) -> list[tuple[str, ...]]:
    campaign, progress = report.campaign, report.campaign.progress
    counts = _(
        "%(items)d in all: %(kept)d kept, %(reduced)d reduced, %(removed)d removed, %(gone)d ended by themselves, "
        "%(unanswered)d not answered, %(open)d open"
    ) % {
        name: getattr(progress, name) for name in ("items", "kept", "reduced", "removed", "gone", "unanswered", "open")
    }
    rows: list[tuple[str, ...]] = [
        (_("Covers"), campaign.scope.text),
        (_("Started"), f"{words.minute(campaign.started_at)}, {campaign.started_by}"),
        (_("Deadline"), words.minute(campaign.deadline_at)),
        (_("Use looked at since"), words.day(campaign.since)),
        (_("Rules"), _("number %(number)d") % {"number": campaign.rules}),
        (_("Result"), counts),
        (_("Before this"), _before(report)),
        (_("Supports"), ", ".join(report.supports)),
    ]
    if report.final:
        rows.append((_("Acknowledged"), f"{report.acknowledged_by}, {words.minute(campaign.closed_at)}"))
    if campaign.statement:
        rows.append((_("Statement"), campaign.statement))
    return rows


def _before(report: Report) -> str:
    before = report.previous
    if before is None:
        return _("no review of the same was closed")
    return _("%(id)s, closed %(at)s") % {"id": before.id, "at": words.minute(before.closed_at)}


def _draw_alarms(sheets: Sheets, report: Report) -> None:
    sheets.title_line(_("Answers given without looking"), 12)
    bounds = report.bounds
    for alarm in report.alarms:
        sheets.text_line(f"• {words.alarm_words(alarm)}")
    if not report.alarms:
        sheets.text_line(_("No sign of it."))
    sheets.text_line(
        _(
            "Looked for: %(answers)d single answers of one person within %(seconds)g seconds; everything kept although "
            "the record spoke against at least %(against)d items and %(part)d %% of them."
        )
        % {
            "answers": bounds.pace_answers,
            "seconds": bounds.pace_seconds,
            "against": bounds.uniform_against,
            "part": round(bounds.uniform_part * 100),
        },
        faint=True,
    )


def _reviewers(report: Report) -> list[tuple[str, ...]]:
    heading = (_("Who"), _("Why"), _("Asked"), _("Answered"))
    seats = {seat.value: str(text) for seat, text in words.SEATS.items()}
    return [
        heading,
        *(
            (
                f"{one.name} {one.email}".strip(),
                ", ".join(seats[seat] for seat in one.seats) or _("on the machine"),
                str(one.asked),
                str(one.answered),
            )
            for one in report.reviewers
        ),
    ]


def _rows_of(sheets: Sheets, item: Item) -> list[tuple[str, str]]:
    decision = words.answered_of(item) or str(words.STATES[item.state])
    rows = [
        (f"{_person(sheets, item)} — {item.title} ({words.kind_of(item)})", decision),
        (_("Service") if item.is_service else _("Address"), item.email),
        (_("Identifier"), item.name),
        (_("Got it"), words.way_of(item)),
        (_("Use"), f"{words.use_of(item)} {words.peers_of(item)}".strip()),
        (_("Lost by removing it"), words.loss_of(item)),
        (_("Opened by removing it"), words.gain_of(item)),
        (_("Suggested"), f"{words.suggested_of(item)}. {words.ground_of(item)}"),
        (_("Handed on"), words.handed_on_of(item)),
    ]
    if item.answer is not None:
        together = f" ({_('confirmed together with others')})" if item.bulk else ""
        rows.append((_("Decided"), f"{decision}, {item.answered_by}, {words.minute(item.answered_at)}{together}"))
    rows += [
        (_("Reason"), item.comment),
        (_("Still to be done"), item.trouble),
        (_("Read back"), words.read_back_of(item.read_back)),
    ]
    return [(one, other) for one, other in rows if other]


def _person(sheets: Sheets, item: Item) -> str:
    """Return whose it is: their address where the document cannot show their name."""
    if not item.person:
        return item.email
    if sheets.printable(item.person):
        return item.person
    return _("%(email)s (the name is in the signed report)") % {"email": item.email}
