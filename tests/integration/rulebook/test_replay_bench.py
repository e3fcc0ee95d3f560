"""The benchmark of replays runs, in an instance of its own, and its last line can be read."""

import json
import subprocess
import sys
from pathlib import Path


def test_a_small_month_is_made_kept_and_decided_again() -> None:
    command = [sys.executable, "-m", "bench.replay", "--requests=11000"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode in {0, 1}, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["requests"] == 11_000
    assert 0 < figures["situations"] < 11_000
    assert figures["changes"] > 0
    assert figures["replay_requests_per_second"] > 0
    assert 0 < figures["stored_bytes_per_request"] < 100
    assert (done.returncode == 0) == (figures["replay_requests_per_second"] >= figures["goal_requests_per_second"])
