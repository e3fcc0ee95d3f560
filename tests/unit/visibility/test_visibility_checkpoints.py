"""Signing, sealing and retention: what is stated about the record, and when parts of it may go."""

from pathlib import Path

import pytest
from tests.visibility_material import KEY, NOW, PUBLIC_KEY, new_key, small_log

from ostiary.visibility.adapters.audit_log import AuditLog, Limits, RecordUnavailable
from ostiary.visibility.adapters.checkpoints import (
    PUBLIC_KEY_NAME,
    last_statement,
    remove_old_segments,
    sign_stream,
    sync_stream,
)
from ostiary.visibility.adapters.segments import list_segments, segment_path, statements_path
from ostiary.visibility.adapters.verification import verify_files
from ostiary.visibility.domain.statement import (
    ForgedStatement,
    UnusableKey,
    load_public_key,
    load_signing_key,
    public_pem,
    read_statement,
    sign_statement,
)
from ostiary.visibility.domain.verification import FindingKind

DAY = 86_400
STREAM = "decisions"


def test_a_checkpoint_speaks_of_the_last_line(tmp_path: Path) -> None:
    log = small_log(tmp_path, records=3)
    statement = sign_stream(tmp_path, STREAM, KEY, now=NOW)
    assert statement is not None
    assert (statement.kind, statement.seq, statement.head, statement.at) == ("checkpoint", 3, log.head[1].hex(), NOW)
    log.close()


def test_an_idle_stream_is_signed_once(tmp_path: Path) -> None:
    small_log(tmp_path).close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    before = statements_path(tmp_path / STREAM, 1).read_bytes()
    sign_stream(tmp_path, STREAM, KEY, now=NOW + 60)
    assert statements_path(tmp_path / STREAM, 1).read_bytes() == before


def test_a_stream_that_is_not_there_has_nothing_to_sign(tmp_path: Path) -> None:
    assert sign_stream(tmp_path, STREAM, KEY, now=NOW) is None
    assert remove_old_segments(tmp_path, STREAM, KEY, retention_days=1, now=NOW) is None
    sync_stream(tmp_path, STREAM)


def test_every_closed_segment_is_sealed(tmp_path: Path) -> None:
    small_log(tmp_path, records=40, segment_bytes=2000).close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    numbers = list_segments(tmp_path / STREAM)
    kinds = [last_statement(statements_path(tmp_path / STREAM, number), PUBLIC_KEY) for number in numbers]
    assert [statement.kind for statement in kinds if statement] == ["seal"] * (len(numbers) - 1) + ["checkpoint"]


def test_the_public_key_stands_beside_the_streams(tmp_path: Path) -> None:
    small_log(tmp_path).close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    assert (tmp_path / PUBLIC_KEY_NAME).read_bytes() == public_pem(PUBLIC_KEY)


def test_a_torn_statement_is_cut_off_before_the_next(tmp_path: Path) -> None:
    log = small_log(tmp_path)
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    path = statements_path(tmp_path / STREAM, 1)
    path.write_bytes(path.read_bytes() + b'{"statement":{"ki')
    log.append([b'{"record":"more"}'])
    log.close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW + 60)
    report = verify_files(tmp_path, STREAM, PUBLIC_KEY)
    assert report.intact
    assert report.signed_at == NOW + 60


def test_retention_takes_the_oldest_and_says_so(tmp_path: Path) -> None:
    log = small_log(tmp_path, records=40, segment_bytes=2000)
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    numbers = list_segments(tmp_path / STREAM)
    assert remove_old_segments(tmp_path, STREAM, KEY, retention_days=30, now=NOW + 29 * DAY) is None
    removed = remove_old_segments(tmp_path, STREAM, KEY, retention_days=30, now=NOW + 31 * DAY)
    assert removed is not None
    assert removed.segments == len(numbers) - 1
    assert list_segments(tmp_path / STREAM) == numbers[-1:]
    log.append([b'{"record":"goes on"}'])
    log.close()
    report = verify_files(tmp_path, STREAM, PUBLIC_KEY)
    assert report.intact, report.findings
    assert report.first_seq == removed.last_seq + 1
    assert any("removed by retention" in note for note in report.notes)


def test_segments_taken_away_under_cover_of_retention_are_found(tmp_path: Path) -> None:
    small_log(tmp_path, records=60, segment_bytes=2000).close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    first = segment_path(tmp_path / STREAM, 1).read_bytes()
    remove_old_segments(tmp_path, STREAM, KEY, retention_days=1, now=NOW + 2 * DAY)
    assert first
    (tmp_path / STREAM / "removed.signed.jsonl").unlink()
    report = verify_files(tmp_path, STREAM, PUBLIC_KEY)
    assert {finding.kind for finding in report.findings} == {FindingKind.REMOVED}


def test_a_segment_that_is_not_sealed_is_never_removed(tmp_path: Path) -> None:
    small_log(tmp_path, records=40, segment_bytes=2000).close()
    before = list_segments(tmp_path / STREAM)
    assert remove_old_segments(tmp_path, STREAM, KEY, retention_days=1, now=NOW + 9999 * DAY) is None
    assert list_segments(tmp_path / STREAM) == before


def test_a_crash_in_the_middle_of_a_removal_is_finished_by_the_next(tmp_path: Path) -> None:
    small_log(tmp_path, records=40, segment_bytes=2000).close()
    sign_stream(tmp_path, STREAM, KEY, now=NOW)
    leftover = statements_path(tmp_path / STREAM, 1).read_bytes()
    remove_old_segments(tmp_path, STREAM, KEY, retention_days=1, now=NOW + 2 * DAY)
    statements_path(tmp_path / STREAM, 1).write_bytes(leftover)
    assert verify_files(tmp_path, STREAM, PUBLIC_KEY).intact
    remove_old_segments(tmp_path, STREAM, KEY, retention_days=1, now=NOW + 2 * DAY)
    assert not statements_path(tmp_path / STREAM, 1).exists()


def test_signatures_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    small_log(tmp_path).close()
    statements_path(tmp_path / STREAM, 1).mkdir()
    with pytest.raises(RecordUnavailable, match="cannot be signed"):
        sign_stream(tmp_path, STREAM, KEY, now=NOW)


@pytest.mark.parametrize("pem", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises(UnusableKey):
        load_signing_key(pem)
    with pytest.raises(UnusableKey):
        load_public_key(pem)


def test_a_statement_counts_only_under_its_own_key() -> None:
    line = sign_statement(
        kind="seal", stream=STREAM, segment=1, seq=9, head=b"\x01" * 32, at=NOW, key=load_signing_key(KEY)
    ).rstrip(b"\n")
    assert read_statement(line, PUBLIC_KEY).seq == 9
    with pytest.raises(ForgedStatement):
        read_statement(line, load_signing_key(new_key()).public_key())
    with pytest.raises(ForgedStatement):
        read_statement(line.replace(b'"seq":9', b'"seq":8'), PUBLIC_KEY)


def test_a_signer_and_a_writer_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, STREAM, KEY, Limits(segment_bytes=3000, min_free_bytes=0))
    for number in range(100):
        log.append([b'{"n":%d}' % number])
        sign_stream(tmp_path, STREAM, KEY, now=NOW + number)
    log.close()
    report = verify_files(tmp_path, STREAM, PUBLIC_KEY)
    assert report.intact
    assert report.signed_seq == report.last_seq
