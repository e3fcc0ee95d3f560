"""`ostiary app` and `ostiary gateway`, typed at the terminal of a real instance."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_OSTIARY = Path(sys.executable).with_name("ostiary")


class Terminal:
    """Types commands at one instance."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "OSTIARY_HOME": str(self.home)}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        return subprocess.run(
            [str(_OSTIARY), *words], env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    def json(self, *words: str) -> Any:
        done = self.type(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    import tempfile

    home = Path(tempfile.mkdtemp(prefix="ost-")) / "home"
    terminal = Terminal(home)
    done = terminal.type(
        "init", "--domain", "corp.test", "--home", str(home), "--https-port", "8443", "--http-port", "0"
    )
    assert done.returncode == 0, done.stderr
    yield terminal
    shutil.rmtree(home.parent)


def test_an_app_from_the_first_word_to_the_last(terminal: Terminal) -> None:
    added = terminal.type(
        *("app", "add", "files", "--upstream", "http://10.0.0.5:8081", "--name", "Files", "--label", "internal"),
        *("--method", "PROPFIND=view", "--identity-header", "Remote-User=email", "--contact", "it@corp.test"),
    )
    assert added.returncode == 0, added.stderr
    assert "https://files.corp.test:8443/" in added.stderr
    assert "app:files" in added.stderr

    (app,) = (app for app in terminal.json("app", "list") if app["id"] == "files")
    assert app["upstream"]["url"] == "http://10.0.0.5:8081"
    assert app["methods"] == {"PROPFIND": "view"}
    assert app["health"] == "unknown"
    shown = terminal.type("app", "show", "files").stdout
    assert "remote-user=email" in shown
    assert "The gateway does not answer." in shown
    routes = (terminal.home / "state/envoy/routes/routes.json").read_text()
    assert "files.corp.test:8443" in routes, "the data plane follows without another command"

    changed = terminal.type(
        "app", "change", "files", "--upstream", "https://10.0.0.6", "--insecure-upstream", "--no-labels"
    )
    assert changed.returncode == 0, changed.stderr
    found = terminal.json("app", "show", "files")
    assert (found["upstream"]["url"], found["upstream"]["verify_tls"], found["labels"]) == (
        "https://10.0.0.6",
        False,
        [],
    )
    assert found["contact"] == "it@corp.test"

    unsure = terminal.type("app", "remove", "files")
    assert (unsure.returncode, "Nothing was changed" in unsure.stderr) == (3, True)
    assert terminal.type("app", "remove", "files", "--yes").returncode == 0
    assert [app["id"] for app in terminal.json("app", "list")] == ["console"]
    assert "files.corp.test" not in (terminal.home / "state/envoy/routes/routes.json").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("app", "show", "consol"), "Did you mean 'console'?"),
        (("app", "add", "console", "--upstream", "http://10.0.0.5"), "reserved"),
        (("app", "add", "x", "--upstream", "http://169.254.169.254"), "No app can live there"),
        (("app", "add", "x", "--upstream", "http://127.0.0.1:8443"), "round in a circle"),
        (("app", "add", "x", "--upstream", "http://10.0.0.5", "--method", "PROPFIND"), "PROPFIND=view"),
        (("app", "add", "x", "--upstream", "https://10.0.0.5", "--ca-file", "/does/not/exist"), "cannot be read"),
        (("app", "remove", "console", "--yes"), "part of Ostiary"),
    ],
)
def test_what_is_wrong_is_said_in_words(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    done = terminal.type(*words)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert [app["id"] for app in terminal.json("app", "list")] == ["console"]


def test_the_plan_is_compared_checked_and_applied(terminal: Terminal) -> None:
    assert terminal.json("gateway", "plan")["changes"] == {}
    assert terminal.type("gateway", "plan", "--check").returncode == 0
    routes = terminal.home / "state/envoy/routes/routes.json"
    good = routes.read_bytes()
    routes.write_bytes(good.replace(b'"admin.corp.test"', b'"admin.other.test"'))

    differs = terminal.type("gateway", "plan", "--check")
    assert differs.returncode == 5
    assert "admin.other.test" in differs.stdout
    assert terminal.json("gateway", "apply")["changed"] == ["routes/routes.json"]
    assert routes.read_bytes() == good
    assert "had this configuration already" in terminal.type("gateway", "apply").stderr
    assert '"failure_mode_allow": false' in terminal.type("gateway", "plan", "--full").stdout


def test_no_plan_shows_a_private_key(terminal: Terminal) -> None:
    shown = terminal.type("gateway", "plan", "--full").stdout

    assert "PRIVATE KEY" not in shown
    assert '"d"' not in shown
