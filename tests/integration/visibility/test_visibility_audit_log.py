"""The log keeps what it acknowledged, refuses what it cannot keep, and mends itself."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.visibility import log_writer
from tests.visibility_material import KEY, NO_MINIMUM, PUBLIC_KEY, small_log

from ostiary.visibility.adapters.audit_log import AuditLog, Limits, RecordUnavailable, StreamInUse
from ostiary.visibility.adapters.segments import list_segments, segment_path
from ostiary.visibility.adapters.verification import verify_files
from ostiary.visibility.domain.chain import read_line

WRITER = Path(log_writer.__file__)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / log_writer.KEY_FILE).write_bytes(KEY)
    return tmp_path


def bodies(folder: Path, stream: str = "decisions") -> Iterator[dict[str, Any]]:
    place = folder / stream
    for number in list_segments(place):
        for raw in segment_path(place, number).read_bytes().splitlines():
            line = read_line(raw)
            if line.kind == "event":
                yield json.loads(line.body)


def changes(folder: Path, stream: str = "decisions") -> list[dict[str, Any]]:
    """What the log recorded about itself."""
    return [body["unmapped"] for body in bodies(folder, stream) if body.get("class_uid") == 1008]


def works(log: AuditLog) -> bool:
    return log.available


def intact(folder: Path, stream: str = "decisions") -> bool:
    return verify_files(folder, stream, PUBLIC_KEY).intact


def start_writer(folder: Path, stream: str, tag: str, batch: int, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(WRITER), str(folder), stream, tag, str(batch), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_was_appended_stands_in_order(folder: Path) -> None:
    small_log(folder, records=10).close()
    assert [body["record"] for body in bodies(folder)] == list(range(10))
    assert intact(folder)


def test_a_log_opened_again_goes_on_in_the_same_chain(folder: Path) -> None:
    for _ in range(3):
        small_log(folder, records=4).close()
    report = verify_files(folder, "decisions", PUBLIC_KEY)
    assert report.intact
    assert (report.segments, report.records, report.last_seq) == (1, 12, 12)


def test_segments_turn_over_by_size(folder: Path) -> None:
    small_log(folder, records=100, segment_bytes=2500).close()
    sizes = [segment_path(folder / "decisions", n).stat().st_size for n in list_segments(folder / "decisions")]
    assert len(sizes) > 3
    assert max(sizes) <= 2500
    assert [body["record"] for body in bodies(folder)] == list(range(100))


def test_files_are_for_their_owner_alone(folder: Path) -> None:
    small_log(folder).close()
    place = folder / "decisions"
    assert place.stat().st_mode & 0o077 == 0
    assert segment_path(place, 1).stat().st_mode & 0o077 == 0


def test_a_record_of_two_lines_is_a_fault_of_the_caller(folder: Path) -> None:
    log = small_log(folder, records=1)
    with pytest.raises(ValueError, match="one line"):
        log.append([b'{"a":\n1}'])
    log.append([b'{"record":1}'])
    log.close()
    assert intact(folder)


def test_a_second_writer_of_decisions_is_refused_until_the_first_is_gone(folder: Path) -> None:
    one = small_log(folder)
    two = AuditLog(folder, "decisions", KEY, NO_MINIMUM)
    with pytest.raises(StreamInUse, match="Another process writes"):
        two.open()
    assert not works(two)
    one.close()
    two.append([b'{"record":6}'])
    assert works(two)
    two.close()
    assert intact(folder)


def test_threads_of_one_process_take_turns(folder: Path) -> None:
    log = AuditLog(folder, "decisions", KEY, Limits(segment_bytes=20_000, min_free_bytes=0))

    def write(tag: int) -> None:
        for number in range(100):
            log.append([b'{"tag":%d,"n":%d}' % (tag, number)])

    threads = [threading.Thread(target=write, args=(tag,)) for tag in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert intact(folder)
    found = list(bodies(folder))
    for tag in range(4):
        assert [body["n"] for body in found if body["tag"] == tag] == list(range(100))


def test_several_writers_of_control_share_the_chain(folder: Path) -> None:
    logs = [AuditLog(folder, "control", KEY, Limits(segment_bytes=3000, min_free_bytes=0)) for _ in range(3)]
    for number in range(60):
        logs[number % 3].append([b'{"n":%d}' % number], durable=True)
    for log in logs:
        log.close()
    assert [body["n"] for body in bodies(folder, "control")] == list(range(60))
    assert len(list_segments(folder / "control")) > 1
    assert intact(folder, "control")


@pytest.mark.parametrize("cut", [1, 2, 40, 90, 100])
def test_a_torn_last_line_is_cut_off_and_that_is_on_record(folder: Path, cut: int) -> None:
    small_log(folder, records=3).close()
    path = segment_path(folder / "decisions", 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    small_log(folder, records=1).close()
    found = list(bodies(folder))
    assert [body["record"] for body in found if "record" in body] == [0, 1, 0]
    (repair,) = changes(folder)
    last = len(whole.splitlines(keepends=True)[-1])
    assert (repair["change"], repair["removed_bytes"]) == ("repair", last - cut)
    assert intact(folder)


def test_zeros_left_by_a_power_cut_are_a_torn_line(folder: Path) -> None:
    small_log(folder, records=3).close()
    with segment_path(folder / "decisions", 1).open("ab") as file:
        file.write(bytes(4096))
    small_log(folder, records=1).close()
    assert [change["removed_bytes"] for change in changes(folder)] == [4096]
    assert intact(folder)


@pytest.mark.parametrize("left", [0, 1, 50])
def test_a_crash_while_a_segment_was_begun_is_mended(folder: Path, left: int) -> None:
    small_log(folder, records=3).close()
    path = segment_path(folder / "decisions", 2)
    path.write_bytes(segment_path(folder / "decisions", 1).read_bytes()[:left])
    small_log(folder, records=2).close()
    report = verify_files(folder, "decisions", PUBLIC_KEY)
    assert report.intact
    assert report.segments == 2
    assert [body["record"] for body in bodies(folder) if "record" in body] == [0, 1, 2, 0, 1]


def test_an_unreadable_end_stays_as_evidence_and_a_new_segment_goes_on(folder: Path) -> None:
    small_log(folder, records=3).close()
    with segment_path(folder / "decisions", 1).open("ab") as file:
        file.write(b"this is no line\n")
    small_log(folder, records=2).close()
    place = folder / "decisions"
    assert segment_path(place, 1).read_bytes().endswith(b"this is no line\n")
    second = [read_line(raw) for raw in segment_path(place, 2).read_bytes().splitlines()]
    assert json.loads(second[0].body)["unreadable_end"] is True
    assert json.loads(second[1].body)["unmapped"]["change"] == "repair"
    report = verify_files(folder, "decisions", PUBLIC_KEY)
    assert {finding.kind.value for finding in report.findings} == {"unreadable"}
    assert report.records == 6


def test_a_full_disk_is_a_refusal_and_recovers_with_a_record_of_the_gap(folder: Path) -> None:
    """`/dev/full` answers every write as a full disk does."""
    log = small_log(folder, records=2)
    log.close()
    path = segment_path(folder / "decisions", 2)
    path.symlink_to("/dev/full")
    for _ in range(3):
        with pytest.raises(RecordUnavailable, match="No space left"):
            log.append([b'{"record":"lost"}', b'{"record":"lost"}'])
    assert not works(log)
    path.unlink()
    log.append([b'{"record":"kept"}'])
    assert works(log)
    log.close()
    assert [body["record"] for body in bodies(folder) if "record" in body] == [0, 1, "kept"]
    (gap,) = changes(folder)
    assert (gap["change"], gap["refused"], gap["kept"]) == ("gap", 6, 0)
    assert "No space left" in gap["reason"]
    assert intact(folder)


def test_a_long_outage_leaves_one_record_of_it(folder: Path) -> None:
    log = small_log(folder, records=1)
    path = segment_path(folder / "decisions", 2)
    log.close()
    path.symlink_to("/dev/full")
    for _ in range(50):
        with pytest.raises(RecordUnavailable):
            log.append([b"{}"])
    path.unlink()
    log.append([b'{"record":1}'])
    log.close()
    assert [change["change"] for change in changes(folder)] == ["gap"]


def test_too_little_free_space_is_a_refusal_before_the_disk_is_full(folder: Path) -> None:
    log = AuditLog(folder, "decisions", KEY, Limits(min_free_bytes=2**62))
    with pytest.raises(RecordUnavailable, match="must stay free"):
        log.append([b"{}"])
    log.close()
    assert list_segments(folder / "decisions") == []


def test_a_folder_that_is_none_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file stands here")
    log = AuditLog(tmp_path / "audit", "decisions", KEY, NO_MINIMUM)
    with pytest.raises(RecordUnavailable):
        log.append([b"{}"])
    (tmp_path / "audit").unlink()
    log.append([b'{"record":0}'])
    log.close()
    assert intact(tmp_path / "audit")


UNWRITABLE = """
import os, sys
from pathlib import Path
from ostiary.visibility.adapters.audit_log import AuditLog, Limits, RecordUnavailable
folder = Path(sys.argv[1])
key = (folder / "key.pem").read_bytes()
log = AuditLog(folder, "decisions", key, Limits(min_free_bytes=0))
log.folder.mkdir()
log.folder.chmod(0o500)
if os.getuid() == 0:
    os.setuid(65534)
