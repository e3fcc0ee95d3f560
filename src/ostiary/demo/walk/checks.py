"""Small questions the walk asks again and again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from ostiary.config.places import Instance
from ostiary.demo.walk.browser import WalkFailed, words_of

COMMAND_SECONDS = 120


def expect(truth: object, words: str) -> None:
    """Return when something is so.

    Raises:
        WalkFailed: with the words that say what was to be so.
    """
    if not truth:
        raise WalkFailed(words)


def expect_status(response: httpx.Response, *wanted: int) -> None:
    """Return when an answer has one of the statuses.

    Raises:
        WalkFailed: with what the answer says instead.
    """
    if response.status_code not in wanted:
        expected = " or ".join(str(status) for status in wanted)
        said = words_of(response) or response.headers.get("location", "")
        raise WalkFailed(f"{response.request.url} answers {response.status_code}, not {expected}: {said}")


def command(instance: Instance, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    """Run an `ostiary` command as an operator on the machine would and return what it prints.

    Raises:
        WalkFailed: when it ends with another exit code.
    """
    environment = {**os.environ, "OSTIARY_HOME": str(instance.home)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    program = [sys.executable, "-c", "from ostiary.cli.main import main; main()", *words]
    ended = subprocess.run(
        program, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    if ended.returncode not in codes:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise WalkFailed(f"ostiary {' '.join(words)} ended with {ended.returncode}: {' '.join(said)[:300]}")
    return ended.stdout


def command_json(instance: Instance, *words: str) -> Any:
    """Run a command with `--json` and return what it says."""
    said = command(instance, *words, "--json")
    try:
        return json.loads(said)
    except ValueError:
        raise WalkFailed(f"ostiary {' '.join(words)} --json printed no JSON: {said[:200]}") from None


def decisions_on_record(instance: Instance) -> int:
    """Return how many lines the record of decisions holds."""
    return sum(
        path.read_bytes().count(b"\n")
        for path in sorted(Path(instance.audit / "decisions").glob("*.jsonl"))
        if not path.name.endswith(".signed.jsonl")
    )
