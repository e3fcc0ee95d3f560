"""What people were told, read back from the record for whole pages at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.visibility_material import HELD

from ostiary.config.places import Instance
from ostiary.visibility.adapters.segments import segment_path
from ostiary.visibility.facade import DecisionQuery, latest_decisions, read_told_words, search_decisions
from ostiary.visibility.models import IndexedDecision

pytestmark = pytest.mark.django_db


def told(**query: object) -> dict[str, str]:
    rows = search_decisions(DecisionQuery(**query)).items  # type: ignore[arg-type]
    words = read_told_words(rows)
    assert words.keys() <= {(row.stream, row.seq) for row in rows}
    return {row.reference: words[row.stream, row.seq] for row in rows if (row.stream, row.seq) in words}


def test_what_people_were_told_is_read_for_many_at_once(recorded: Instance) -> None:
    assert len(list((recorded.audit / "decisions").glob("????????.jsonl"))) > 1
    assert told() == {f"AAAAA-{number:05d}": HELD.unmet[0].words for number in range(1, 30, 3)}
    many, few = (search_decisions(DecisionQuery(page_size=size)).items for size in (30, 2))
    for rows in (many, few):
        with CaptureQueriesContext(connection) as captured:
            read_told_words(rows)
        assert len(captured) == 1
    assert read_told_words(()) == {}


def test_what_the_record_no_longer_holds_is_left_out(recorded: Instance) -> None:
    whole = told()
    first = segment_path(recorded.audit / "decisions", 1)
    lost = {row.reference for row in IndexedDecision.objects.filter(segment=1)} & whole.keys()
    assert lost
    assert lost < whole.keys()
    first.write_bytes(first.read_bytes()[::-1])
    assert told() == {reference: words for reference, words in whole.items() if reference not in lost}
    first.unlink()
    assert told() == {reference: words for reference, words in whole.items() if reference not in lost}


def test_words_of_another_decision_are_not_taken_for_its_own(recorded: Instance) -> None:
    other = IndexedDecision.objects.get(reference="AAAAA-00004")
    IndexedDecision.objects.filter(reference="AAAAA-00001").update(
        segment=other.segment, offset=other.offset, length=other.length
    )
    assert "AAAAA-00001" not in told(outcome="held")


def test_the_latest_are_found_without_counting_the_rest(recorded: Instance) -> None:
    with CaptureQueriesContext(connection) as captured:
        rows = latest_decisions(DecisionQuery(page_size=4))
    assert [row.reference for row in rows] == [f"AAAAA-{number:05d}" for number in (29, 28, 27, 26)]
    assert not any("COUNT(" in query["sql"] for query in captured)
    assert [row.reference for row in latest_decisions(DecisionQuery(reference="aaaaa00001", stream=""))] == [
        "AAAAA-00001"
    ]
