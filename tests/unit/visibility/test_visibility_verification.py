"""A record that was tampered with in any way is found out, and what is certain all the same is said."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.visibility_material import KEY, NO_MINIMUM, NOW, PUBLIC_KEY, new_key, small_log

from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.adapters.checkpoints import sign_stream
from ostiary.visibility.adapters.segments import segment_path, statements_path
from ostiary.visibility.adapters.verification import verify_files
from ostiary.visibility.domain.chain import chain_start, read_line, write_line
from ostiary.visibility.domain.statement import load_signing_key, sign_statement
from ostiary.visibility.domain.verification import ExpectedHead, FindingKind, StreamReport

STREAM = "decisions"


def verify(folder: Path, **options: ExpectedHead) -> StreamReport:
    return verify_files(folder, STREAM, PUBLIC_KEY, **options)


def kinds(report: StreamReport) -> set[FindingKind]:
    return {finding.kind for finding in report.findings}


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """Six records in one segment, signed to the end."""
    small_log(tmp_path).close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    return tmp_path


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Forty records in several segments, sealed and signed to the end."""
    small_log(tmp_path, records=40, segment_bytes=2000).close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    assert len(list((tmp_path / STREAM).glob("????????.jsonl"))) >= 3
    return tmp_path


def first(folder: Path) -> Path:
    return segment_path(folder / STREAM, 1)


def rewrite(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_an_untouched_record_is_intact_and_certain_to_its_end(signed: Path) -> None:
    report = verify(signed)
    assert report.intact
    assert (report.records, report.segments, report.first_seq, report.last_seq) == (6, 1, 0, 6)
    assert (report.signed_seq, report.signed_at) == (6, NOW)
    assert not report.notes


def test_several_segments_are_one_chain(many: Path) -> None:
    report = verify(many)
    assert report.intact
    assert report.records == 40
    assert report.signed_seq == report.last_seq


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_every_changed_byte_is_found(signed: Path, mask: int) -> None:
    original = first(signed).read_bytes()
    for position in range(len(original)):
        changed = bytearray(original)
        changed[position] ^= mask
        first(signed).write_bytes(changed)
        report = verify(signed)
        assert not report.intact, f"byte {position} ({original[position : position + 1]!r})"
        assert report.signed_seq == -1


def test_every_changed_byte_of_a_signature_is_found(signed: Path) -> None:
    path = statements_path(signed / STREAM, 1)
    original = path.read_bytes()
    for position in range(len(original) - 1):
        changed = bytearray(original)
        changed[position] ^= 0x01
        path.write_bytes(changed)
        assert FindingKind.FORGED in kinds(verify(signed)), f"byte {position}"


def test_cutting_a_signed_record_at_any_place_is_found(signed: Path) -> None:
    original = first(signed).read_bytes()
    for length in range(len(original)):
        first(signed).write_bytes(original[:length])
        report = verify(signed)
        assert not report.intact, length
        assert kinds(report) <= {FindingKind.TRUNCATED, FindingKind.UNREADABLE}


@pytest.mark.parametrize("number", range(1, 7))
def test_a_removed_line_is_found_at_its_place(signed: Path, number: int) -> None:
    rewrite(first(signed), lambda lines: lines[:number] + lines[number + 1 :])
    report = verify(signed)
    assert not report.intact
    expected = FindingKind.TRUNCATED if number == 6 else FindingKind.REMOVED
    assert kinds(report) == {expected}
    if number < 6:
        assert report.findings[0].words == f"Line {number} is missing."
        assert report.findings[0].line == number + 1


@pytest.mark.parametrize("number", range(1, 6))
def test_two_swapped_lines_are_found(signed: Path, number: int) -> None:
    rewrite(first(signed), lambda lines: [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]])
    assert kinds(verify(signed)) == {FindingKind.REORDERED}


@pytest.mark.parametrize("number", range(1, 7))
def test_a_doubled_line_is_found(signed: Path, number: int) -> None:
    rewrite(first(signed), lambda lines: [*lines[: number + 1], lines[number], *lines[number + 1 :]])
    assert kinds(verify(signed)) == {FindingKind.REORDERED}


def test_a_changed_record_is_named_and_what_follows_is_not(signed: Path) -> None:
    rewrite(first(signed), lambda lines: [line.replace(b'"record":2', b'"record":9') for line in lines])
    report = verify(signed)
    assert [(finding.kind, finding.line) for finding in report.findings] == [(FindingKind.CHANGED, 4)]
    assert report.findings[0].words == "Line 3 is not what was written."


def test_what_was_signed_before_the_first_fault_stays_certain(tmp_path: Path) -> None:
    log = small_log(tmp_path, records=3)
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    log.append([b'{"record":"later"}', b'{"record":"last"}'])
    log.close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW + 60)
    rewrite(first(tmp_path), lambda lines: [line.replace(b'"last"', b'"lost"') for line in lines])
    report = verify(tmp_path)
    assert not report.intact
    assert (report.signed_seq, report.signed_at) == (3, NOW)


def forge_chain(path: Path, old: bytes, new: bytes) -> None:
    """What somebody does who may write the file and knows the format: change, and make every hash again."""
    previous = chain_start(STREAM)
    forged = b""
    for raw in path.read_bytes().splitlines():
        line = read_line(raw)
        text, previous = write_line(line.seq, previous, line.kind, line.body.replace(old, new))
        forged += text
    path.write_bytes(forged)


def test_a_chain_made_again_contradicts_the_signature(signed: Path) -> None:
    forge_chain(first(signed), b'"record":2', b'"record":9')
    report = verify(signed)
    assert kinds(report) == {FindingKind.REWRITTEN}
    assert report.signed_seq == -1


