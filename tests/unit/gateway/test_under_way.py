"""Reports of what is under way: read once, emptied, and never a reason to fail."""

from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.gateway import under_way
from ostiary.gateway.under_way import Reports, UnderWay, read_report

REPORT = UnderWay(
    request="r-1",
    method="GET",
    host="wiki.corp.test:443",
    path="/big",
    peer="192.0.2.7:1001",
    local="192.0.2.1:443",
    grant_session="s-1",
)


def line(**changes: str) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(REPORT, **changes)) + b"\n"


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_whatever_stands_in_a_line_is_a_report_or_nothing(text: bytes) -> None:
    report = read_report(text)
    assert report is None or report.session


def test_what_no_session_let_in_is_no_report() -> None:
    assert read_report(line(grant_session="")) is None
    assert read_report(line(request="")) is None
    assert read_report(line(grant_session="", decision_session="s-2")) is not None


def test_each_report_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "under-way.jsonl"
    path.write_bytes(line(request="from-before"))
    reports = Reports(path)
    assert list(reports.new()) == []
    with path.open("ab") as file:
        file.write(line() + b"not json\n" + line(request="r-2")[:20])
        file.flush()
        assert [one.request for one in reports.new()] == ["r-1"]
        file.write(line(request="r-2")[20:])
    assert [one.request for one in reports.new()] == ["r-2"]
    assert list(reports.new()) == []
    path.unlink()
    assert list(reports.new()) == []


def test_the_file_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "under-way.jsonl"
    reports = Reports(path)
    many = under_way.EMPTIED_FROM_BYTES // len(line()) + 2
    with path.open("ab") as file:
        file.write(line() * many)
        file.flush()
        assert len(reports.new()) > many // 2
        while path.stat().st_size:
            reports.new()
        file.write(line(request="after"))
        file.flush()
        assert [one.request for one in reports.new()] == ["after"]
