"""Charts as SVG, drawn on the server: they print, work without scripts and need no inline style.

Shapes stretch with the page (`preserveAspectRatio="none"`), words do not: they stand beside the drawing as HTML.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SPARKLINE_WIDTH, SPARKLINE_HEIGHT = 120, 32
PLOT_WIDTH, PLOT_HEIGHT = 960, 100


@dataclass(frozen=True, slots=True)
class Column:
    """One bucket of a column chart.

    Args:
        label: the bucket in words, for the table: "14:00".
        parts: one amount per series, in the order of the series, bottom first.
    """

    label: str
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One meaning in a column chart: `kind` is `allowed`, `held`, `refused`, `unknown` or `accent`."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a bar list.

    Args:
        name: what is counted.
        amount: how many.
        href: where the ones that were counted are listed; empty for none.
    """

    name: str
    amount: int
    href: str = ""


def round_up(amount: float) -> int:
    """Return the smallest even number of a round kind (2, 4, 6, 8, 10, 20, 40 …) that is not below `amount`."""
    if amount <= 10:
        return max(2, 2 * ceil(amount / 2))
    power: int = 10 ** int(log10(amount))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= amount)


def draw_sparkline(values: Sequence[float], label: str, kind: str = "accent") -> SafeString:
    """Return a line without axes, to stand beside a number.

    Args:
        values: oldest first; fewer than two draw a flat line.
        label: what a screen reader says.
        kind: `accent` or `refused`.
    """
    points = list(values) if len(values) > 1 else [0.0, 0.0]
    top = max(*points, 1)
    step = SPARKLINE_WIDTH / (len(points) - 1)
    line = " ".join(
        f"{index * step:.1f},{SPARKLINE_HEIGHT - 1 - value / top * (SPARKLINE_HEIGHT - 3):.1f}"
        for index, value in enumerate(points)
    )
    return format_html(
        '<svg class="sparkline {}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polygon class="area" points="0,{height} {line} {width},{height}"/>'
        '<polyline class="line" points="{line}"/></svg>',
        kind,
        label,
        width=SPARKLINE_WIDTH,
        height=SPARKLINE_HEIGHT,
        line=line,
    )


def draw_columns(columns: Sequence[Column], series: Sequence[Series], label: str) -> SafeString:
    """Return the plot of a column chart, stacked, with three grid lines; axes and table are the template's.

    Args:
        columns: oldest first.
        series: bottom first.
        label: what a screen reader says; the numbers are in the table beneath.
    """
    top = scale_of(columns)
    width = PLOT_WIDTH / max(len(columns), 1)
    shapes = [
        (f"{index * width + width * 0.14:.1f}", f"{y:.2f}", f"{width * 0.72:.1f}", f"{height:.2f}", series[place].kind)
        for index, column in enumerate(columns)
        for place, (y, height) in enumerate(_stack(column.parts, top))
        if height
    ]
    grid = [(y,) for y in (0, PLOT_HEIGHT / 2, PLOT_HEIGHT)]
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>',
        PLOT_WIDTH,
        PLOT_HEIGHT,
        label,
        format_html_join("", f'<line class="grid" x1="0" x2="{PLOT_WIDTH}" y1="{{0}}" y2="{{0}}"/>', grid),
        format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}" class="fill-{}"/>', shapes),
    )


def scale_of(columns: Sequence[Column]) -> int:
    """Return the value at the top of the vertical axis."""
    return round_up(max((sum(column.parts) for column in columns), default=0))


def draw_bar(amount: int, largest: int, kind: str = "accent") -> SafeString:
    """Return one horizontal bar, `amount` of `largest`; decoration beside the number."""
    width = 100 * amount / largest if largest else 0
    return format_html(
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/><rect class="fill-{}" width="{}" height="8"/></svg>',
        kind,
        f"{width:.1f}",
    )


def draw_share(parts: Sequence[tuple[int, str]]) -> SafeString:
    """Return one horizontal bar cut into parts, each an amount and its kind; decoration beside the numbers."""
    whole = sum(amount for amount, _kind in parts)
    before, shapes = 0, []
    for amount, kind in parts:
        if amount:
            shapes.append((f"{100 * before / whole:.1f}", f"{100 * amount / whole:.1f}", kind))
        before += amount
    return format_html(
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="8"/>{}</svg>',
        format_html_join("", '<rect x="{}" width="{}" height="8" class="fill-{}"/>', shapes),
    )


def _stack(parts: tuple[int, ...], top: int) -> list[tuple[float, float]]:
    """Return (y, height) for each part, from the bottom up."""
    floor = float(PLOT_HEIGHT)
    shapes = []
    for part in parts:
        height = part / top * PLOT_HEIGHT
        floor -= height
        shapes.append((floor, height))
    return shapes