def test_a_chain_made_again_and_signed_with_another_key_is_a_forgery(signed: Path) -> None:
    forge_chain(first(signed), b'"record":2', b'"record":9')
    statements_path(signed / STREAM, 1).unlink()
    sign_stream(signed, STREAM, new_key(), now=NOW)
    assert FindingKind.FORGED in kinds(verify(signed))


def test_lines_added_after_the_seal_are_found(many: Path) -> None:
    path = first(many)
    last = read_line(path.read_bytes().splitlines()[-1])
    text, _ = write_line(last.seq + 1, last.hash, "event", b'{"record":"slipped in"}')
    path.write_bytes(path.read_bytes() + text)
    assert FindingKind.ADDED in kinds(verify(many))


@pytest.mark.parametrize("number", [1, 2])
def test_a_removed_segment_is_found(many: Path, number: int) -> None:
    segment_path(many / STREAM, number).unlink()
    statements_path(many / STREAM, number).unlink()
    report = verify(many)
    assert FindingKind.REMOVED in kinds(report)
    assert report.signed_seq == -1 or number > 1


def test_a_removed_last_segment_leaves_its_signatures(many: Path) -> None:
    numbers = sorted(int(path.name[:8]) for path in (many / STREAM).glob("????????.jsonl"))
    segment_path(many / STREAM, numbers[-1]).unlink()
    report = verify(many)
    assert FindingKind.REMOVED in kinds(report)
    assert report.findings[-1].segment == numbers[-1]


def test_a_removed_seal_is_found(many: Path) -> None:
    statements_path(many / STREAM, 1).unlink()
    assert kinds(verify(many)) == {FindingKind.REMOVED}


def test_a_segment_closed_a_moment_ago_is_only_noted(tmp_path: Path) -> None:
    small_log(tmp_path, records=30, segment_bytes=2000).close()
    report = verify(tmp_path)
    assert report.intact
    assert report.signed_seq == -1
    assert any("not sealed yet" in note for note in report.notes)


def test_segments_put_in_each_others_place_are_found(many: Path) -> None:
    one, two = segment_path(many / STREAM, 1), segment_path(many / STREAM, 2)
    one.rename(one.with_suffix(".away"))
    two.rename(one)
    one.with_suffix(".away").rename(two)
    assert FindingKind.CHANGED in kinds(verify(many))


def test_a_segment_of_another_stream_is_found(tmp_path: Path) -> None:
    small_log(tmp_path, "requests").close()
    (tmp_path / "requests").rename(tmp_path / STREAM)
    assert not verify(tmp_path).intact


def test_a_record_cut_with_its_signatures_is_found_by_a_remembered_head(signed: Path) -> None:
    whole = verify(signed)
    rewrite(first(signed), lambda lines: lines[:-2])
    statements_path(signed / STREAM, 1).unlink()
    assert verify(signed).intact, "nothing in the files themselves can tell"
    remembered = ExpectedHead(whole.last_seq, whole.head)
    assert kinds(verify(signed, expected=remembered)) == {FindingKind.EXPECTED_HEAD}


def test_a_remembered_head_is_found_again_after_the_record_grew(signed: Path) -> None:
    whole = verify(signed)
    small_log(signed, records=5).close()
    assert verify(signed, expected=ExpectedHead(whole.last_seq, whole.head)).intact


def test_two_signed_histories_of_one_line_are_found(signed: Path) -> None:
    other = sign_statement(
        kind="checkpoint", stream=STREAM, segment=1, seq=6, head=b"\x07" * 32, at=NOW, key=load_signing_key(KEY)
    )
    path = statements_path(signed / STREAM, 1)
    path.write_bytes(path.read_bytes() + other)
    assert FindingKind.REWRITTEN in kinds(verify(signed))


def test_a_signature_about_another_segment_does_not_count(many: Path) -> None:
    one, two = statements_path(many / STREAM, 1), statements_path(many / STREAM, 2)
    one.write_bytes(two.read_bytes())
    assert FindingKind.FORGED in kinds(verify(many))


def test_an_unfinished_last_line_is_noted_and_no_fault(tmp_path: Path) -> None:
    small_log(tmp_path).close()
    path = first(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"seq":7,"hash":"12')
    report = verify(tmp_path)
    assert report.intact
    assert any("never finished" in note for note in report.notes)


def test_an_unfinished_line_inside_the_stream_is_a_fault(many: Path) -> None:
    path = first(many)
    path.write_bytes(path.read_bytes() + b'{"seq":7,"hash":"12')
    assert FindingKind.CHANGED in kinds(verify(many))


def test_findings_are_bounded_and_the_rest_counted(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, STREAM, KEY, NO_MINIMUM)
    log.append([b'{"record":0}'] * 1000)
    log.close()
    rewrite(first(tmp_path), lambda lines: [line.replace(b'"record":0', b'"record":1') for line in lines])
    report = verify(tmp_path)
    assert len(report.findings) == 200
    assert "800 more findings are not shown." in report.notes


def test_a_report_is_plain_json(signed: Path) -> None:
    import msgspec

    assert json.loads(msgspec.json.encode(verify(signed)))["stream"] == STREAM


def test_a_tiny_segment_size_still_puts_a_record_in_every_segment(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, STREAM, KEY, Limits(segment_bytes=1, min_free_bytes=0))
    for number in range(5):
        log.append([b'{"record":"%s"}' % (b"x" * 1100 + b"%d" % number)])
    log.close()
    report = verify(tmp_path)
    assert report.intact
    assert (report.segments, report.records) == (5, 5)
