"""`ostiary signal`, typed as an operator types it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from tests.signal_site import make_plain_person
from tests.signal_transmitter import AUDIENCE, TOKEN, ForeignTransmitter
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.cli.output import ExitCode
from ostiary.signals.adapters.keys import forget_documents
from ostiary.signals.models import StoredReceiver, StoredTransmitter
from ostiary.supervisor.backup.after_restore import sign_everybody_out

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def foreign() -> Iterator[ForeignTransmitter]:
    there = ForeignTransmitter()
    yield there
    there.stop()


def typed(*words: str, code: int = ExitCode.OK) -> Any:
    done = CliRunner().invoke(app, ["signal", *words])
    assert done.exit_code == code, done.output
    return done


def test_a_receivers_token_is_shown_once_and_only_its_digest_is_kept() -> None:
    add = (
        "receiver",
        "add",
        "crm",
        "--audience",
        "https://crm.test",
        "--push-to",
        "https://crm.test/x",
        "--event",
        "session-revoked",
    )
    done = typed(*add)
    token = done.stdout.strip()
    assert token.startswith("ostiary_")
    assert "/.well-known/ssf-configuration" in done.stderr
    assert "signals.enabled" in done.stderr
    record = "".join(path.read_text() for path in (settings.INSTANCE.audit / "control").glob("*.jsonl"))
    assert token not in record + typed("receiver", "list").stdout + typed("receiver", "list", "--json").stdout
    (one,) = json.loads(typed("receiver", "list", "--json").stdout)
    assert (one["push_to"], one["state"], len(one["events"])) == ("https://crm.test", "works", 1)
    assert "Revoke it first" in typed(*add, code=ExitCode.FAILED).stderr
    assert (
        "session-revoked"
        in typed("receiver", "add", "x", "--audience", "x", "--event", "nothing", code=ExitCode.FAILED).stderr
    )
    assert (
        "https://"
        in typed("receiver", "add", "x", "--audience", "x", "--push-to", "http://10.0.0.1", code=ExitCode.FAILED).stderr
    )
    assert "--yes" in typed("receiver", "revoke", "crm", code=ExitCode.REFUSED).stderr
    assert json.loads(typed("receiver", "revoke", "crm", "--yes", "--json").stdout)["state"] == "revoked"
    assert "crm" in typed("receiver", "revoke", "crn", "--yes", code=ExitCode.FAILED).stderr
    typed("receiver", "add", "siem", "--audience", "siem")
    sign_everybody_out("root")
    assert StoredReceiver.objects.get(pk="siem").revoked_at is not None, "a restored backup brings no token back"


def test_a_transmitter_is_asked_before_it_is_trusted(foreign: ForeignTransmitter, tmp_path: Path) -> None:
    forget_documents()
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    common = ("--audience", AUDIENCE, "--token-file", str(file))
    for wrong in ("https://nobody.invalid", "http://10.0.0.1", "ftp://x", "https://169.254.169.254"):
        assert "rror" in typed("transmitter", "add", "okta", "--issuer", wrong, *common, code=ExitCode.FAILED).stderr
    assert "issuer" in typed(
        "transmitter", "add", "okta", "--issuer", f"{foreign.issuer}/x", "--metadata-url",
        f"{foreign.issuer}/.well-known/ssf-configuration", *common, code=ExitCode.FAILED,
    ).stderr  # fmt: skip
    assert (
        "disable"
        in typed("transmitter", "add", "okta", "--issuer", foreign.issuer, "--may", "all", code=ExitCode.FAILED).stderr
    )
    assert not StoredTransmitter.objects.exists()
    added = json.loads(typed("transmitter", "add", "okta", "--issuer", foreign.issuer, *common, "--json").stdout)
    assert added["url"].endswith("/ssf/events/okta")
    assert TOKEN not in json.dumps(added) + StoredTransmitter.objects.get().sealed_token
    assert (
        "already"
        in typed("transmitter", "add", "other", "--issuer", foreign.issuer, *common, code=ExitCode.FAILED).stderr
    )
    allow = ("transmitter", "allow", "okta", "--may", "end-sessions", "--reason", "it went well")
    assert json.loads(typed(*allow, "--json").stdout)["may"] == "end-sessions"
    assert "end-sessions" in typed(*allow).stderr
    assert json.loads(typed("transmitter", "show", "okta", "--json").stdout)["may"] == "end-sessions"
    assert "stream" in typed("transmitter", "verify", "okta", code=ExitCode.FAILED).stderr
    assert (
        json.loads(typed("stream", "create", "okta", "--deliver", "poll", "--json").stdout)["stream_id"] == "stream-1"
    )
    typed("transmitter", "verify", "okta")
    assert "okta" in typed("transmitter", "list").stdout
    assert "Nothing of okta is held" in typed("transmitter", "release", "okta", "--yes", code=ExitCode.FAILED).stderr
    assert "Nothing of okta is held" in typed("transmitter", "discard", "okta", "--yes", code=ExitCode.FAILED).stderr
    for settle in ("release", "discard"):
        StoredTransmitter.objects.update(held_at=datetime.now(UTC))
        settled = json.loads(typed("transmitter", settle, "okta", "--yes", "--json").stdout)
        assert (settled["signals"], settled["held_at"]) == (0, None)
    typed("stream", "delete", "okta", "--yes")
    assert json.loads(typed("stream", "list", "--json").stdout) == []
    make_plain_person("ada@example.test")
    assert json.loads(typed("events", "ada", "--json").stdout) == []
    assert "verified" in typed("events", "--outcome", "eaten", code=ExitCode.REFUSED).stderr
    assert json.loads(typed("transmitter", "remove", "okta", "--yes", "--json").stdout)["name"] == "okta"
    assert "transmitter list" in typed("transmitter", "show", "okta", code=ExitCode.FAILED).stderr
