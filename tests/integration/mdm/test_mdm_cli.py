"""`ostiary mdm`, typed as an operator types it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from tests.management_there import SECRET, ManagementThere, fleet_host
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.cli.output import ExitCode

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def there() -> Iterator[ManagementThere]:
    serving = ManagementThere()
    yield serving
    serving.stop()


def typed(*words: str, code: int = ExitCode.OK, said: str | None = None) -> Any:
    done = CliRunner().invoke(app, ["mdm", *words], input=said)
    assert done.exit_code == code, done.output
    return done


def test_from_connecting_to_removing(there: ManagementThere, tmp_path: Path) -> None:
    there.hosts = [fleet_host(1), fleet_host(2)]
    secret = tmp_path / "fleet.token"
    secret.write_text(f"{SECRET}\n")
    assert "No device management" in typed("list").stderr
    connect = ("connect", "office", "--kind", "fleet", "--address", there.address, "--secret-file")
    assert "Fleet is asked" in typed(*connect, str(secret)).stderr
    assert "already" in typed(*connect, "-", code=ExitCode.FAILED, said=SECRET).stderr
    assert "cannot be read" in typed(*connect, str(tmp_path / "none"), code=ExitCode.REFUSED).stderr
    assert "2 devices on its first page." in typed("test", "office").stderr
    assert json.loads(typed("test", "office", "--json").stdout)["found"] == 2
    assert "2 devices came in" in typed("import", "office").stderr
    (one,) = json.loads(typed("list", "--json").stdout)
    assert (one["state"], one["records"], one["described"]["kind"]) == ("works", 2, "fleet")
    assert "c02f0001" in typed("records", "office").stdout
    assert len(json.loads(typed("records", "office", "--unlinked", "--json").stdout)) == 2
    assert "Nothing is suggested" in typed("suggest", "office").stderr
    assert json.loads(typed("suggest", "office", "--json").stdout) == []
    assert "no connection" in typed("suggest", "nowhere", code=ExitCode.FAILED).stderr
    assert "no device" in typed("link", "office", "3", "--device", "dev-0", code=ExitCode.FAILED).stderr
    assert "no device" in typed("link", "office", "c02f0001", "--device", "dev-0", code=ExitCode.FAILED).stderr
    assert "not linked" in typed("unlink", "office", "c02f0001", "--yes", code=ExitCode.FAILED).stderr
    assert "--yes" in typed("remove", "office", code=ExitCode.REFUSED).stderr
    typed("remove", "office", "--yes", "--json")
    assert json.loads(typed("list", "--json").stdout) == []
    record = "".join(path.read_text() for path in (settings.INSTANCE.audit / "control").glob("*.jsonl"))
    assert "device management" in record
    assert SECRET not in record


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--kind", "airwatch", "--address", "https://a.test"), "fleet, intune or jamf"),
        (("--kind", "fleet", "--address", "fleet.test"), "https://"),
        (("--kind", "fleet", "--address", "https://a.test/x"), "https://"),
        (("--kind", "fleet", "--address", "https://a.test", "--client-id", "x"), "Leave out"),
        (("--kind", "jamf", "--address", "https://a.test"), "client identifier"),
        (("--kind", "intune", "--client-id", "x"), "tenant"),
        (("--kind", "intune", "--client-id", "x", "--tenant", "a/../b"), "tenant"),
    ],
)
def test_what_is_missing_is_said(words: tuple[str, ...], hint: str) -> None:
    assert hint in typed("connect", "there", *words, "--secret-file", "-", code=ExitCode.FAILED, said=SECRET).stderr
