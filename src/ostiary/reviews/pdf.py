"""The report as a document to read and to file: A4, with the digest of the signed report on every page."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import font_source_sans_pro
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from ostiary.reviews import words
from ostiary.reviews.domain.campaign import Item
from ostiary.reviews.domain.report import Report

FONTS: Final = Path(font_source_sans_pro.__file__).parent / "files"
FAMILY: Final = "Source Sans Pro"
INK: Final = (28, 32, 40)
FAINT: Final = (100, 106, 118)
LINE: Final = (205, 209, 216)
_ITEM_MILLIMETRES: Final = 60.0
"""An item is not begun where there is less room than this."""
SHADE: Final = FontFace(emphasis="BOLD", fill_color=(238, 240, 244), color=INK)


class _Document(FPDF):
    """A page with the firm above and the digest below."""

    def __init__(self, heading: str, digest: str) -> None:
        super().__init__(orientation="P", unit="mm", format="A4")
        self._heading, self._digest = heading, digest
        self.set_margins(16, 16, 16)
        self.set_auto_page_break(True, margin=20)
        self.add_font(FAMILY, "", FONTS / "SourceSansPro-Regular.ttf")
        self.add_font(FAMILY, "B", FONTS / "SourceSansPro-Bold.ttf")

    def header(self) -> None:
        self._small(FAINT)
        self.cell(0, 5, self._heading, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(3)

    def footer(self) -> None:
        self.set_y(-15)
        self._small(FAINT)
        self.cell(150, 5, f"SHA-256 {self._digest}")
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    def _small(self, colour: tuple[int, int, int]) -> None:
        self.set_font(FAMILY, "", 7)
        self.set_text_color(*colour)

    def title_line(self, text: str, size: float) -> None:
        """Write a heading."""
        self.set_font(FAMILY, "B", size)
        self.set_text_color(*INK)
        self.multi_cell(0, size * 0.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1.5)

    def text_line(self, text: str, *, faint: bool = False) -> None:
        """Write a paragraph."""
        self.set_font(FAMILY, "", 9)
        self.set_text_color(*(FAINT if faint else INK))
        self.multi_cell(0, 4.6, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)

    def grid(self, rows: list[tuple[str, ...]], widths: tuple[int, ...], *, heading: bool = True) -> None:
        """Write a table; its first row is the heading, repeated on each page."""
        self.set_font(FAMILY, "", 8)
        self.set_text_color(*INK)
        self.set_draw_color(*LINE)
        with self.table(
            rows,
            col_widths=widths,
            width=int(self.epw),
            line_height=4.2,
            padding=1.2,
            text_align="LEFT",
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=SHADE,
            first_row_as_headings=heading,
        ):
            pass
        self.ln(4)


def draw_report(report: Report, digest: str) -> bytes:
    """Return the report as PDF.

    Args:
        report: as it was signed.
        digest: SHA-256 of its bytes, in hexadecimal digits.
    """
    campaign = report.campaign
    firm = report.organisation or report.domain
    document = _Document(f"{firm} · {_('Access review')} · {campaign.name}", digest)
    document.set_title(f"{_('Access review')}: {campaign.name}")
    document.set_author(firm)
    document.set_subject(f"SHA-256 {digest}")
    document.set_creation_date(datetime.fromtimestamp(report.written_at, UTC))
    document.add_page()
    document.title_line(firm, 11)
    document.title_line(f"{_('Access review')}: {campaign.name}", 17)
    if not report.final:
        document.text_line(_("This review is not closed: the report says how things stand. It is not the final one."))
    document.grid(_summary(report), (42, 136), heading=False)
    _draw_alarms(document, report)
    document.title_line(_("Reviewers"), 12)
    document.grid(_reviewers(report), (64, 50, 32, 32))
    document.title_line(_("What was reviewed"), 12)
    for item in report.items:
        _draw_item(document, item)
    document.title_line(_("How to check this report"), 12)
    document.text_line(_("This document shows the signed report whose SHA-256 stands below every page. Check it with:"))
    document.text_line("ostiary review verify review.jws.json --pdf review.pdf")
    target = io.BytesIO()
    document.output(target)
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
        (_("Supports"), ", ".join(report.supports)),
    ]
    if report.final:
        rows.append((_("Acknowledged"), f"{report.acknowledged_by}, {words.minute(campaign.closed_at)}"))
    if campaign.statement:
        rows.append((_("Statement"), campaign.statement))
    return rows


def _draw_alarms(document: _Document, report: Report) -> None:
    document.title_line(_("Answers given without looking"), 12)
    bounds = report.bounds
    for alarm in report.alarms:
        document.text_line(f"• {words.alarm_words(alarm)}")
    if not report.alarms:
        document.text_line(_("No sign of it."))
    document.text_line(
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


def _draw_item(document: _Document, item: Item) -> None:
    decision = words.answered_of(item) or str(words.STATES[item.state])
    rows: list[tuple[str, ...]] = [
        (f"{item.person or item.email} — {item.title} ({item.kind})", decision),
        (_("Address"), item.email),
        (_("Got it"), words.way_of(item)),
        (_("Use"), f"{words.use_of(item)} {words.peers_of(item)}"),
        (_("Lost by removing it"), words.loss_of(item)),
        (_("Suggested"), f"{words.suggested_of(item)}. {words.ground_of(item)}"),
    ]
    if item.answer is not None:
        together = f" ({_('confirmed together with others')})" if item.bulk else ""
        rows.append((_("Decided"), f"{decision}, {item.answered_by}, {words.minute(item.answered_at)}{together}"))
    if item.comment:
        rows.append((_("Reason"), item.comment))
    if item.trouble:
        rows.append((_("Still to be done"), item.trouble))
    if item.read_back is not None:
        rows.append((_("Read back"), words.read_back_of(item.read_back)))
    if document.will_page_break(_ITEM_MILLIMETRES):
        document.add_page()
    document.grid([(one, other) for one, other in rows], (42, 136))
