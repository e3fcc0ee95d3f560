"""`ostiary audit` as an operator and an auditor use it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from tests.instance import make_instance_home
from tests.visibility_material import HELD, NOW, REFUSED, sample_event
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.config.secrets import AUDIT_KEY, read_secret
from ostiary.visibility.adapters.audit_log import AuditLog, Limits
from ostiary.visibility.adapters.checkpoints import sign_stream
from ostiary.visibility.adapters.segments import segment_path
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.events import entity_change_event

ADMIN = Actor(kind="person", id="p-ada", label="ada@example.test")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    made = make_instance_home()
    moved = tmp_path / "home"
    made.rename(moved)
    monkeypatch.setenv("OSTIARY_HOME", str(moved))
    key = read_secret(moved / "secrets", AUDIT_KEY).reveal()
    limits = Limits(segment_bytes=6000, min_free_bytes=0)
    folder = moved / "state" / "audit"
    log = AuditLog(folder, "decisions", key, limits)
    for number in range(12):
        log.append([sample_event(f"AAAAA-{number:05d}", decision=HELD if number % 2 else REFUSED, at=NOW + number)])
    log.close()
    control = AuditLog(folder, "control", key, limits)
    event = entity_change_event(
        at=NOW, uid="u-1", actor=ADMIN, change="update", entity_type="app", entity_id="wiki", comment="moved"
    )
    control.append([event.encoded])
    control.close()
    for stream in ("decisions", "control"):
        sign_stream(folder, stream, key, now=NOW + 60)
    return moved


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command sends logs to its own standard error, which ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "state" / "audit"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["audit", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_an_intact_record_is_said_to_be_so(home: Path) -> None:
    code, output, notes = run("verify")
    assert code == 0, output
    assert "decisions: 12 records" in output
    assert "control: 1 records" in output
    assert "Nothing was changed" in notes
    assert "use --public-key" in notes


def test_a_changed_record_is_a_finding_with_its_place(folder: Path) -> None:
    path = segment_path(folder / "decisions", 1)
    path.write_bytes(path.read_bytes().replace(b"AAAAA-00001", b"AAAAA-99999", 1))
    code, output, notes = run("verify")
    assert code == 5
    assert "changed: segment 1, line 3 of the file: Line 2 is not what was written." in output
    assert "Nothing was changed" not in notes


def test_the_report_for_programs(folder: Path) -> None:
    code, output, _ = run("verify", "--json", "--stream", "decisions")
    report = json.loads(output)
    assert (code, report["intact"], report["key_from_log"]) == (0, True, True)
    (decisions,) = report["streams"]
    assert (decisions["stream"], decisions["records"], decisions["findings"]) == ("decisions", 12, [])
    segment_path(folder / "decisions", 2).unlink()
    code, output, _ = run("verify", "--json")
    assert code == 5
    assert {"removed"} <= {
        finding["kind"] for stream in json.loads(output)["streams"] for finding in stream["findings"]
    }


def test_a_remembered_head_is_looked_for(folder: Path) -> None:
    _, output, _ = run("verify")
    remembered = next(line.split("Remember: ")[1] for line in output.splitlines() if "Remember: decisions" in line)
    assert run("verify", "--expect-head", remembered)[0] == 0
    stream, seq, digest = remembered.split(":")
    assert run("verify", "--expect-head", f"{stream}:{seq}:{'0' * 64}")[0] == 5
    code, _, error = run("verify", "--expect-head", "nonsense")
    assert code == 1
    assert "STREAM:LINE:HASH" in error
    assert digest


def test_a_stream_that_was_taken_away_whole_is_missed_by_whoever_remembers_it(folder: Path) -> None:
    for path in (folder / "control").iterdir():
        path.unlink()
    assert run("verify")[0] == 0
    assert run("verify", "--expect-head", f"control:1:{'0' * 64}")[0] == 5


def test_the_key_one_wrote_down_is_what_counts(folder: Path, tmp_path: Path) -> None:
    code, pem, _ = run("public-key")
    assert code == 0
    written_down = tmp_path / "audit.pem"
    written_down.write_text(pem)
    assert run("verify", "--public-key", str(written_down))[0] == 0
    (folder / "public-key.pem").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    assert run("verify", "--public-key", str(written_down))[0] == 0
    code, _, error = run("verify")
    assert code == 1
    assert "not an Ed25519 public key" in error


def test_a_folder_without_a_record_is_said_to_have_none(home: Path, tmp_path: Path) -> None:
    code, _, error = run("verify", str(tmp_path))
    assert code == 1
    assert "no audit log" in error.lower() or "cannot be read" in error


OFFLINE = """
import sys
from ostiary.cli.audit import app
try:
    app(["verify", sys.argv[1], "--public-key", sys.argv[2]], standalone_mode=False)
