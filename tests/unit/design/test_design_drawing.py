"""Charts, moments, icons and tags draw what they are given, escaped, and never fail on the odd input."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from ostiary.visibility.facade import Page
from ostiary.web.design.charts import Bar, Column, Series, draw_bar, draw_columns, draw_sparkline, round_up
from ostiary.web.design.icons import PATHS, draw_icon, draw_mark
from ostiary.web.design.moments import as_datetime, describe_distance, describe_span, draw_moment

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
SERIES = (Series("Allowed", "allowed"), Series("Refused", "refused"))


def render(source: str, **context: object) -> str:
    """Return a template with the components, rendered for a request."""
    request = RequestFactory().get("/people/", {"q": "a b", "page": "2"})
    return Template("{% load ostiary %}" + source).render(Context({"request": request, **context}))


@given(st.integers(min_value=0, max_value=10**12))
def test_the_axis_ends_at_a_round_even_number_above(amount: int) -> None:
    top = round_up(amount)
    assert top >= max(amount, 1)
    assert top % 2 == 0
    assert amount <= 2 or top <= 2 * amount + 2


@given(st.lists(st.floats(min_value=0, max_value=1e9), max_size=200))
def test_a_sparkline_stays_inside_its_frame(values: list[float]) -> None:
    drawing = ElementTree.fromstring(draw_sparkline(values, "Requests"))  # noqa: S314 - our own drawing
    line = drawing.findall("polyline")[0].attrib["points"]
    for point in line.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 120
        assert 0 <= y <= 32


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=60))
def test_columns_stand_on_the_axis_and_stay_below_the_top(parts: list[tuple[int, int]]) -> None:
    columns = [Column(str(place), pair) for place, pair in enumerate(parts)]
    drawing = ElementTree.fromstring(draw_columns(columns, SERIES, "Requests"))  # noqa: S314 - our own drawing
    for shape in drawing.findall("rect"):
        assert float(shape.attrib["y"]) >= -0.01
        assert float(shape.attrib["y"]) + float(shape.attrib["height"]) <= 100.02
    assert len(drawing.findall("rect")) == sum(1 for pair in parts for part in pair if part)


def test_a_bar_of_nothing_is_empty() -> None:
    assert 'width="0.0"' in draw_bar(0, 0)
    assert 'width="50.0"' in draw_bar(1, 2)


def test_labels_are_escaped() -> None:
    assert "&lt;b&gt;" in draw_sparkline([1, 2], "<b>")
    assert "&lt;b&gt;" in draw_columns([], SERIES, "<b>")
    assert "<b>" not in render("{% bar_chart t rows %}", t="<b>", rows=(Bar("<b>", 1),))


@pytest.mark.parametrize("name", sorted(PATHS))
def test_icons_are_well_formed_and_silent_without_a_title(name: str) -> None:
    assert ElementTree.fromstring(draw_icon(name)).attrib["aria-hidden"] == "true"  # noqa: S314 - our own drawing
    assert ElementTree.fromstring(draw_icon(name, "Key")).attrib["aria-label"] == "Key"  # noqa: S314


def test_the_mark_is_well_formed() -> None:
    assert len(ElementTree.fromstring(draw_mark())) == 1  # noqa: S314 - our own drawing


def test_an_unknown_icon_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        draw_icon("unicorn")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (60, "1 minute"), (7199, "1 hour"), (7200, "2 hours"), (86400 * 3, "3 days")],
)
def test_spans_are_told_in_their_largest_unit(seconds: int, words: str) -> None:
    assert describe_span(timedelta(seconds=seconds)) == words


def test_moments_are_absolute_with_the_relative_in_the_tooltip() -> None:
    drawn = draw_moment(NOW - timedelta(minutes=3), NOW)
    assert ">15:06:26<" in drawn
    assert 'title="3 minutes ago · Saturday, 14 March 2026, 15:06:26 UTC"' in drawn
    assert 'datetime="2026-03-14T15:06:26Z"' in drawn
    assert ">2 Mar, 15:09<" in draw_moment(NOW - timedelta(days=12), NOW)
    assert ">14 Mar 2025, 15:09<" in draw_moment(NOW - timedelta(days=365), NOW)
    assert "never" in draw_moment(None, NOW)


def test_the_future_and_the_present_are_told_too() -> None:
    assert describe_distance(NOW + timedelta(hours=2), NOW) == "in 2 hours"
    assert describe_distance(NOW, NOW) == "now"


def test_moments_come_as_numbers_and_naive_ones_are_utc() -> None:
    assert as_datetime(0.0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert as_datetime(datetime(2026, 1, 1)).tzinfo is UTC  # noqa: DTZ001 - the case itself


def test_a_meaning_has_a_shape_as_well_as_a_colour() -> None:
    shapes = {kind: render('{% badge kind "x" %}', kind=kind) for kind in ("allowed", "held", "refused")}
    assert all("<svg" in drawn for drawn in shapes.values())
    assert len({drawn.split("viewBox")[1] for drawn in shapes.values()}) == 3


def test_components_escape_what_they_are_given() -> None:
    for source in (
        "{% button t %}",
        "{% button t href=t %}",
        '{% badge "held" t %}',
        "{% notice 'warn' t %}{{ t }}{% endnotice %}",
        "{% breadcrumb t t t %}",
        "{% steps 1 t %}",
        "{% empty t t %}",
        "{% icon 'key' t %}",
    ):
        assert "<script" not in render(source, t='"><script>'), source


def test_paging_keeps_the_filters() -> None:
    drawn = render("{% paging page %}", page=Page(items=(1, 2), total=9, page=2, page_size=2))
    assert "3–4 of 9" in drawn
    assert "?q=a+b&amp;page=1" in drawn
    assert "?q=a+b&amp;page=3" in drawn
    assert render("{% paging page %}", page=Page(items=(), total=0, page=1, page_size=2)).strip() == ""


def test_initials_are_two_at_most() -> None:
    names = ("Alice Meyer", "Madonna", "Juan Carlos de Borbón", "a@example.test", "", "李 小龙")
    assert [render("{{ n|monogram }}", n=name) for name in names] == ["AM", "M", "JB", "AE", "", "李小"]


def test_steps_say_where_one_is() -> None:
    drawn = render('{% steps 2 "One" "Two" "Three" %}')
    assert '<li class="done">One</li><li aria-current="step">Two</li><li>Three</li>' in drawn
