"""The page "Ask Ostiary from your own program" does what it says: every `curl` on it is run, and answers as it shows."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.running_instance import RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "authzen.md"
EXAMPLE = re.compile(r"```sh\n(.*?)```(?:\n\n```json\n(.*?)```)?", re.DOTALL)
RULE = """\
version: 1
rules:
  - name: staff-use-wiki
    allow: person:{email}
    to: app:wiki
    do: [view, edit]
    when: {{mfa: any}}
"""
EACH_TIME = {"reference", "policy_version", "generation", "next_token", "id"}


def examples() -> list[tuple[str, str]]:
    return EXAMPLE.findall(PAGE.read_text())


@pytest.fixture(scope="module")
def tokens(running: RunningInstance) -> Iterator[dict[str, str]]:
    """Two programs, one that may search."""
    asks = running.command("authzen", "client", "add", "page-asks").strip()
    searches = running.command("authzen", "client", "add", "page-searches", "--may-search").strip()
    yield {"TOKEN": asks, "SEARCH_TOKEN": searches}
    for name in ("page-asks", "page-searches"):
        running.command("authzen", "client", "revoke", name, "--yes")


def like(shown: Any, seen: Any, place: str = "$") -> None:
    """Check that an answer is the one the page shows, but for what is new each time."""
    if isinstance(shown, dict):
        assert list(shown) == list(seen), place
        for name, value in shown.items():
            if name in EACH_TIME and not isinstance(value, dict):
                assert type(seen[name]) is type(value), f"{place}.{name}"
            else:
                like(value, seen[name], f"{place}.{name}")
    elif isinstance(shown, list):
        assert len(shown) == len(seen), place
        for number, value in enumerate(shown):
            like(value, seen[number], f"{place}[{number}]")
    else:
        assert shown == seen, place


@pytest.mark.parametrize(("command", "shown"), examples(), ids=[str(number) for number in range(len(examples()))])
def test_every_example_answers_as_the_page_shows(
    running: RunningInstance, tokens: dict[str, str], command: str, shown: str
) -> None:
    ada = running.make_person("staff", name="Ada")
    with running.rules(RULE.format(email=ada.email)):
        asked = command.replace("127.0.0.1:9100", f"127.0.0.1:{running.forward_auth_port}")
        asked = asked.replace("ada@example.com", ada.email).replace(
            "https://id.example.com", running.url("id").rstrip("/")
        )
        resolved = f"{running.host('id')}:{running.https_port}:127.0.0.1"
        asked = asked.replace("curl -s", f"curl -s --cacert {running.authority} --resolve {resolved}", 1)
        done = subprocess.run(
            ["bash", "-c", asked], env={**os.environ, **tokens}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        text = done.stdout.replace(ada.email, "ada@example.com").replace(
            running.url("id").rstrip("/"), "https://id.example.com"
        )
        answer = json.loads(text)
        if shown:
            like(json.loads(shown), answer)
        else:
            assert [one["decision"] for one in answer["evaluations"]] == [True, False]
