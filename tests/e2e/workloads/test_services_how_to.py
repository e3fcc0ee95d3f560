"""The page "Let scripts, robots and pipelines in" does what it says: its scripts are run as they stand there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running_instance import RULES, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "services.md"
BLOCK = re.compile(r"```(sh|python|yaml)\n(.*?)```", re.DOTALL)
NAMES_OF_THIS_MACHINE = """\
import socket
_ask = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **how: _ask("127.0.0.1" if str(host).endswith("localhost") else host, *more, **how)
"""


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE.read_text()) if found == kind]


@pytest.fixture(scope="module")
def script(running: RunningInstance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Follow the page up to the script: a key, a service, a rule. Return the folder in which it runs."""
    folder = tmp_path_factory.mktemp("script")
    make_keys, shell = blocks("sh")
    subprocess.run(["sh", "-e", "-c", make_keys], cwd=folder, check=True, capture_output=True)
    (folder / "ask.sh").write_text(shell)
    (folder / "ask.py").write_text(blocks("python")[0])
    (folder / "sitecustomize.py").write_text(NAMES_OF_THIS_MACHINE)
    owner = running.make_person("staff").email
    running.command("workload", "add", "nightly-export", "--owner", owner, "--key", str(folder / "export.pub"))
    rule = blocks("yaml")[0].partition("rules:\n")[2].replace("10.0.0.0/8", "127.0.0.0/8")
    with running.rules(RULES + rule):
        yield folder
    running.command("workload", "remove", "nightly-export", "--yes")


@pytest.mark.parametrize("command", [("sh", "ask.sh"), (sys.executable, "ask.py")])
def test_the_scripts_read_the_wiki(running: RunningInstance, script: Path, command: tuple[str, ...]) -> None:
    given = (running.url("id", ""), "nightly-export", "export.key", running.url("wiki", "/page"))
    trust = {"CURL_CA_BUNDLE": str(running.authority), "SSL_CERT_FILE": str(running.authority)}
    path = {"PATH": running.environment["PATH"], "PYTHONPATH": str(script)}
    done = subprocess.run(
        [*command, *given], cwd=script, env={**trust, **path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert '"method": "GET"' in done.stdout.replace('":"', '": "')
    assert "x-ostiary-assertion" in done.stdout.lower()
    assert "ostiary_wl_" not in done.stdout
