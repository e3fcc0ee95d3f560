"""The PDF of a report: the same report the same bytes, whatever stands in it, and nothing beside the sheet."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest import mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.policy.identifiers import PersonId
from ostiary.reviews.domain.campaign import Answer, Campaign, Item, ItemState, Progress
from ostiary.reviews.domain.facts import Facts, Ground, Opened, ReadBack, Suggestion
from ostiary.reviews.domain.report import Report, digest_of, encode_report
from ostiary.reviews.domain.scope import Scope, ScopeKind
from ostiary.reviews.pdf import draw_report
from ostiary.reviews.pdf_sheet import BOTTOM, MARGIN, MISSING, WIDTH, Sheets

NOW = 1_760_000_000.0
BOOKS = Opened(app="books", name="Books", actions=("view", "edit"))


@dataclasses.dataclass
class Placed:
    """What was written where: its sheet, the place of its baseline in millimetres, and how wide it is."""

    sheet: int
    x: float
    y: float
    wide: float
    text: str


@contextmanager
def noting() -> Iterator[list[Placed]]:
    """Note what is written where while something is drawn."""
    found: list[Placed] = []
    text = Sheets.text

    def note(sheets: Sheets, x: float, y: float, words: str = "") -> None:
        found.append(Placed(sheets.page_no(), x, y, sheets.get_string_width(words), words))
        text(sheets, x, y, words)

    with mock.patch.object(Sheets, "text", note):
        yield found


@pytest.fixture
def placed() -> Iterator[list[Placed]]:
    with noting() as found:
        yield found


def item(**more: object) -> Item:
    given = {
        "id": "i_1", "campaign": "c_1", "person_id": PersonId("p_1"), "email": "ada@example.test", "person": "Ada",
        "kind": "group", "name": "finance", "title": "Finance", "via": "", "facts": Facts(opens=(BOOKS,), gives=(BOOKS,)),
        "suggestion": Suggestion(answer="remove", ground=Ground.UNUSED), "state": ItemState.SETTLED,
        "answer": Answer.REMOVE, "answered_at": NOW, "answered_by": "olga@example.test", **more,
    }  # fmt: skip
    return Item(**given)  # type: ignore[arg-type]


def report(*items: Item, name: str = "Autumn", firm: str = "Firm") -> Report:
    campaign = Campaign(
        id="c_1", name=name, scope=Scope(ScopeKind.EVERYTHING), quarter="", started_at=NOW, started_by="root",
        deadline_at=NOW, since=NOW, rules=1, progress=Progress(items=len(items)),
    )  # fmt: skip
    return Report(
        organisation=firm, domain="corp.test", final=True, written_at=NOW, campaign=campaign, acknowledged_by="root",
        reviewers=(), items=items, alarms=(),
    )  # fmt: skip


def drawn(made: Report) -> bytes:
    return draw_report(made, digest_of(encode_report(made)))


def words_of(placed: list[Placed]) -> str:
    return " ".join(one.text for one in placed)


def test_the_same_report_gives_the_same_bytes_and_one_changed_word_gives_others() -> None:
    made = report(item(comment="fine"))
    assert drawn(made) == drawn(msgspec.json.decode(encode_report(made), type=Report))
    other = msgspec.structs.replace(made, items=(item(comment="mine"),))
    assert draw_report(other, digest_of(encode_report(made))) != drawn(made)


def test_a_name_that_the_font_lacks_gives_way_to_the_address(placed: list[Placed]) -> None:
    drawn(report(item(person="山田 太郎", comment="Łukasz’s team — Ωmega, 山田 🙂 fine"), item(person="김 Kim")))
    words = words_of(placed)
    assert words.count("ada@example.test (the name is in the signed report)") == 2
    assert f"Łukasz’s team — Ωmega, {MISSING} {MISSING} fine" in words
    assert f"{MISSING} stands for letters that this document cannot show." in words
    assert "山" not in words


def test_what_people_write_counts_no_pages(placed: list[Placed]) -> None:
    made = drawn(report(item(comment="{nb} of {nb}", person="{nb}"), name="{nb} sheets", firm="{nb}"))
    assert made.startswith(b"%PDF")
    assert "{nb} of {nb}" in words_of(placed)
    assert words_of(placed).count("{nb} · Access review · {nb} sheets") == 1


def test_a_row_longer_than_a_sheet_goes_on_on_the_next_and_keeps_every_line(placed: list[Placed]) -> None:
    many = tuple(Opened(app=f"app-{one}", name=f"Application {one}", actions=("view",)) for one in range(600))
    drawn(report(item(read_back=ReadBack(at=NOW, generation=7, gone=many))))
    words = words_of(placed)
    assert all(f"Application {one}" in words for one in range(600))
    assert max(one.sheet for one in placed) >= 3


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60) | st.text("aW{}()\\ …", max_size=400)


@pytest.fixture(scope="module")
def sheets() -> Sheets:
    return Sheets("Firm", "0" * 64, datetime.fromtimestamp(NOW, UTC))


@settings(max_examples=60, deadline=None)
@given(title=texts, rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=8), together=st.booleans())
def test_whatever_is_written_stays_on_the_sheet(
    sheets: Sheets, title: str, rows: list[tuple[str, str]], together: bool
) -> None:
    with noting() as found:
        sheets.title_line(title, 17)
        sheets.grid(rows, (42.0, WIDTH - 42.0), together=together)
        sheets.text_line(title)
    assert all(one.x >= MARGIN and one.x + one.wide <= MARGIN + WIDTH + 0.01 for one in found)
    assert all(one.y <= BOTTOM for one in found)
    words = {word for _one, other in rows for word in other.split() if word.isascii() and sheets.printable(word)}
    written = "".join(one.text for one in found)
    assert all(word in written for word in words), "nothing is lost"