finally:
    assert "django" not in sys.modules, "verification must not need Django"
"""


def test_a_copy_is_verified_without_an_instance_a_database_or_django(folder: Path, tmp_path: Path) -> None:
    copy, key = tmp_path / "copy", tmp_path / "audit.pem"
    subprocess.run(["cp", "-r", str(folder), str(copy)], check=True)
    key.write_text(run("public-key")[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OSTIARY", "DJANGO"))}
    result = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(copy), str(key)],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "decisions: 12 records" in result.stdout


def test_export_writes_one_event_a_line(home: Path) -> None:
    code, output, notes = run("export")
    events = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert [event["metadata"]["uid"] for event in events] == [f"AAAAA-{number:05d}" for number in range(12)]
    assert "12 events." in notes


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--since", "2026-02-02T02:40:05+00:00"], 7),
        (["--until", "2026-02-02T02:40:05+00:00"], 5),
        (["--since", "2026-02-02T02:40:02+00:00", "--until", "2026-02-02T02:40:04+00:00"], 2),
        (["--since", "1m"], 0),
        (["--stream", "control"], 1),
        (["--stream", "requests"], 0),
    ],
)
def test_export_keeps_to_the_span(home: Path, options: list[str], count: int) -> None:
    code, output, _ = run("export", *options)
    assert code == 0
    assert len(output.splitlines()) == count


def test_what_cannot_be_understood_is_said(home: Path) -> None:
    assert run("export", "--since", "yesterday")[0] == 1
    assert run("export", "--format", "xml")[0] == 2
    assert run("tail", "--stream", "nonsense")[0] == 2


def test_tail_reads_as_sentences(home: Path) -> None:
    code, output, _ = run("tail", "-n", "3")
    assert code == 0
    lines = output.splitlines()
    assert [line.split()[4] for line in lines] == ["AAAAA-00009", "AAAAA-00010", "AAAAA-00011"]
    assert {line.split()[2] for line in lines} == {"UTC"}, (
        "as every other moment at the terminal, and as --since reads them"
    )
    assert "ada@example.test GET wiki.example.test/home" in lines[0]
    _, control, _ = run("tail", "--stream", "control")
    assert "ada@example.test changed app wiki (moved)" in control


def test_tail_for_programs(home: Path) -> None:
    _, output, _ = run("tail", "--json", "-n", "2")
    assert [json.loads(line)["class_uid"] for line in output.splitlines()] == [4002, 4002]
    assert run("tail", "-n", "0")[1] == ""
    assert len(run("tail", "-n", "100")[1].splitlines()) == 12


def test_tail_of_an_empty_stream_says_so(home: Path) -> None:
    code, output, notes = run("tail", "--stream", "requests")
    assert (code, output) == (0, "")
    assert "holds nothing yet" in notes


def test_tail_follows(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = read_secret(home / "secrets", AUDIT_KEY).reveal()
    naps = iter(["write", "read", "stop"])

    def nap(_seconds: float) -> None:
        what = next(naps)
        if what == "stop":
            raise KeyboardInterrupt
        if what == "write":
            log = AuditLog(folder, "decisions", key, Limits(segment_bytes=6000, min_free_bytes=0))
            log.append([sample_event("NEWER-00001")])
            log.close()

    monkeypatch.setattr("ostiary.cli.audit.time.sleep", nap)
    _, output, _ = run("tail", "--follow", "-n", "1")
    assert [line.split()[4] for line in output.splitlines()] == ["AAAAA-00011", "NEWER-00001"]
