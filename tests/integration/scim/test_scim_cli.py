"""`ostiary scim client`, typed as an operator types it."""

import hashlib
import json
from typing import Any

import pytest
from django.conf import settings
from tests.scim_door import post
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.cli.output import ExitCode
from ostiary.scim.models import StoredClient
from ostiary.supervisor.backup.after_restore import sign_everybody_out

pytestmark = pytest.mark.django_db(transaction=True)


def typed(*words: str, code: int = ExitCode.OK) -> Any:
    done = CliRunner().invoke(app, ["scim", "client", *words])
    assert done.exit_code == code, done.output
    return done


def test_a_token_is_shown_once_with_the_address_and_only_its_digest_is_kept() -> None:
    done = typed("add", "okta", "--expires", "30d", "--reason", "people come from there")
    token = done.stdout.strip()
    assert token.startswith("ostiary_")
    assert "/scim/v2" in done.stderr
    assert "scim.enabled" in done.stderr
    assert StoredClient.objects.get().digest == hashlib.sha256(token.encode()).hexdigest()
    record = "".join(path.read_text() for path in (settings.INSTANCE.audit / "control").glob("*.jsonl"))
    assert "people come from there" in record
    assert token not in record + typed("list").stdout + typed("list", "--json").stdout
    assert "Revoke it first" in typed("add", "okta", code=ExitCode.FAILED).stderr


def test_what_a_client_keeps_is_listed_and_stays_when_it_is_revoked() -> None:
    added = json.loads(typed("add", "okta", "--json").stdout)
    assert added["url"].endswith("/scim/v2")
    post("Users", {"userName": "ada@example.com"})
    post("Groups", {"displayName": "Sales"})
    (one,) = json.loads(typed("list", "--json").stdout)
    assert (one["state"], one["users"], one["groups"]) == ("works", 1, 1)
    assert "--yes" in typed("revoke", "okta", code=ExitCode.REFUSED).stderr
    typed("revoke", "okta", "--yes", "--reason", "it leaked")
    (one,) = json.loads(typed("list", "--json").stdout)
    assert (one["state"], one["users"]) == ("revoked", 1)
    assert "ostiary scim client list" in typed("revoke", "okto", "--yes", code=ExitCode.FAILED).stderr


def test_a_backup_that_is_restored_brings_no_token_back() -> None:
    typed("add", "okta")
    sign_everybody_out("root")
    assert json.loads(typed("list", "--json").stdout)[0]["state"] == "revoked"