try:
    log.append([b"{}"])
except RecordUnavailable as error:
    sys.exit(7 if "Permission denied" in str(error) else 8)
"""


def test_an_unwritable_folder_is_a_refusal(folder: Path) -> None:
    folder.chmod(0o755)
    result = subprocess.run([sys.executable, "-c", UNWRITABLE, str(folder)], check=False, timeout=60)
    assert result.returncode == 7


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_folder_taken_away_under_a_running_writer_is_noticed(folder: Path, how: str) -> None:
    log = small_log(folder, records=2)
    (folder / "decisions").rename(folder / "away")
    if how == "replaced":
        small_log(folder, records=1).close()
    deadline = time.monotonic() + 30
    while (
        not (folder / "decisions" / "00000001.jsonl").exists()
        or b"new" not in (folder / "decisions" / "00000001.jsonl").read_bytes()
    ):
        log.append([b'{"record":"new"}'])
        assert time.monotonic() < deadline
        time.sleep(0.05)
    log.close()
    assert intact(folder)


def test_a_write_the_kernel_takes_only_in_part_loses_nothing_and_is_on_record(folder: Path) -> None:
    """A process that may write no file beyond 20,000 bytes: its last batch arrives in part."""
    with start_writer(folder, "decisions", "a", 7, "20000") as writer:
        assert writer.stdout is not None
        lines = []
        for line in writer.stdout:
            if line.startswith(("ok", "refused")):
                lines.append(line.split())
            if line.startswith("refused"):
                break
        writer.kill()
    acknowledged = int(lines[-2][2])
    log = small_log(folder, records=1)
    log.close()
    found = [body["n"] for body in bodies(folder) if "tag" in body]
    assert found[: acknowledged + 1] == list(range(acknowledged + 1))
    assert {change["change"] for change in changes(folder)} <= {"repair"}
    assert intact(folder)


@pytest.mark.parametrize(("stream", "writers"), [("decisions", 1), ("control", 2)])
def test_a_kill_at_any_moment_loses_no_acknowledged_record(folder: Path, stream: str, writers: int) -> None:
    chance = random.Random(20_260_101)
    acknowledged: dict[str, int] = {}
    for round_number in range(8):
        started = {
            f"{round_number}-{index}": start_writer(
                folder, stream, f"{round_number}-{index}", chance.choice([1, 5, 64])
            )
            for index in range(writers)
        }
        for tag, writer in started.items():
            assert writer.stdout is not None
            first = writer.stdout.readline().split()
            assert first[0] == "ok", first
            acknowledged[tag] = int(first[2])
        time.sleep(chance.uniform(0, 0.15))
        for tag, writer in started.items():
            writer.kill()
            output, _ = writer.communicate(timeout=60)
            whole = output[: output.rfind("\n") + 1].splitlines()
            acknowledged[tag] = max([acknowledged[tag], *(int(line.split()[2]) for line in whole if line[:2] == "ok")])
    AuditLog(folder, stream, KEY, NO_MINIMUM).append([b'{"record":"after"}'])
    found: dict[str, list[int]] = {}
    for body in bodies(folder, stream):
        if "tag" in body:
            found.setdefault(body["tag"], []).append(body["n"])
    for tag, last in acknowledged.items():
        assert found[tag][: last + 1] == list(range(last + 1)), tag
        assert found[tag] == list(range(len(found[tag]))), "nothing twice, nothing out of order"
    report = verify_files(folder, stream, PUBLIC_KEY)
    assert report.intact, report.findings


def test_closing_lets_go_of_every_file(folder: Path) -> None:
    small_log(folder, records=50, segment_bytes=2000).close()
    opened = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    assert not [path for path in opened if path.startswith(str(folder))]
