"""The benchmark of the console runs, opens every page, and its last line can be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.console import as_table, main, summarise
from bench.console_pages import NOT_TIMED

from ostiary.web.urls_console import pages

SMALL = ("--rounds=1", "--people=60", "--sessions=5", "--decisions=60", "--requests=10", "--events=20")


def test_every_page_is_opened_in_an_instance_of_its_own_which_is_kept_on_request(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "bench.console", f"--home={home}", *SMALL]
    for made in (True, False):
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
        assert ("The company was made" in done.stderr) is made
        figures = json.loads(done.stdout.splitlines()[-1])
        assert (figures["people"], figures["decisions"], figures["rounds"]) == (60, 60, 1)
        named = {name.partition(":")[0] for name in figures["pages"]}
        assert named == {str(page.name) for page in pages} - NOT_TIMED
        assert all(0 < one["median_ms"] <= one["p95_ms"] for one in figures["pages"].values())


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ostiary.toml").write_text('domain = "example.test"\n')
    assert main([f"--home={tmp_path}", *SMALL]) == 1
    assert "holds no instance of this benchmark" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["ostiary.toml"]


def test_pages_that_take_too_long_are_named_and_files_may() -> None:
    took = {"people": [10.0, 20.0, 300.0], "group": [201.0, 250.0, 260.0], "people_export": [900.0]}
    figures = summarise(took, {"people": 1}, 0.3)
    assert figures["pages"]["people"] == {"median_ms": 20.0, "p95_ms": 300.0}
    assert (figures["slowest_ms"], figures["missed"]) == (250.0, ["group"])
    assert [line[0] for line in as_table(figures).splitlines()[1:]] == ["✓", "✗", "·"]
