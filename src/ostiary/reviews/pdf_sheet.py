"""A4 sheets with headings, paragraphs and tables, drawn line by line. What stands on them is `pdf`'s.

The library's own tables take forty milliseconds for each small one. Here words are measured once, and lines are placed by hand.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import font_source_sans_pro
from fpdf import FPDF
from fpdf.fonts import TTFFont

FONTS: Final = Path(font_source_sans_pro.__file__).parent / "files"
FAMILY: Final = "Source Sans Pro"
MISSING: Final = "[…]"
"""Stands for letters that the font does not have."""
INK: Final = (28, 32, 40)
FAINT: Final = (100, 106, 118)
LINE: Final = (205, 209, 216)
SHADE: Final = (238, 240, 244)
MARGIN: Final = 16.0
WIDTH: Final = 210.0 - 2 * MARGIN
TOP: Final = 24.0
BOTTOM: Final = 277.0
_MILLIMETRES_A_POINT: Final = 25.4 / 72
_PADDING: Final = 1.2
_ROW_POINTS: Final = 8.0
_ROW_MILLIMETRES: Final = 4.2

Row = Sequence[str]
Lines = list[list[str]]
"""The lines of each cell of a row."""


class _Letters(NamedTuple):
    """How a line is written: size in points, empty or `B` for bold, and red, green and blue."""

    points: float
    style: str = ""
    colour: tuple[int, int, int] = INK


class Sheets(FPDF):
    """Sheets with a heading above and the digest below; `y` is where the next thing goes."""

    def __init__(self, heading: str, digest: str, made_at: datetime) -> None:
        super().__init__(orientation="P", unit="mm", format="A4")
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(False)
        self.set_creation_date(made_at)
        self.add_font(FAMILY, "", FONTS / "SourceSansPro-Regular.ttf")
        self.add_font(FAMILY, "B", FONTS / "SourceSansPro-Bold.ttf")
        self._letters = {style: self._widths(style) for style in ("", "B")}
        self._words: dict[tuple[str, str], float] = {}
        self._digest = digest
        self._heading = self.lines(heading, WIDTH, 7, "")[:1]
        self.set_draw_color(*LINE)
        self.set_fill_color(*SHADE)
        self.add_page()

    def header(self) -> None:
        """Draw what stands above each sheet."""
        for line in self._heading:
            self._place(line, MARGIN, MARGIN + 3.5, _Letters(7, colour=FAINT))
        self.set_y(TOP)

    def footer(self) -> None:
        """Draw what stands below each sheet; only here the library puts the number of pages in."""
        self.set_font(FAMILY, "", 7)
        self.set_text_color(*FAINT)
        self.set_xy(MARGIN, -15)
        self.cell(150, 5, f"SHA-256 {self._digest}")
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    def printable(self, text: str) -> bool:
        """Return whether the font has every letter of a text."""
        letters = self._letters[""]
        return all(one in letters for one in unicodedata.normalize("NFC", text))

    def lines(self, text: str, width: float, points: float, style: str) -> list[str]:
        """Return a text in lines that are no wider than so many millimetres; letters that the font lacks are marked.

        Args:
            text: any characters.
            width: in millimetres.
            points: the size of the letters.
            style: empty, or `B` for bold.
        """
        most = width / (points * _MILLIMETRES_A_POINT) * 1000
        space = self._letters[style][" "]
        found: list[str] = []
        line, used = "", 0.0
        for word in self._shown(text).split():
            for part in self._parts(word, most, style):
                wide = self._wide(part, style)
                if line and used + space + wide > most:
                    found.append(line)
                    line, used = part, wide
                else:
                    line, used = (f"{line} {part}", used + space + wide) if line else (part, wide)
        return [*found, line]

    def title_line(self, text: str, points: float) -> None:
        """Write a heading."""
        self._paragraph(text, _Letters(points, "B"), points * 0.5)

    def text_line(self, text: str, *, faint: bool = False) -> None:
        """Write a paragraph."""
        self._paragraph(text, _Letters(9, colour=FAINT if faint else INK), 4.6)

    def grid(
        self, rows: Iterable[Row], widths: Sequence[float], *, heading: bool = True, together: bool = False
    ) -> None:
        """Write a table.

        Args:
            rows: the first one is the heading.
            widths: of the columns, in millimetres.
            heading: whether the first row is shaded and bold.
            together: begin it on a new sheet where it does not fit on this one, but would on a whole one.
        """
        laid = [
            [
                self.lines(cell, width - 2 * _PADDING, _ROW_POINTS, "B" if heading and not place else "")
                for cell, width in zip(row, widths, strict=True)
            ]
            for place, row in enumerate(rows)
        ]
        whole = sum(max(map(len, row)) * _ROW_MILLIMETRES + 2 * _PADDING for row in laid)
        if together and self.y + whole > BOTTOM and whole <= BOTTOM - TOP:
            self.add_page()
        for place, row in enumerate(laid):
            self._row(row, widths, "B" if heading and not place else "")
        self.set_y(self.y + 4)

    def _row(self, cells: Lines, widths: Sequence[float], style: str) -> None:
        """Draw one row, over as many sheets as it needs."""
        done, most = 0, max(map(len, cells))
        while done < most:
            room = int((BOTTOM - self.y - 2 * _PADDING) / _ROW_MILLIMETRES)
            if room < 1:
                self.add_page()
                continue
            count = min(room, most - done)
            height = count * _ROW_MILLIMETRES + 2 * _PADDING
            if style:
                self.rect(MARGIN, self.y, sum(widths), height, "F")
            left = MARGIN
            for cell, width in zip(cells, widths, strict=True):
                for place, line in enumerate(cell[done : done + count]):
                    baseline = self.y + _PADDING + (place + 0.75) * _ROW_MILLIMETRES
                    self._place(line, left + _PADDING, baseline, _Letters(_ROW_POINTS, style))
                left += width
            self.set_y(self.y + height)
            done += count
        self.line(MARGIN, self.y, MARGIN + sum(widths), self.y)

    def _paragraph(self, text: str, letters: _Letters, height: float) -> None:
        for line in self.lines(text, WIDTH, letters.points, letters.style):
            if self.y + height > BOTTOM:
                self.add_page()
            self._place(line, MARGIN, self.y + height * 0.75, letters)
            self.set_y(self.y + height)
        self.set_y(self.y + 1.2)

    def _place(self, line: str, x: float, y: float, letters: _Letters) -> None:
        if line:
            self.set_font(FAMILY, letters.style, letters.points)
            self.set_text_color(*letters.colour)
            self.text(x, y, line)

    def _shown(self, text: str) -> str:
        """Return a text of letters that the font has."""
        letters, shown = self._letters[""], []
        for one in unicodedata.normalize("NFC", text):
            if one in letters:
                shown.append(one)
            elif one.isspace():
                shown.append(" ")
            elif not shown or shown[-1] != MISSING:
                shown.append(MISSING)
        return "".join(shown)

    def _parts(self, word: str, most: float, style: str) -> Iterable[str]:
        """Return a word, or its parts where it is wider than a line."""
        if self._wide(word, style) <= most:
            return (word,)
        letters, parts, used = self._letters[style], [""], 0.0
        for one in word:
            if used + letters[one] > most:
                parts.append("")
                used = 0.0
            parts[-1] += one
            used += letters[one]
        return parts

    def _wide(self, word: str, style: str) -> float:
        """Return how wide a word is, in thousandths of its size; measured once."""
        key = (style, word)
        if key not in self._words:
            letters = self._letters[style]
            self._words[key] = sum(letters[one] for one in word)
        return self._words[key]

    def _widths(self, style: str) -> dict[str, float]:
        """Return the letters that both fonts can show, each with how wide it is."""
        font, other = (self._font(one) for one in (style, "" if style else "B"))
        shown = (one for one in font.cmap if one in other.cmap)
        return {chr(one): font.cw[one] for one in shown if unicodedata.category(chr(one))[0] != "C"}

    def _font(self, style: str) -> TTFFont:
        self.set_font(FAMILY, style, _ROW_POINTS)
        if not isinstance(self.current_font, TTFFont):
            raise TypeError("The font of the report is no TrueType font.")
        return self.current_font
